"""Read the tests of a definitions folder, `tests/<dataset>/*.yaml`, and check them against the datasets."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.definition_test_rules import DefinitionTestRules, UsableTest
from dataset_assets.catalog.folder import refuse_link_out, yaml_files
from dataset_assets.contract.definition_test import ROOT, DefinitionTest
from dataset_assets.errors import ContractError, Fault, NotFoundError, Position, first_faults
from dataset_assets.system_errors import system_reason
from dataset_assets.text.wording import did_you_mean, shown
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read_file

TESTS = "tests"
"""The folder of tests in a definitions folder."""


@dataclass(frozen=True)
class LoadedTests:
    """The tests without faults, in the order of datasets and files, and the faults of all others."""

    tests: tuple[UsableTest, ...]
    faults: tuple[Fault, ...]


def load_definition_tests(catalog: Catalog, datasets: Collection[str] = ()) -> LoadedTests:
    """Return the tests of these datasets, by stem, or of all. A broken file affects no other.

    A test of a dataset with faults is left out: the dataset's own file has the faults.
    """
    tests: list[UsableTest] = []
    faults: list[Fault] = [] if datasets else list(_misplaced(catalog))
    for folder in _folders(catalog.root, faults):
        if datasets and folder.name not in datasets:
            continue
        entry = catalog.entries.get(folder.name)
        for path in _files(folder, faults):
            try:
                tests += _read(catalog, entry, path)
            except ContractError as error:
                faults += first_faults(error.faults)
    return LoadedTests(tuple(tests), tuple(faults))


def _read(catalog: Catalog, entry: Entry | None, path: Path) -> Iterator[UsableTest]:
    """Yield the test in a file. Raises ContractError with all its faults."""
    for each in (path, path.parent):
        refuse_link_out(each, catalog.root)
    document = read_file(path)
    definition = build(document, DefinitionTest, ROOT)
    if entry is None:
        name = path.parent.name
        hint = did_you_mean(name, catalog.entries, "name the folder like the file of a dataset")
        message = f"is a test of {shown(name)}, which no file of datasets/ is called"
        raise ContractError(Fault(message, hint=hint, position=document.position(())))
    if entry.ok:
        yield DefinitionTestRules(catalog, entry, path, document, definition).usable()


def _folders(root: Path, faults: list[Fault]) -> list[Path]:
    try:
        return sorted(path for path in (root / TESTS).iterdir() if path.is_dir() and path.name[0] not in "._")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        message = f"the folder cannot be read: {system_reason(error)}"
        faults.append(Fault(message, position=Position(str(root / TESTS), 1, 1)))
        return []


def _files(folder: Path, faults: list[Fault]) -> Sequence[Path]:
    try:
        return yaml_files(folder)
    except ContractError as error:
        faults += error.faults
        return ()


def _misplaced(catalog: Catalog) -> Iterator[Fault]:
    """Yield a fault for each file that is read by nothing."""
    root = catalog.root / TESTS
    for path in sorted(root.glob("*.yaml")):
        hint = f"put it into {TESTS}/<dataset>/"
        yield Fault("is a test of no dataset", hint=hint, position=Position(str(path), 1, 1))
    for path in sorted((*root.glob("*.yml"), *root.glob("*/*.yml"))):
        yield Fault("is not read", hint=f"rename it to {path.stem}.yaml", position=Position(str(path), 1, 1))


def tests_of(catalog: Catalog, names: Sequence[str]) -> LoadedTests:
    """Return the tests that `DATASET` or `DATASET/TEST` name; all without names.

    Raises NotFoundError if there is no such dataset or no such test.
    """
    wanted = [_named(catalog, name) for name in names]
    found = load_definition_tests(catalog, {stem for stem, _ in wanted})
    if not wanted:
        return found
    chosen = [each for each in found.tests if any(_is_meant(each.path, one) for one in wanted)]
    faults = [
        each
        for each in found.faults
        if each.position and any(_is_meant(Path(each.position.file), one) for one in wanted)
    ]
    for stem, test in wanted:
        if test and not (catalog.root / TESTS / stem / f"{test}.yaml").exists():
            known = [each.path.stem for each in found.tests]
            hint = did_you_mean(test, known, f"see {catalog.root / TESTS / stem}")
            raise NotFoundError(Fault(f"the dataset {stem} has no test {shown(test)}", hint=hint))
    return LoadedTests(tuple(chosen), tuple(faults))


def _named(catalog: Catalog, name: str) -> tuple[str, str]:
    dataset, _, test = name.partition("/")
    return catalog.entry(dataset).stem, test


def _is_meant(path: Path, wanted: tuple[str, str]) -> bool:
    stem, test = wanted
    return path.parent.name == stem and test in ("", path.stem)
