"""Target files: names, paths, variables, faults with their places."""

from typing import Any

import pytest

from dataset_assets.adapters.targets import loading as targets
from dataset_assets.adapters.targets.environment import Settings, find_project
from dataset_assets.errors import ContractError, ResolveError
from dataset_assets.periods.cadence import Calendars
from resources.target import PROJECT

TEXT = """\
target:
  engine: {type: duckdb, memory_limit: 1GB, threads: 2}
  warehouse: {type: delta, root: ./published}
  default_resolver: retail
  resolvers:
    retail: {type: parquet, root: "${TEST_ROOT}/retail"}
    archive: {type: csv, root: ./archive, tables: {old: {location: "o.csv", delimiter: ";"}}}
    lake: {type: delta, root: ./lake}
    file: {type: duckdb, database: ./x.duckdb}
"""


def load_target(name: str | None = None, calendars: Calendars | None = None) -> Any:
    """Any: the tests look at what the ports do not show."""
    return targets.load_target(name, calendars)


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "mine.yaml"
    found.write_text(TEXT)
    return found


def test_the_default_target_is_the_projects_wherever_it_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATASET_ASSETS_TARGET", raising=False)
    target: Any = targets.load_target(project=PROJECT)
    assert (target.name, target.default_resolver) == ("local", "retail")
    assert target.resolver(None).root == PROJECT / "data" / "retail"
    assert target.warehouse.root == PROJECT / "warehouse"


def test_a_target_by_path_is_relative_to_its_file(monkeypatch, path, tmp_path):
    monkeypatch.setenv("TEST_ROOT", str(tmp_path / "env"))
    monkeypatch.setenv("DATASET_ASSETS_TARGET", str(path))
    target = load_target()
    assert target.name == "mine"
    assert target.warehouse.root == tmp_path / "published"
    assert target.resolver(None).root == tmp_path / "env" / "retail"
    assert target.resolver("archive").root == tmp_path / "archive"
    assert target.resolver("file").database == tmp_path / "x.duckdb"
    with target.engine.connect() as session:
        assert session._connection.execute("SELECT current_setting('threads')").fetchone() == (2,)
    with pytest.raises(ResolveError, match="no resolver 'nope'"):
        target.resolver("nope")


def test_a_missing_variable_has_a_place(monkeypatch, path):
    monkeypatch.delenv("TEST_ROOT", raising=False)
    with pytest.raises(ContractError, match=r"mine\.yaml:6:35: target\.resolvers\.retail\.root: .*TEST_ROOT"):
        load_target(str(path))


def test_a_variable_cannot_add_structure(monkeypatch, path, tmp_path):
    monkeypatch.setenv("TEST_ROOT", f"{tmp_path}, tables: {{}}, type: csv")
    assert load_target(str(path)).resolver(None).name == "retail"
    assert load_target(str(path)).resolver(None).suffix == ".parquet"


def test_unknown_names_list_the_known():
    with pytest.raises(ContractError, match="no target 'locla'; did you mean 'local'"):
        load_target("locla")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: parquet", "type: parquets", "did you mean `parquet`"),
        ("default_resolver: retail", "default_resolver: shop", "'shop' is not one of"),
        ("threads: 2", "threads: 0", "threads"),
        ("memory_limit: 1GB", "memory_limit: lots", "'lots', not an amount of bytes; write it as 4GB"),
        ("${TEST_ROOT}", "${TEST_ROOT", r"begins no variable; write a variable as \${NAME}"),
        ("memory_limit", "memory_limt", "did you mean `memory_limit`"),
        ('location: "o.csv"', 'location: "*.csv"', "holds one of"),
        ('location: "o.csv"', 'location: "{period}.csv"', "go together"),
    ],
)
def test_faults_name_the_file(monkeypatch, path, old, new, message):
    monkeypatch.setenv("TEST_ROOT", "x")
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(ContractError, match=message) as caught:
        load_target(str(path))
    assert all("mine.yaml" in str(fault) for fault in caught.value.faults)


def test_periods_of_tables_are_of_a_known_calendar(monkeypatch, path):
    monkeypatch.setenv("TEST_ROOT", "x")
    path.write_text(TEXT.replace('location: "o.csv"', 'location: "{period}.csv", period: shop.week'))
    shop = Calendars.model_validate({"calendars": {"shop": {"type": "retail"}}})
    load_target(str(path), shop)
    load_target(str(path), Calendars())
    path.write_text(path.read_text().replace("shop.week", "shop.moon"))
    with pytest.raises(
        ContractError, match=r"mine\.yaml:7:92: target\.resolvers\.archive\.tables\.old\.period"
    ):
        load_target(str(path), shop)
    path.write_text(path.read_text().replace("shop.moon", "moon"))
    with pytest.raises(ContractError, match="did you mean 'month'"):
        load_target(str(path))


