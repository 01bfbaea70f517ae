"""`materialize --sample`, `materialize --empty` and `read --sample` (BR-138)."""

from pathlib import Path

import pytest
from pyarrow import parquet

from dataset_assets.interfaces.reading import read_arrow, read_pandas
from tests.interfaces.running import run, run_ok, run_refused

pytestmark = pytest.mark.usefixtures("retailer")


@pytest.fixture
def sampled(retailer) -> Path:
    """Return the file of a sample of sales, of about half of the households."""
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", "--partition", "2017-03", "--sample", "50%")
    return retailer / "warehouse" / "_samples" / "sales" / "_period=2017-03" / "50.parquet"


def test_a_sample_is_printed_like_a_publication_and_written_apart(sampled, retailer):
    answer = run_ok("materialize", "sales", "--partition", "2017-03", "--sample", "50%")
    for words in ("50% by user", "digest", "checks", "Columns of the sample", str(sampled)):
        assert words in answer.out
    assert "sales 2017-03, sample of 50%: selecting the rows" in answer.err
    assert "secret" not in answer.out + answer.err
    assert not (retailer / "warehouse" / "sales").exists()
    assert not list((retailer / "definitions").rglob("sales.yaml.lock"))
    assert "is not published" in run_refused("read", "sales")
    households = set(parquet.read_table(sampled)["user_id"].to_pylist())
    assert 0 < len(households) < 4


def test_empty_checks_and_has_no_statistics_to_show(retailer):
    run_ok("materialize", "profiles")
    answer = run_ok("materialize", "sales", "--partition", "2017-03", "--empty")
    assert "no rows" in answer.out
    assert "Columns" not in answer.out
    (retailer / "data" / "retail" / "transactions.parquet").unlink()
    assert "transactions" in run_refused("materialize", "sales", "--partition", "2017-03", "--empty")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sample", "abc"], "'abc' is not a share of the rows; write a percentage above 0"),
        (["--sample", "0%"], "say --empty"),
        (["--sample", "200%"], "is more than all rows"),
        (["--sample", "1%", "--empty"], "leave one of them out"),
        (["--sample", "1%", "--as-of", "2017-03-01"], "the end of a Period is its as-of"),
    ],
)
def test_faults_of_options_are_one_sentence(options, words):
    assert words in run_refused("materialize", "sales", "--partition", "2017-03", *options)


def test_a_period_has_to_be_named_as_for_a_publication():
    assert "say which" in run_refused("materialize", "sales", "--sample", "1%")


def test_a_sample_is_read_with_conditions_and_masked_on_the_screen(sampled):
    answer = run_ok("read", "sales", "--sample", "50%", "--split", "train", "--where", "revenue > 5")
    assert "secret" not in answer.out
    assert "sensitive columns are masked: household__income" in answer.err
    rows = parquet.read_table(sampled).to_pylist()
    kept = [row for row in rows if row["split"] == 0 and row["revenue"] > 5]
    table = read_arrow("sales", sample="50%", split="train", where="revenue > 5", partition="2017-03")
    assert sorted(map(repr, table.to_pylist())) == sorted(map(repr, kept))
    assert len(read_pandas("sales", sample="50%", limit=3, columns=["user_id"])) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sample", "51%"], "there is no sample 51% of sales; there are: 2017-03 50%"),
        (["--sample", "50%", "--partition", "2017-04"], "there is no sample 50% of sales of 2017-04"),
        (["--sample", "50%", "--version", "1"], "a sample has no --version"),
        (["--sample", "50%", "--columns", "revenu"], "did you mean 'revenue'?"),
        (["--sample", "50%", "--training-run", "r1"], "the use of a sample is not recorded"),
        (["--sample", "50"], "is not a share of the rows"),
    ],
)
@pytest.mark.usefixtures("sampled")
def test_what_a_sample_does_not_have_is_refused(options, words):
    assert words in run_refused("read", "sales", *options)


def redefine(folder: Path, old: str, new: str) -> None:
    path = folder / "definitions" / "datasets" / "sales.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.usefixtures("sampled")
def test_samples_of_different_columns_are_read_one_by_one(retailer):
    redefine(retailer, "household.town]", "household.town, household.household_id]")
    run_ok("materialize", "sales", "--partition", "2017-04", "--sample", "50%")
    said = run_refused("read", "sales", "--sample", "50%")
    assert "samples of 2017-03 have other columns than that of 2017-04; name one with --partition" in said
    for period in ("2017-03", "2017-04"):
        columns = read_arrow("sales", sample="50%", partition=period).column_names
        assert ("household__household_id" in columns) == (period == "2017-04")


@pytest.mark.usefixtures("sampled")
def test_a_split_that_the_file_got_after_the_sample_is_named(retailer):
    split = "  split_config: {strategy: time_based, eval_days: 10}\n"
    redefine(retailer, split, "")
    run_ok("materialize", "sales", "--partition", "2017-03", "--sample", "50%")
    redefine(retailer, "  partitions:", f"{split}  partitions:")
    said = run_refused("read", "sales", "--sample", "50%", "--split", "train")
    assert "the sample of sales was written without a split; materialize the sample anew" in said


def test_clean_removes_samples_when_their_days_are_over_or_on_request(sampled):
    assert "nothing to remove" in run_ok("clean", "--older-than", "0m").err
    assert "50.parquet" in run_ok("clean", "--samples", "--dry-run").out
    assert sampled.exists()
    assert "removed: _samples/sales/_period=2017-03/50.parquet" in run_ok("clean", "--samples").out
    assert not sampled.exists()


def test_the_target_says_for_how_many_days(sampled, retailer):
    target = retailer / "local.yaml"
    target.write_text(target.read_text().replace("root: ./warehouse", "root: ./warehouse, sample_days: 0"))
    assert "sample_days" in run_refused("clean")
    assert sampled.exists()


def test_an_erasure_removes_all_samples(sampled):
    run_ok("materialize", "sales", "--partition", "2017-03")
    answer = run("erase", "sales", "--where", "user_id = 1", "--yes")
    assert answer.code == 0, answer.err
    assert not sampled.exists()


def test_an_output_of_a_project_has_no_samples(retailer):
    (retailer / "definitions" / "projects").mkdir()
    (retailer / "definitions" / "projects" / "campaign.yaml").write_text(
        "project:\n  name: Campaign\n  owner: user-ann\n  datasets: [sales]\n"
        "  operations: [{type: output, name: sold}]\n"
    )
    run_ok("lock")
    assert "sample its dataset, sales" in run_refused("materialize", "campaign__sold", "--sample", "1%")
