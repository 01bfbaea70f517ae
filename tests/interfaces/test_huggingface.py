"""Hugging Face's `datasets` has the published rows by split: loaded, streamed, and from a folder."""

import pickle
import sys

import pytest

from dataset_assets.errors import DatasetAssetsError, ResolveError, UnsupportedError
from dataset_assets.interfaces import dataset_folder
from dataset_assets.interfaces.huggingface import hf_dataset
from dataset_assets.interfaces.reading import read_arrow
from tests.interfaces.running import run_ok, run_refused
from tests.interfaces.test_uses import answer

SPLITS = ["train", "eval"]


@pytest.fixture
def datasets(monkeypatch, tmp_path):
    """Return the package, which must not reach the network, with a cache of the test's own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    import datasets  # noqa: PLC0415 - reads the variables when it is imported

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    return datasets


def rows_of(dataset):
    """Return the rows of a Dataset as an Arrow table without the metadata of `datasets`."""
    return dataset.with_format("arrow")[:].replace_schema_metadata()


@pytest.mark.usefixtures("published_sales")
def test_a_dataset_by_split_has_the_rows(datasets, tmp_path):
    in_memory = hf_dataset("sales")
    mapped = hf_dataset("sales", folder=tmp_path / "rows")
    assert isinstance(in_memory, datasets.DatasetDict)
    assert list(in_memory) == list(mapped) == SPLITS
    for split in SPLITS:
        expected = read_arrow("sales", split=split)
        assert expected.num_rows > 0
        assert rows_of(in_memory[split]).equals(expected)
        assert rows_of(mapped[split]).equals(expected)
        assert mapped[split].cache_files == [{"filename": str(tmp_path / "rows" / f"{split}.arrow")}]
        assert str(in_memory[split].split) == split
    assert in_memory["eval"].info.dataset_name == "sales"
    assert "2017-03" in in_memory["eval"].info.description


@pytest.mark.usefixtures("published_sales")
def test_one_split_and_an_unsplit_dataset_are_no_dict(datasets):
    chosen = hf_dataset("sales", split="eval", partition="2017-03", columns=["revenue"], where="revenue > 5")
    expected = read_arrow(
        "sales", split="eval", partition="2017-03", columns=["revenue"], where="revenue > 5"
    )
    assert isinstance(chosen, datasets.Dataset)
    assert rows_of(chosen).equals(expected)
    assert hf_dataset("profiles")["income"][:] == read_arrow("profiles")["income"].to_pylist()


@pytest.mark.usefixtures("published_sales", "datasets")
def test_a_fingerprint_names_rows_and_order():
    first = hf_dataset("sales", split="train", seed=1)
    again = hf_dataset("sales", split="train", seed=1)
    assert first._fingerprint == again._fingerprint
    assert first._fingerprint != hf_dataset("sales", split="train", seed=2)._fingerprint
    assert (
        first["basket_id"][:] == again["basket_id"][:] != hf_dataset("sales", split="train")["basket_id"][:]
    )


@pytest.mark.usefixtures("published_sales")
def test_streaming_reads_each_row_once_and_goes_on(datasets):
    streamed = hf_dataset("sales", streaming=True, shards=3, seed=1, columns=["_row_id", "revenue"])
    assert isinstance(streamed, datasets.IterableDatasetDict)
    train = pickle.loads(pickle.dumps(streamed["train"]))
    assert train.num_shards == 3
    found = [row["_row_id"] for row in train]
    expected = read_arrow("sales", split="train", columns=["_row_id"])["_row_id"].to_pylist()
    assert sorted(found) == sorted(expected)
    assert found != expected
    rows = iter(train)
    taken = [next(rows)["_row_id"] for _ in range(150)]
    state = train.state_dict()
    again = hf_dataset("sales", streaming=True, shards=3, seed=1, columns=["_row_id", "revenue"])["train"]
    again.load_state_dict(state)
    assert taken + [row["_row_id"] for row in again] == found
    workers = [[row["_row_id"] for row in train.shard(3, index)] for index in range(3)]
    assert sorted(each for part in workers for each in part) == sorted(expected)


@pytest.mark.usefixtures("published_sales")
def test_an_exported_folder_loads_with_its_splits(datasets, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_folder, "BATCH_ROWS", 50)
    monkeypatch.setattr(dataset_folder, "FILE_ROWS", 100)
    said = run_ok("export", "sales", str(tmp_path / "out"), "--training-run", "run-1", "--with-sensitive")
    assert "354 rows written to" in said.err
    assert "train 294, eval 60" in said.err
    names = sorted(path.name for path in (tmp_path / "out" / "data").iterdir())
    assert names == ["eval-00000-of-00001.parquet", *(f"train-0000{n}-of-00003.parquet" for n in range(3))]
    loaded = datasets.load_dataset(str(tmp_path / "out"))
    assert list(loaded) == SPLITS
    for split in SPLITS:
        assert rows_of(loaded[split]).equals(read_arrow("sales", split=split))
    assert [each["training_run"] for each in answer("uses", "sales")["uses"]] == ["run-1", "run-1"]
    streamed = datasets.load_dataset(str(tmp_path / "out"), split="eval", streaming=True)
    assert [row["basket_id"] for row in streamed] == read_arrow("sales", split="eval")[
        "basket_id"
    ].to_pylist()


@pytest.mark.usefixtures("published_sales")
def test_rows_without_a_split_or_without_rows_load(datasets, tmp_path):
    run_ok("export", "profiles", str(tmp_path / "profiles"), "--columns", "household_id,town")
    loaded = datasets.load_dataset(str(tmp_path / "profiles"))
    assert rows_of(loaded["train"]).equals(read_arrow("profiles", columns=["household_id", "town"]))
    run_ok("export", "sales", str(tmp_path / "sales"), "--where", "revenue > 5 AND split = 0")
    loaded = datasets.load_dataset(str(tmp_path / "sales"))
    assert {split: each.num_rows for split, each in loaded.items()} == {"train": 147}


@pytest.mark.usefixtures("published_sales")
def test_an_export_has_no_sensitive_column_by_itself(datasets, tmp_path):
    said = run_ok("export", "sales", str(tmp_path / "out"))
    assert "left out, as sensitive: household__income; --with-sensitive writes them" in said.err
    columns = datasets.load_dataset(str(tmp_path / "out"))["train"].column_names
    assert columns == [each for each in read_arrow("sales").column_names if each != "household__income"]


def with_split(retailer, config):
    """Write the file of the sales with another split, or with none."""
    file = retailer / "definitions" / "datasets" / "sales.yaml"
    lines = [each for each in file.read_text().splitlines() if "split_config" not in each]
    file.write_text("\n".join([*lines, *([f"  split_config: {config}"] if config else [])]) + "\n")


@pytest.mark.usefixtures("datasets")
@pytest.mark.parametrize("is_first", [True, False])
def test_a_split_that_one_period_has_is_not_lost(retailer, tmp_path, is_first):
    run_ok("materialize", "profiles")
    for period, has_test in (("2017-02", is_first), ("2017-03", not is_first)):
        test_days = ", test_days: 5" if has_test else ""
        with_split(retailer, f"{{strategy: time_based, eval_days: 10{test_days}}}")
        run_ok("materialize", "sales", "--partition", period)
    found = {split: each.num_rows for split, each in hf_dataset("sales").items()}
    assert found == {"train": 279, "eval": 60, "test": 15}
    assert read_arrow("sales", split="test").num_rows == 15
    said = run_ok("export", "sales", str(tmp_path / "out"))
    assert "354 rows written" in said.err


@pytest.mark.parametrize("is_first", [True, False])
def test_rows_of_no_split_are_refused_beside_others(retailer, tmp_path, is_first):
    run_ok("materialize", "profiles")
    for period, is_split in (("2017-02", is_first), ("2017-03", not is_first)):
        with_split(retailer, "{strategy: time_based, eval_days: 10}" if is_split else None)
        run_ok("materialize", "sales", "--partition", period)
    unsplit = "2017-03" if is_first else "2017-02"
    says = f"sales has Periods that are not split: {unsplit}; publish them again with the split"
    with pytest.raises(ResolveError, match=says):
        hf_dataset("sales", training_run="run-1")
    assert says in run_refused("export", "sales", str(tmp_path / "out"), "--training-run", "run-1")
    assert not (tmp_path / "out").exists()
    assert answer("uses", "sales")["uses"] == []
    assert hf_dataset("sales", split="eval").num_rows == 30
    assert hf_dataset("sales", partition=unsplit).num_rows == 177


@pytest.mark.usefixtures("published_sales")
def test_an_export_of_sensitive_columns_alone_is_refused(tmp_path):
    folder = tmp_path / "out"
    message = run_refused(
        "export", "sales", str(folder), "--columns", "household__income", "--training-run", "run-1"
    )
    assert "all columns to be written are sensitive: household__income; name others" in message
    assert not folder.exists()
    assert answer("uses", "sales")["uses"] == []
    run_ok("export", "sales", str(folder), "--columns", "household__income", "--with-sensitive")


@pytest.mark.usefixtures("published_sales")
def test_the_readme_of_a_folder_is_the_dataset_card(datasets, tmp_path):
    run_ok("export", "sales", str(tmp_path / "one"), "--partition", "2017-03")
    text = (tmp_path / "one" / "README.md").read_text()
    assert text.startswith("---\nconfigs:\n")
    card = text.partition("\n---\n\n")[2]
    own = run_ok("card", "sales", "--partition", "2017-03").out
    assert card.startswith(own)
    assert "secret" not in text
    folder = card.removeprefix(own)
    assert "## Files" in folder
    assert "| train | 147 | data/train-\\*.parquet |" in folder
    assert "| eval | 30 |" in folder
    assert "household__income" in folder.partition("left out, as sensitive")[2]
    run_ok("export", "sales", str(tmp_path / "both"), "--columns", "user_id,revenue")
    text = (tmp_path / "both" / "README.md").read_text()
    assert run_ok("card", "sales").out in text
    assert "| Periods | 2017-02, 2017-03. The card above is that of 2017-03 |" in text
    assert "| columns | `user_id`, `revenue` |" in text
    assert datasets.load_dataset(str(tmp_path / "both"))["train"].num_rows == 294


@pytest.mark.usefixtures("published_sales")
def test_a_refused_folder_is_no_use(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    run_refused("export", "sales", str(tmp_path), "--training-run", "run-1")
    assert answer("uses", "sales")["uses"] == []


@pytest.mark.usefixtures("published_sales")
def test_what_an_export_refuses_leaves_nothing(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("kept")
    assert "full is not an empty folder; name a new folder" in run_refused(
        "export", "sales", str(tmp_path / "full")
    )
    assert "no column 'nope'" in run_refused(
        "export", "sales", str(tmp_path / "x"), "--columns", "nope"
    ).replace("published ", "")
    (tmp_path / "file").write_text("")
    assert "cannot be written" in run_refused("export", "sales", str(tmp_path / "file" / "x"))
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".", "x"))) == []
    message = run_refused("export", "sales", str(tmp_path / "none"), "--where", "revenue > 1000")
    assert "sales has no such rows" in message
    assert not (tmp_path / "none").exists()
    (tmp_path / "empty").mkdir()
    run_ok("export", "sales", str(tmp_path / "empty"))


@pytest.mark.usefixtures("published_sales", "datasets")
def test_a_folder_that_is_written_again_does_not_change_rows_that_are_read(tmp_path):
    """A file that is cut short while it is mapped into memory ends the process with SIGBUS."""
    before = hf_dataset("sales", split="eval", folder=tmp_path / "rows")
    after = hf_dataset("sales", split="eval", where="revenue > 5", folder=tmp_path / "rows")
    inode = (tmp_path / "rows" / "eval.arrow").stat().st_ino
    hf_dataset("sales", split="eval", where="revenue > 6", folder=tmp_path / "rows")
    assert (tmp_path / "rows" / "eval.arrow").stat().st_ino != inode, "it would be cut short"
    assert rows_of(before).equals(read_arrow("sales", split="eval"))
    assert rows_of(after).equals(read_arrow("sales", split="eval", where="revenue > 5"))


@pytest.mark.usefixtures("published_sales", "datasets")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "rows"):
        with pytest.raises(DatasetAssetsError, match=r"file.*cannot be written: .*; name another folder"):
            hf_dataset("sales", split="eval", folder=folder)


@pytest.mark.usefixtures("published_sales")
def test_what_hf_dataset_refuses(monkeypatch, tmp_path):
    with pytest.raises(DatasetAssetsError, match="with streaming nothing is written"):
        hf_dataset("sales", streaming=True, folder=tmp_path)
    with pytest.raises(DatasetAssetsError, match="shard is 0 of 0"):
        hf_dataset("sales", streaming=True, shards=0)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UnsupportedError, match=r"datasets cannot be imported.*install `datasets`"):
        hf_dataset("sales")