def test_settings_from_the_environment(tmp_path):
    assert Settings.from_env({}) == Settings(project=PROJECT, definitions=PROJECT / "definitions")
    env = {
        "DATASET_ASSETS_TARGET": "bigquery",
        "DATASET_ASSETS_DEFINITIONS": str(tmp_path),
        "DATASET_ASSETS_LOCKED": "1",
    }
    assert Settings.from_env(env) == Settings(
        project=PROJECT, target="bigquery", definitions=tmp_path, locked=True
    )
    with pytest.raises(ContractError, match="DATASET_ASSETS_LOCKED is 'maybe'"):
        Settings.from_env({"DATASET_ASSETS_LOCKED": "maybe"})


def test_the_project_is_the_nearest_folder_that_looks_like_one(tmp_path, monkeypatch):
    shop = tmp_path / "shop"
    (shop / "definitions" / "datasets").mkdir(parents=True)
    (tmp_path / "resources" / "targets").mkdir(parents=True)
    assert find_project(shop / "definitions") == shop
    assert find_project(tmp_path / "resources" / "targets") == tmp_path
    monkeypatch.chdir(shop / "definitions")
    assert Settings.from_env({}).definitions == shop / "definitions"
    assert Settings.from_env({}, project=tmp_path).project == tmp_path
    monkeypatch.chdir("/")
    assert Settings.from_env({"DATASET_ASSETS_DEFINITIONS": str(shop / "definitions")}).project == shop
    assert Settings.from_env({}).definitions.as_posix() == "/definitions"


def test_a_target_that_is_named_in_full_depends_on_no_variable(monkeypatch):
    monkeypatch.setenv("DATASET_ASSETS_LOCKED", "maybe")
    assert targets.load_target("local", project=PROJECT).name == "local"
    with pytest.raises(ContractError, match="DATASET_ASSETS_LOCKED is 'maybe'"):
        targets.load_target("local")


def test_another_target_that_is_read_from_has_faults_with_a_place(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_ROOT", str(tmp_path))
    (tmp_path / "cloud.yaml").write_text(
        "target:\n  engine: {type: bigquery, project: some-project}\n"
        "  warehouse: {type: bigquery, dataset: training}\n  default_resolver: retail\n"
        "  resolvers: {retail: {type: bigquery, dataset: shop}}\n"
    )
    for name, other, message in (
        (
            "mine",
            "nope",
            "mine.yaml:10:15: target.reads_from: there is no target 'nope'; known: bigquery, local",
        ),
        (
            "mine",
            "mine.yaml",
            "mine.yaml:10:15: target.reads_from: targets read from each other in a circle: mine → mine",
        ),
        (
            "mine",
            "cloud.yaml",
            "'cloud' has the engine bigquery, this target duckdb; read from a target of the same",
        ),
        ("mine", "gone.yaml", "gone.yaml:1:1: cannot be read"),
    ):
        (tmp_path / f"{name}.yaml").write_text(f"{TEXT}  reads_from: {other}\n")
        with pytest.raises(ContractError) as caught:
            targets.load_target(str(tmp_path / f"{name}.yaml"), project=PROJECT)
        assert message in str(caught.value)
    for name, other in (("one", "two"), ("two", "three"), ("three", "two")):
        (tmp_path / f"{name}.yaml").write_text(f"{TEXT}  reads_from: {other}.yaml\n")
    with pytest.raises(ContractError, match=r"three.yaml:10:15: .* in a circle: two → three → two"):
        targets.load_target(str(tmp_path / "one.yaml"), project=PROJECT)


def test_the_warehouse_of_another_target_is_where_its_own_file_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_ROOT", str(tmp_path))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "production.yaml").write_text(TEXT)
    path = tmp_path / "mine.yaml"
    path.write_text(f"{TEXT}  reads_from: there/production.yaml\n")
    (read,) = targets.load_target(str(path)).reads_from
    warehouse: Any = read.warehouse
    assert (read.name, warehouse.root) == ("production", tmp_path / "there" / "published")


def test_a_bigquery_warehouse_of_another_project_keeps_its_project(tmp_path):
    text = (
        "target:\n  engine: {{type: bigquery, project: {project}}}\n"
        "  warehouse: {{type: bigquery, dataset: training}}\n  default_resolver: retail\n"
        "  resolvers: {{retail: {{type: bigquery, dataset: shop}}}}\n"
    )
    (tmp_path / "production.yaml").write_text(text.format(project="production-project"))
    path = tmp_path / "mine.yaml"
    path.write_text(text.format(project="my-own-project") + "  reads_from: production.yaml\n")
    found = targets.load_target(str(path))
    (read,) = found.reads_from
    own, other = (vars(each) for each in (found.warehouse, read.warehouse))
    assert (own["project"], other["project"]) == ("my-own-project", "production-project")
