"""Charts are well-formed SVG and show the bins of a column."""

import base64
import xml.etree.ElementTree as ET

import pytest

from dataset_assets.contract.model import ColumnType
from dataset_assets.stats.plots import (
    COLOURS,
    HEIGHT,
    WIDTH,
    distribution_svg,
    histogram_svg,
    legend_svg,
    markdown_image,
)
from dataset_assets.stats.statistics import Bin, ColumnStatistics, ValueCount

RECT = "{http://www.w3.org/2000/svg}rect"
TEXT = "{http://www.w3.org/2000/svg}text"


def drawn(*bins, **more):
    column = ColumnStatistics(
        type=ColumnType.INTEGER, cardinality=1, null_count=0, null_percent=0, histogram=bins, **more
    )
    return ET.fromstring(histogram_svg(column))


def test_bars_are_as_high_as_their_rows():
    bars = drawn(Bin(low=0, high=5, rows=10), Bin(low=5, high=10, rows=0), Bin(low=10, high=15, rows=5))
    heights = [float(bar.get("height")) for bar in bars.iter(RECT)]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)
    for bar in bars.iter(RECT):
        assert float(bar.get("x")) + float(bar.get("width")) <= WIDTH
        assert 0 <= float(bar.get("y")) <= HEIGHT


def test_splits_have_a_colour_each_and_are_stacked():
    bars = list(drawn(Bin(low=0, high=5, rows=4, splits={"train": 3, "eval": 1})).iter(RECT))
    assert len({bar.get("fill") for bar in bars}) == 2
    assert float(bars[0].get("y")) == float(bars[1].get("y")) + float(bars[1].get("height"))


def test_a_long_tail_can_be_seen_and_stays_within_the_picture():
    tail = Bin(low=5, high=9, rows=2, splits={"train": 1, "eval": 1})
    parts = {"train": 999_998, "eval": 1, "test": 1}
    bars = list(drawn(Bin(low=0, high=5, rows=1_000_000, splits=parts), tail).iter(RECT))
    assert len(bars) == 5
    assert min(float(bar.get("height")) for bar in bars) > 0.5
    assert min(float(bar.get("y")) for bar in bars) >= 0


def test_a_column_without_a_histogram_shows_its_most_frequent_values():
    column = ColumnStatistics(
        type=ColumnType.STRING,
        cardinality=2,
        null_count=0,
        null_percent=0,
        top_values=(
            ValueCount(value="<b>dairy & eggs, and other things</b>", rows=1200),
            ValueCount(value="x", rows=300),
        ),
    )
    picture = ET.fromstring(distribution_svg(column))
    bars = [float(bar.attrib["width"]) for bar in picture.iter(RECT)]
    assert bars[0] == pytest.approx(4 * bars[1], abs=0.2)
    texts = [each.text or "" for each in picture.iter(TEXT)]
    assert texts[0].startswith("<b>dairy & eggs")
    assert texts[0].endswith("…")
    assert texts[1::2] == ["1,200", "300"]


def test_the_legend_names_the_existing_splits():
    legend = ET.fromstring(legend_svg({"eval": 3, "train": 9}))
    assert [each.text for each in legend.iter(TEXT)] == ["train", "eval"]
    assert [each.get("fill") for each in legend.iter(RECT)] == [COLOURS["train"], COLOURS["eval"]]


def test_a_timeline_is_preferred():
    bars = drawn(Bin(low=0, high=5, rows=4), timeline=(Bin(low="2020-01-01", high="2020-02-01", rows=4),))
    assert next(bars.iter("{http://www.w3.org/2000/svg}title")).text == "2020-01-01 to 2020-02-01: 4"


def test_text_is_escaped():
    svg = drawn(Bin(low="<script>&", high='">', rows=1))
    assert "<script>& to" in next(svg.iter("{http://www.w3.org/2000/svg}title")).text


def test_a_column_without_bins_has_no_chart():
    column = ColumnStatistics(type=ColumnType.STRING, cardinality=0, null_count=0, null_percent=0)
    assert histogram_svg(column) == ""


def test_a_picture_in_markdown_holds_the_svg_and_its_text_cannot_break_out():
    image = markdown_image("<svg/>", "a](x)\n<b>[")
    assert image.startswith("![a\\]\\(x\\) &lt;b&gt;\\[](data:image/svg+xml;base64,")
    assert base64.b64decode(image.split("base64,")[1][:-1]) == b"<svg/>"
    assert "\n" not in image
