"""`sql`, `materialize`, `read`, `demo`: from the files to rows and back."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from dataset_assets.errors import DatasetAssetsError, ResolveError
from dataset_assets.interfaces.cli import demo as demo_builds
from dataset_assets.interfaces.cli import demo_data as demo
from dataset_assets.interfaces.cli import export as exporting
from dataset_assets.interfaces.reading import read_arrow, read_pandas
from tests.interfaces.conftest import write_tables
from tests.interfaces.running import process, run, run_ok, run_refused


@pytest.fixture
def published(retailer):
    """The retailer, with its profiles and two months of sales."""
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    return retailer


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.usefixtures("retailer")
def test_materialize_says_what_was_published():
    run_ok("materialize", "profiles")
    answer = run_ok("materialize", "sales", "--partition", "2017-02")
    facts = {line.split("  ")[0]: line for line in answer.out.splitlines() if not line.startswith(" ")}
    assert facts["rows"].split()[1:] == ["177"]  # 59 days, three sales a day
    assert "train 147, eval 30" in facts["split"]
    assert facts["version"].split()[-1] == "1"
    assert facts["table version"].split()[-1] == "0"
    assert len(facts["digest"].split()[-1]) == 64
    assert "177 added" in answer.out
    assert "passed: natural_key_unique" in answer.out
    assert "failed: lookups_matched" in answer.out  # household 4 has no profile
    assert "sales 2017-02: running the query" in answer.err


@pytest.mark.usefixtures("published")
def test_a_second_run_changes_nothing():
    first = read_arrow("sales", with_system=True)
    answer = run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")
    assert answer.out.count("unchanged") == 2
    assert read_arrow("sales", with_system=True).equals(first)


def test_changes_are_counted(published):
    folder = published / "data" / "retail"
    table = parquet.read_table(folder / "transactions.parquet").to_pydict()
    table["sales_value"][:5] = [99.0] * 5
    changed = pa.table({name: values[:87] + values[89:] for name, values in table.items()})
    parquet.write_table(changed, folder / "transactions.parquet")
    answer = run_ok("materialize", "sales", "--partition", "2017-02")
    assert "5 changed, 2 removed, 170 unchanged" in answer.out


@pytest.mark.usefixtures("retailer")
def test_a_nested_dataset_must_be_published_first():
    said = run_refused("materialize", "sales", "--partition", "2017-02")
    assert "nested dataset profiles is not published yet; materialize profiles first" in said


@pytest.mark.usefixtures("published")
def test_which_periods():
    assert "say which, such as" in run_refused("materialize", "sales")
    assert "sales has no Period 2017-01" in run_refused("materialize", "sales", "--partition", "2017-01")
    said = run_refused("materialize", "sales", "--partition", "2017-13", "--partition", "x")
    assert "'2017-13' is not a Period" in said
    assert "'x' is not a Period" in said
    assert "2017-02 is before 2017-03" in run_refused(
        "materialize", "sales", "--from", "2017-03", "--to", "2017-02"
    )
    assert "9000-01 is not complete" in run_refused("materialize", "sales", "--partition", "9000-01")
    assert "not published by Period" in run_refused("materialize", "profiles", "--partition", "2017-02")
    assert "leave out --as-of" in run_refused(
        "materialize", "sales", "--partition", "2017-02", "--as-of", "2017-01-01"
    )
    assert "is not an instant" in run_refused("materialize", "profiles", "--as-of", "yesterday")
    assert "is out of range" in run_refused("materialize", "profiles", "--as-of", "0001-01-01")


@pytest.mark.usefixtures("retailer")
def test_a_period_after_the_last_one_is_refused(monkeypatch):
    monkeypatch.setenv("DATASET_ASSETS_DEFINITIONS", str(Path(__file__).parents[2] / "definitions"))
    sentence = "grocery_recommender has no Period 2018-01: it ends with 2017-12; name an earlier one"
    for command in ("materialize", "sql"):
        assert sentence in run_refused(command, "grocery_recommender", "--partition", "2018-01")
    assert "say which, such as 2017-12" in run_refused("materialize", "grocery_recommender")


@pytest.mark.usefixtures("retailer")
def test_a_period_that_fails_does_not_keep_the_others_from_being_published():
    run_ok("materialize", "profiles")
    answer = run("materialize", "sales", "--partition", "2017-02", "--partition", "2018-02")
    assert answer.code == 1
    assert "177" in answer.out
    assert "sales 2018-02: not_empty: 0 rows were selected" in answer.err
    assert "1 of 2 Periods failed, the others are published" in answer.err
    assert read_arrow("sales").num_rows == 177
    assert "2 of 2 Periods failed; what" in run_refused(
        "materialize", "sales", "--from", "2018-02", "--to", "2018-03"
    )


@pytest.mark.usefixtures("retailer")
def test_locked_refuses_what_the_lock_does_not_know(monkeypatch):
    assert "run `dataset-assets lock`" in run_refused("materialize", "profiles", "--locked")
    monkeypatch.setenv("DATASET_ASSETS_LOCKED", "1")
    assert "run `dataset-assets lock`" in run_refused("materialize", "profiles")
    run_ok("lock")
    run_ok("materialize", "profiles")


def test_a_table_that_is_not_there_and_a_target_that_is_not_there(retailer):
    (retailer / "data" / "retail" / "households.parquet").unlink()
    assert "'households': there is no such table" in run_refused("materialize", "profiles")
    assert "there is no target 'nowhere'" in run_refused("materialize", "profiles", "--target", "nowhere")
    assert "missing.yaml" in run_refused(
        "materialize", "profiles", "--target", str(retailer / "missing.yaml")
    )


@pytest.mark.usefixtures("published")
def test_sql_is_what_a_run_selects():
    answer = run_ok("sql", "sales", "--partition", "2017-02")
    assert answer.err == "as of 2017-03-01T00:00:00Z, Period 2017-02\n"
    assert "\x1b" not in answer.out
    wanted = read_arrow("sales", partition="2017-02").to_pylist()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        selected = connection.execute(answer.out).to_arrow_table().to_pylist()
        trained = connection.execute(run_ok("sql", "sales", "--partition", "2017-02", "--split", "train").out)
        assert len(trained.fetchall()) == 147
    key = lambda row: (row["basket_id"], row["product_id"])  # noqa: E731
    assert sorted(selected, key=key) == sorted(wanted, key=key)


@pytest.mark.usefixtures("published")
def test_sql_with_metadata_has_a_nil_run():
    text = run_ok("sql", "sales", "--partition", "2017-04", "--rows").out
    assert "'00000000-0000-0000-0000-000000000000' AS _created_by_run_id" in text
    assert run_ok("sql", "sales", "--partition", "2017-04", "--rows").out == text
    assert "AS _row_id" not in run_ok("sql", "sales", "--partition", "2017-04").out


def test_sql_in_another_dialect_needs_no_tables(retailer):
    (retailer / "data" / "retail" / "transactions.parquet").unlink()
    answer = run_ok("sql", "sales", "--dialect", "bigquery", "--as-of", "2018-01-01")
    assert "Period 2017-12 (the last that is complete" in answer.err
    assert "FROM transactions" in answer.out
    assert "JOIN profiles AS household" in answer.out
    assert "TIMESTAMP '2018-01-01 00:00:00+00:00'" in answer.out
    assert "GENERATE" not in answer.out
    rows = run_ok("sql", "sales", "--dialect", "bigquery", "--as-of", "2018-01-01", "--rows").out
    assert "AS _row_id" in rows


@pytest.mark.usefixtures("retailer")
def test_sql_says_which_as_of_it_took():
    assert "(now; --as-of says another)" in run_ok("sql", "profiles").err
    assert (
        run_ok("sql", "profiles", "--as-of", "2017-05-06T07:00:00+02:00").err
        == "as of 2017-05-06T05:00:00Z\n"
    )


@pytest.mark.usefixtures("retailer")
def test_sql_of_what_is_not_there():
    run_ok("materialize", "profiles")
    assert "there is no dialect 'bigqery'; did you mean 'bigquery'?" in run_refused(
        "sql", "sales", "--dialect", "bigqery"
    )
    assert "no split 'test'; it has train, eval" in run_refused(
        "sql", "sales", "--partition", "2017-02", "--split", "test"
    )
    assert "no split_config" in run_refused("sql", "profiles", "--split", "train")
    said = run_refused("sql", "sales", "--as-of", "2017-02-01", "--partition", "2017-02")
    assert "a Period decides its own as-of" in said
    assert "no complete Period by 2016-01-01" in run_refused("sql", "sales", "--as-of", "2016-01-01")
    assert "leave out --partition" in run_refused("sql", "profiles", "--partition", "2017-02")


@pytest.mark.usefixtures("published")
def test_read_on_the_screen_masks_sensitive_values():
    answer = run_ok("read", "sales", "--partition", "2017-02")
    assert "secret" not in answer.out
    assert "(sensitive)" in answer.out
    assert "Ulm" in answer.out
    assert "\x1b" not in answer.out  # a town's name cannot steer the terminal
    assert answer.err == "20 of 177 rows; sensitive columns are masked: household__income\n"
    assert (
        "2 of 30 rows"
        in run_ok("read", "sales", "--partition", "2017-02", "--split", "eval", "--limit", "2").err
    )


def test_a_column_stays_masked_when_its_file_forgets_that_it_is_sensitive(published):
    path = published / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(path.read_text().replace(", sensitive: true", ""))
    assert "secret" not in run_ok("read", "profiles").out


@pytest.mark.usefixtures("published")
def test_read_of_csv(tmp_path):
    piped = run_ok("read", "sales", "--format", "csv", "--columns", "user_id,household__income,_labels").out
    rows = rows_of(piped)
    assert list(rows[0]) == ["user_id", "household__income", "_labels"]
    assert len(rows) == 177 + read_arrow("sales", partition="2017-03").num_rows
    assert {row["household__income"] for row in rows} == {"12-secret", "34-secret", ""}
    assert {row["_labels"] for row in rows} == {"{}"}
    path = tmp_path / "out.csv"
    answer = run_ok("read", "sales", "--columns", "user_id,household__income,_labels", "-o", str(path))
    assert path.read_text() == piped
    assert answer.err == f"{len(rows)} rows written to {path}\n"


@pytest.mark.usefixtures("published")
def test_read_of_parquet(tmp_path):
    path = tmp_path / "out.parquet"
    run_ok("read", "sales", "--with-system", "-o", str(path))
    assert parquet.read_table(path).equals(read_arrow("sales", with_system=True))
    run_ok(
        "read", "sales", "--split", "train", "--limit", "7", "--format", "parquet", "-o", str(tmp_path / "x")
    )
    table = parquet.read_table(tmp_path / "x")
    assert table.num_rows == 7
    assert set(table["split"].to_pylist()) == {0}


@pytest.mark.usefixtures("published")
def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("before")

    def broken(_):
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr(exporting, "_with_json_labels", broken)
    assert "No space left on device" in run_refused("read", "sales", "-o", str(path))
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir() if "out" in each.name] == ["out.csv"]


def test_read_before_anything_is_published_says_what_to_run(retailer):
    del retailer
    said = run_refused("read", "sales", "--partition", "2017-02")
    assert "run `dataset-assets materialize sales --partition 2017-02`" in said


@pytest.mark.usefixtures("published")
def test_read_of_what_is_not_there(tmp_path):
    assert "published are: 2017-02, 2017-03" in run_refused("read", "sales", "--partition", "2017-04")
    assert "'x' is not a Period" in run_refused("read", "sales", "--partition", "x")
    assert "has no version 9; it has 0 to 1" in run_refused("read", "sales", "--version", "9")
    assert "did you mean 'revenue'?" in run_refused("read", "sales", "--columns", "revenu")
    assert "has no split 'test'" in run_refused("read", "sales", "--split", "test")
    assert "not split" in run_refused("read", "profiles", "--split", "train")
    assert "not that of a format" in run_refused("read", "sales", "-o", str(tmp_path / "x.txt"))
    assert "for the screen" in run_refused("read", "sales", "--format", "table", "-o", str(tmp_path / "x"))
    assert "is a folder" in run_refused("read", "sales", "--format", "csv", "-o", str(tmp_path))
    assert f"there is no folder {tmp_path}/no;" in run_refused(
        "read", "sales", "-o", str(tmp_path / "no/a.csv")
    )


@pytest.mark.usefixtures("retailer")
def test_read_before_anything_is_published():
    assert "run `dataset-assets materialize profiles`" in run_refused("read", "profiles")
    with pytest.raises(ResolveError, match="profiles is not published"):
        read_arrow("profiles")


def test_read_of_an_earlier_version(published):
    folder = published / "data" / "retail"
    before = read_arrow("profiles")
    table = parquet.read_table(folder / "households.parquet")
    parquet.write_table(table.slice(0, 1), folder / "households.parquet")
    run_ok("materialize", "profiles")
    assert read_arrow("profiles").num_rows == 1
    assert read_arrow("profiles", version=0).equals(before)
    assert read_arrow("sales", version=0).num_rows == 177  # March was published after it


@pytest.mark.usefixtures("published")
def test_read_pandas():
    frame = read_pandas("sales", partition="2017-02", split="eval", with_system=True)
    assert len(frame) == 30
    assert list(frame["_labels"]) == [{}] * 30
    assert set(frame["_period"]) == {"2017-02"}
    assert frame["_row_id"].is_monotonic_increasing
    with pytest.raises(DatasetAssetsError, match="there is no dataset"):
        read_pandas("nope")


@pytest.mark.usefixtures("published")
def test_show_lists_publications_and_statistics():
    answer = run_ok("show", "sales", "--stats")
    assert "Parts of the split" not in answer.out, "a split by time asks for no shares"
    assert "0 rows equal an earlier one, 0 rows are in several parts of the split" in answer.out
    assert "train 147, eval 30" in answer.out
    assert "Statistics of 2017-03" in answer.out
    assert "secret" not in answer.out
    assert "Statistics of 2017-02" in run_ok("show", "sales", "--stats", "--partition", "2017-02").out
    assert "published are: 2017-02, 2017-03" in run_refused(
        "show", "sales", "--stats", "--partition", "2017-05"
    )


def test_ctrl_c_leaves_what_was_published(published):
    write_tables(published / "data" / "retail", days=4_000)
    before = read_arrow("profiles")
    # A program that a shell has started in the background ignores it.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [
        sys.executable,
        "-c",
        f"{heed}from dataset_assets.interfaces.cli.main import main; main()",
        "materialize",
        "sales",
    ]
    running = subprocess.Popen(
        [*command, "--from", "2017-02", "--to", "2026-01"], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert running.stderr is not None
    while "running the query" not in running.stderr.readline():
        assert running.poll() is None
    time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert said.splitlines()[-1] == "stopped; everything that was published before is as it was"
    assert "Traceback" not in said
    assert read_arrow("profiles").equals(before)
    run_ok("materialize", "sales", "--partition", "2017-02")


@pytest.mark.usefixtures("published")
def test_output_that_nobody_reads_any_more():
    program = "from dataset_assets.interfaces.cli.main import main; main()"
    command = f"{sys.executable} -c '{program}' sql sales --partition 2017-02 | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, env=os.environ)
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("retailer")
def test_a_mistake_in_a_process_of_its_own():
    done = process("materialize", "nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("there is no dataset 'nope'")


def test_the_demo_builds_nested_datasets_first_and_twice_is_as_good_as_once(retailer, monkeypatch):
    monkeypatch.setattr(demo, "prepare", lambda root, progress: progress(f"data below {root}"))
    monkeypatch.setattr(demo_builds, "PERIODS", {"sales": ("2017-02", "2017-03"), "profiles": ()})
    first = run_ok("demo", "--root", str(retailer))
    assert first.err.index("profiles: 3 rows") < first.err.index("sales 2017-02: 177 rows")
    assert f"data below {retailer}" in first.err
    assert "make ui" in first.err
    second = run_ok("demo", "--root", str(retailer))
    assert second.out.count("unchanged") == 3
    assert "3 publications, all unchanged" in second.err


def test_the_demo_checks_the_files_first(retailer, monkeypatch):
    monkeypatch.setattr(demo, "prepare", lambda *_: None)
    path = retailer / "definitions" / "datasets" / "sales.yaml"
    path.write_text(path.read_text().replace("user-ann", "user-bob"))
    assert "sales.yaml:4:10: dataset.owner" in run_refused("demo")
    assert not (retailer / "warehouse").exists()
