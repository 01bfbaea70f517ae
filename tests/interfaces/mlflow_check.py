"""Log a published dataset as an input of an MLflow run with the real MLflow, which is no requirement.

`python -m tests.interfaces.mlflow_check FOLDER`, where FOLDER holds the packages of an environment into which
`mlflow-skinny` is installed, such as `lib/python3.11/site-packages` of it.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from dataset_assets.interfaces.reading import read_arrow
from dataset_assets.interfaces.training import mlflow_dataset
from tests.interfaces.conftest import PROFILES, SALES, TARGET, USERS, write_tables
from tests.interfaces.running import run_ok


def check(folder: Path) -> str:
    """Publish two months of sales, log them, and compare what MLflow stored. Return MLflow's version."""
    open_shop(folder)
    mlflow = import_module("mlflow")
    mlflow.set_tracking_uri((folder / "mlruns").as_uri())
    with mlflow.start_run() as run:
        month, both = mlflow_dataset("sales", partition="2017-03"), mlflow_dataset("sales")
        mlflow.log_input(month, context="training")
        mlflow.log_input(both, context="evaluation")
    stored = [each.dataset for each in mlflow.get_run(run.info.run_id).inputs.dataset_inputs]
    source = json.loads(stored[0].source)
    (published,) = json.loads(run_ok("show", "sales", "--json").out)["publications"][1:]
    assert [each.name for each in stored] == ["sales", "sales"]
    assert stored[0].source_type == "dataset_assets"
    assert stored[0].digest == published["digest"][:36]
    assert stored[1].digest != stored[0].digest
    assert source["digests"] == {"2017-03": published["digest"]}
    assert source["uri"] == (folder / "warehouse" / "sales").as_uri()
    assert (source["version_number"], source["table_version"], source["rows"]) == (1, 1, 177)
    assert month.source.load().equals(read_arrow("sales", partition="2017-03"))
    assert both.source.load(split="train").equals(read_arrow("sales", split="train"))
    assert type(month.source).from_dict(source).to_dict() == source
    return mlflow.__version__


def open_shop(folder: Path) -> None:
    """Write a project with two datasets, choose it by the environment, and publish it."""
    datasets = folder / "definitions" / "datasets"
    datasets.mkdir(parents=True)
    (folder / "definitions" / "users.yaml").write_text(USERS)
    (datasets / "profiles.yaml").write_text(PROFILES)
    (datasets / "sales.yaml").write_text(SALES)
    (folder / "local.yaml").write_text(TARGET)
    write_tables(folder / "data" / "retail")
    os.environ["DATASET_ASSETS_DEFINITIONS"] = str(folder / "definitions")
    os.environ["DATASET_ASSETS_TARGET"] = str(folder / "local.yaml")
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--from", "2017-02", "--to", "2017-03")


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    with TemporaryDirectory() as found:
        sys.stdout.write(f"MLflow {check(Path(found))}: as expected\n")
