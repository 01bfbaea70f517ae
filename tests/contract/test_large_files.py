"""Files whose faults or columns grow faster than the file: few lines of output, in little time."""

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.validation import validate_folder
from dataset_assets.errors import MOST_FAULTS, Fault, fault_count, first_faults

HEAD = "dataset:\n  name: P\n  owner: ana\n"
SMALL = HEAD + "  main_table: {name: t, columns: [{name: u, type: integer}]}\n"
MAPPED = "  column_mapping: {user_id: u, product_id: p, timestamp: ts}\n"
SECONDS = 8
"""Each case takes under 2 seconds; before it was fixed, each took 10 to 90."""


def columns(number: int, kind: str = "integer") -> str:
    own = "{name: u, type: integer}, {name: p, type: integer}, {name: ts, type: timestamp}"
    more = "".join(f", {{name: c{n}, type: {kind}}}" for n in range(number))
    return f"  main_table: {{name: t, columns: [{own}{more}]}}\n"


def lookups(number: int, source: str = "zz{n}.c", target: str = "d") -> str:
    table = "{{type: table, name: x{n}, columns: [{{name: c, type: integer}}]}}"
    line = f"   - {{{{alias: a{{n}}, target: {table}, "
    line += f"join_conditions: [{{{{source_column: {source}, target_column: {target}}}}}]}}}}\n"
    return "  lookups:\n" + "".join(line.format(n=n, before=n - 1) for n in range(number))


def extra(prefix: str, number: int) -> str:
    return f"  extra_columns: [{', '.join(f'{prefix}{n}' for n in range(number))}]\n"


FILES = {
    "unknown keys": (SMALL + "".join(f"  main_tablo{n}: 1\n" for n in range(20_000)), 20_000),
    "unknown roots": (SMALL + "".join(f"datase{n}: 1\n" for n in range(20_000)), 20_000),
    "duplicate keys": (SMALL + "  name: x\n" * 49_000, 49_000),
    "aliases": (HEAD + f"  main_table: {{name: t, columns: [{', '.join(['*x'] * 40_000)}]}}\n", 40_000),
    "wrong types": (HEAD + columns(10_000, "integr"), 10_000),
    "bad references of lookups": (SMALL + lookups(2_000), 4_000),
    "bad references": (HEAD + columns(9_000) + MAPPED + extra("d", 9_000), 9_000),
    "too many columns": (HEAD + columns(10_000) + MAPPED + extra("c", 10_000), 1),
    "the same key column": (SMALL + f"  natural_key_columns: [{', '.join(['u'] * 80_000)}]\n", 79_999),
}


def catalog(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "users.yaml").write_text("users: {ana: {team: data}}\n")
    for stem, text in files.items():
        (tmp_path / "datasets" / f"{stem}.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("kind", FILES)
def test_many_faults_are_reported_in_few_lines_and_little_time(tmp_path, kind):
    text, expected = FILES[kind]
    root = catalog(tmp_path, a=text)
    begun = time.process_time()
    faults = validate_folder(root).faults
    assert time.process_time() - begun < SECONDS
    assert fault_count(faults) == expected
    assert len(faults) == min(expected, MOST_FAULTS + 1)
    if expected > MOST_FAULTS:
        assert f"and {expected - MOST_FAULTS:,} more faults in this file" in str(faults[-1])
    assert all(len(str(fault)) < 400 for fault in faults)


def nested(number: int, inner: int | None, aliases: Iterable[str]) -> str:
    text = f"dataset:\n  id: 01a2001c-5baf-7ea5-90b9-{number:012}\n  name: P\n  owner: ana\n"
    text += f"  main_table: {{name: t{number}, columns: [{{name: a, type: integer}}]}}\n"
    if inner is not None:
        target = f"{{type: dataset, id: 01a2001c-5baf-7ea5-90b9-{inner:012}}}"
        join = "join_conditions: [{source_column: a, target_column: a}]"
        text += f"  lookups: [{', '.join(f'{{alias: {x}, target: {target}, {join}}}' for x in aliases)}]\n"
    return text


def test_columns_that_double_at_each_level_have_a_limit(tmp_path):
    files = {f"p{n:02}": nested(n, n - 1 if n else None, "xy") for n in range(30)}
    begun = time.process_time()
    found = load_catalog(catalog(tmp_path, **files))
    assert time.process_time() - begun < SECONDS
    broken = [stem for stem, entry in found.entries.items() if not entry.ok]
    assert broken == [f"p{n:02}" for n in range(13, 30)]
    assert "dataset.lookups: 16,383 columns would be published, the most are 10,000" in str(
        found.entries["p13"].faults[0]
    )
    assert "is the dataset `p13`, whose file has faults" in str(found.entries["p14"].faults[0])


def test_the_columns_are_counted_without_listing_them(tmp_path):
    more = "".join(f", {{name: c{n}, type: integer}}" for n in range(9_000))
    wide = nested(1, None, "").replace("]}", f"{more}]}}")
    names = [f"a{n}" for n in range(2_000)]
    many = nested(2, 1, names)
    begun = time.process_time()
    (fault,) = validate_folder(catalog(tmp_path, wide=wide, many=many)).faults
    assert time.process_time() - begun < SECONDS
    assert "18,002,001 columns would be published" in str(fault)


def test_ten_thousand_columns_with_system_columns_are_allowed(tmp_path):
    at_the_limit = 10_000 - 10 - 3
    text = HEAD + columns(at_the_limit)
    assert validate_folder(catalog(tmp_path, a=text)).faults == ()
    (tmp_path / "datasets" / "a.yaml").write_text(HEAD + columns(at_the_limit + 1))
    (fault,) = validate_folder(tmp_path).faults
    assert "9,991 columns would be published" in str(fault)


def test_a_long_chain_of_lookups_is_no_fault(tmp_path):
    text = SMALL + lookups(2_000, "a{before}.c", "c").replace("a-1.c", "u", 1)
    begun = time.process_time()
    assert validate_folder(catalog(tmp_path, a=text)).faults == ()
    assert time.process_time() - begun < SECONDS


def test_a_name_that_is_too_long_for_a_column_is_a_fault(tmp_path):
    long = "x" * 120
    files = {"p00": nested(0, None, "")}
    files |= {f"p{n:02}": nested(n, n - 1, [long]) for n in (1, 2, 3)}
    found = load_catalog(catalog(tmp_path, **files)).entries
    assert found["p02"].ok
    (fault,) = found["p03"].faults
    assert "a name of 367 characters; the longest has 300: use shorter aliases" in str(fault)


def test_long_paths_and_lists_are_shortened(tmp_path):
    duplicates = {f"t{n}": nested(7, None, "") for n in range(30)}
    ring = {f"r{n}": nested(100 + n, 100 + (n + 1) % 30, "x") for n in range(30)}
    texts = [str(fault) for fault in validate_folder(catalog(tmp_path, **duplicates, **ring)).faults]
    assert any("as in `t1`, `t10`, `t11`, `t12`, `t13` and 24 more" in each for each in texts)
    assert any("makes a cycle: r0 -> r1 -> r2" in each and "-> (20 more) -> r0" in each for each in texts)


def test_a_fault_that_counts_others_is_counted_as_many():
    some = [Fault(str(n)) for n in range(15)]
    twice = first_faults([*first_faults([Fault("x")] * 30), *some])
    assert len(twice) == MOST_FAULTS + 1
    assert fault_count(twice) == 45
    assert first_faults(some) == tuple(some)
