"""The sizes of an analysis are those of the publication, on both engines, for random datasets.

`DATASET_ASSETS_PROVE=1` tries a hundred of them. What the filters would keep is compared with datasets that
have these filters.
"""

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.drafts import with_draft
from dataset_assets.checks.results import AuditError
from dataset_assets.discovery.analysis import Analysis
from dataset_assets.discovery.analyze import analyze
from dataset_assets.discovery.preview import preview
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.materialize import materialize
from dataset_assets.publishing.prepared_run import Request
from dataset_assets.publishing.run_preview import open_preview
from dataset_assets.publishing.source_locator import as_logical
from dataset_assets.sql.build import assemble
from tests.agreement.analyses import assert_equal, choice
from tests.agreement.parity import EnginePair, engine_pair
from tests.agreement.random_cases import NESTED, STEM, Case, cases
from tests.agreement.test_random import prepare, request
from tests.bigquery.emulator import Emulator
from tests.engines.store_fixtures import OnDisk

PROVE = bool(os.environ.get("DATASET_ASSETS_PROVE"))
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
LONG_CASES = pytest.mark.filterwarnings("ignore:Generating overly large repr")
"""Without it the warning about a long failing case hides why the case failed."""


def verify(catalog: Catalog, target: Target, asked: Request) -> Analysis:
    """Analyze and then publish; compare both, or the reason why nothing was published."""
    folder = catalog.root.parent
    before = everything(folder)
    found = analyze(catalog, target, asked.entry, choice(asked))
    assert everything(folder) == before, "nothing is published, claimed or locked"
    try:
        made = materialize(catalog, target, asked, lambda _: None)
    except AuditError as error:
        failed = {each.name for each in error.checks if each.blocking and not each.passed}
        assert failed <= {each.name for each in found.checks if each.blocking and not each.passed} | {
            "declared_schema"
        }
        event("a check stops the publication")
        return found
    assert_equal(found, made)
    event("published")
    return found


def kept_by(
    case: Case, catalog: Catalog, target: Target, asked: Request, **filters: Any
) -> Mapping[str, Any]:
    """Return rows and products of the same dataset with other filters."""
    definition: dict[str, Any] = deepcopy(dict(case.definition))
    definition.setdefault("filters", {}).update(filters)
    text = json.dumps({"dataset": definition}, ensure_ascii=False, default=str)
    other, entry = with_draft(catalog, asked.entry.path, text)
    assert entry.faults == ()
    return counted(other, target, entry, choice(asked))


def counted(catalog: Catalog, target: Target, entry: Entry, at: AsOfChoice) -> Mapping[str, Any]:
    with open_preview(catalog, target, entry, at) as opened:
        run = opened.prepare(opened.sources.with_transferred(as_logical))
        counts = {"rows": exp.Count(this=exp.Star())}
        if run.inputs.concepts:
            product, revenue = exp.column("product_id"), exp.column("revenue")
            counts["products"] = exp.Count(this=exp.Distinct(expressions=[product]))
            counts["revenue"] = exp.Coalesce(this=exp.Sum(this=revenue), expressions=[exp.Literal.number(0)])
        shown = [exp.alias_(each, name) for name, each in counts.items()]
        rows = exp.select(*shown).from_(run.selection[-1].name)
        return opened.session.rows(assemble(run.selection, rows))[0]


def verify_filters(case: Case, catalog: Catalog, target: Target, asked: Request, found: Analysis) -> None:
    """Compare each step and each filter by revenue with a dataset that has only these filters."""
    if "filters" not in case.definition:
        assert found.revenue_filters == ()
        return
    none = {"type": "none"}
    window = kept_by(case, catalog, target, asked, product_filter=none, customer_filter=none)
    product = kept_by(case, catalog, target, asked, customer_filter=none)
    steps = {each.step: (each.rows, each.products) for each in found.steps}
    assert steps["window"] == (window["rows"], window["products"])
    assert steps["product_filter"] == (product["rows"], product["products"])
    for each in found.revenue_filters:
        chosen = {"type": each.type, "value": each.value}
        kept = kept_by(case, catalog, target, asked, product_filter=chosen, customer_filter=none)
        event(f"{each.type} keeps {'all' if kept['rows'] == window['rows'] else 'some'}")
        assert (each.rows, each.products) == (kept["rows"], kept["products"])
        assert Decimal(each.revenue) == Decimal(kept["revenue"])


@LONG_CASES
@settings(SLOW, max_examples=100 if PROVE else 4)
@given(case=cases(nested=True))
def test_random_datasets_on_duckdb(tmp_path_factory: Any, case: Case) -> None:
    root = tmp_path_factory.mktemp("pair")
    pair = EnginePair(root, (OnDisk(root),), case.zone)
    prepare(pair, case)
    assume(pair.catalog.entry(STEM).ok)  # a drawn split can leave nothing to train on
    catalog, (target,) = pair.catalog, pair.targets
    if case.nested:
        verify(catalog, target, request(pair, case, 1, NESTED))
    asked = request(pair, case, 2)
    found = verify(catalog, target, asked)
    verify_filters(case, catalog, target, asked, found)


@LONG_CASES
@settings(SLOW, max_examples=int(os.environ.get("DATASET_ASSETS_CASES", "30")) if PROVE else 1)
@given(case=cases(nested=True))
def test_random_datasets_on_both_engines(emulator: Emulator, case: Case) -> None:
    with engine_pair(emulator, case.zone) as pair:
        prepare(pair, case)
        assume(pair.catalog.entry(STEM).ok)
        found = []
        for target in pair.targets:
            if case.nested:
                verify(pair.catalog, target, request(pair, case, 1, NESTED))
            asked = request(pair, case, 2)
            found.append(verify(pair.catalog, target, asked).model_dump(exclude={"bytes_estimated"}))
            found[-1]["preview"] = preview(pair.catalog, target, asked.entry, choice(asked)).model_dump()
        assert found[0] == found[1]
        assert pair.stores[1].leftovers() == []


def everything(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())
