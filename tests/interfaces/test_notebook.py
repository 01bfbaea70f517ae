"""A published dataset in a notebook: a table of its publications, frames, and plots of statistics."""

import re
import sys

import polars as pl
import pytest

from dataset_assets.errors import ResolveError, UnsupportedError
from dataset_assets.interfaces.published_dataset import dataset
from dataset_assets.interfaces.reading import read_arrow, read_polars
from dataset_assets.interfaces.statistics_plots import plot_statistics
from tests.interfaces.running import run_ok
from tests.interfaces.test_uses import answer, republish


@pytest.mark.usefixtures("published_sales")
def test_polars_has_the_values_of_the_table():
    frame, table = read_polars("sales", with_system=True), read_arrow("sales", with_system=True)
    assert isinstance(frame, pl.DataFrame)
    assert frame.to_arrow().to_pylist() == table.to_pylist()
    assert frame.schema["revenue"] == pl.Decimal(38, 9)
    assert frame.schema["timestamp"] == pl.Datetime("us", "UTC")


@pytest.mark.usefixtures("published_sales")
def test_a_dataset_shows_its_publications():
    found = dataset("sales")
    records = answer("show", "sales")["publications"]
    lines = repr(found).splitlines()
    assert lines[0] == "Sales [sales]: version 1, version 1 of the table"
    for line, record in zip(lines[2:], records, strict=True):
        assert re.split(r" {2,}", line) == [
            record["period"],
            "177",
            "train 147, eval 30",
            f"{record['published_at'][:16].replace('T', ' ')} UTC",
            record["digest"][:12],
        ]
    html = found._repr_html_()
    assert html.count("<tr>") == 3
    assert f"<td>{records[1]['digest'][:12]}</td>" in html
    assert dataset("profiles")._repr_html_().count("<td>all</td>") == 1


def test_a_name_is_escaped(retailer):
    file = retailer / "definitions" / "datasets" / "profiles.yaml"
    file.write_text(file.read_text().replace("Household [red]profiles[/red]", "Household <b>profiles</b>"))
    run_ok("materialize", "profiles")
    html = dataset("profiles")._repr_html_()
    assert "&lt;b&gt;profiles" in html
    assert "<b>" not in html


def test_a_dataset_stays_at_its_version(published_sales):
    before = dataset("sales", partition="2017-03")
    expected = before.read_arrow()
    republish(published_sales)
    assert before.read_arrow().equals(expected)
    assert len(before.read_pandas(split="eval")) == before.publications[0].splits["eval"] == 30
    assert before.read_polars().height == 177
    assert sum(batch.num_rows for batch in before.batches(seed=1)) == 177
    assert not dataset("sales", partition="2017-03").read_arrow().equals(expected)


def drawn(figure):
    """Return the number of bars of each chart, by its column."""
    axes = [each for each in figure.axes if each.axison]
    return {each.get_title(loc="left").partition(":")[0]: len(each.patches) for each in axes}


@pytest.mark.usefixtures("published_sales")
def test_a_plot_has_the_recorded_statistics_and_no_sensitive_column():
    figure = plot_statistics("sales", partition="2017-03")
    statistics = answer("show", "sales", "--stats", "--partition", "2017-03")["statistics"]["columns"]
    bars = drawn(figure)
    assert set(bars) == set(statistics) - {"household__income"}
    assert bars["household__town"] == len(statistics["household__town"]["top_values"]) == 3
    # four bars a bin: a split each, and rows of none
    assert bars["revenue"] == 4 * len(statistics["revenue"]["histogram"])
    (revenue,) = (each for each in figure.axes if each.get_title(loc="left").startswith("revenue"))
    assert sum(bar.get_height() for bars in revenue.containers for bar in bars) == 177
    assert figure.get_supxlabel() == "not plotted, as sensitive: household__income"
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert "secret" not in "".join(text.get_text() for each in figure.axes for text in each.get_yticklabels())


@pytest.mark.usefixtures("published_sales")
def test_some_columns_are_plotted():
    assert set(drawn(plot_statistics("sales", columns=["revenue", "split"]))) == {"revenue", "split"}
    with pytest.raises(ResolveError) as caught:
        plot_statistics("sales", columns=["nope", "household__income"])
    assert "there are no statistics of 'nope'; plotted are: user_id" in str(caught.value.faults[0])
    assert str(caught.value.faults[1]) == "household__income is sensitive, and is not plotted; leave it out"


def test_a_column_that_is_sensitive_now_is_not_plotted(published_sales):
    """Its statistics were recorded when it was not."""
    file = published_sales / "definitions" / "datasets" / "profiles.yaml"
    text = file.read_text()
    file.write_text(text.replace("{name: town, type: string}", "{name: town, type: string, sensitive: true}"))
    assert "town" not in drawn(plot_statistics("profiles"))
    with pytest.raises(ResolveError, match="town is sensitive"):
        plot_statistics("profiles", columns=["town"])


@pytest.mark.usefixtures("published_sales")
def test_without_a_package_one_sentence_says_what_to_install(monkeypatch):
    for module, read in (("polars", read_polars), ("matplotlib", plot_statistics)):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(
            UnsupportedError, match=f"{module.title()} cannot be imported.*install `{module}`"
        ):
            read("sales")
