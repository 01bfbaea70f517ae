"""A plan reads once what datasets share, and computes once what the Periods of a dataset share."""

from collections import Counter

from dataset_assets.adapters.resolvers.parquet import ParquetResolver
from dataset_assets.catalog.versions import Lock
from dataset_assets.selection.date_range import RollingRange
from dataset_assets.staleness.plan import plan_all
from tests.assets.retailer import open_retailer
from tests.staleness.test_plan import MONTHS, Planned

COPIES = [f"copy_{number}" for number in range(4)]


def test_what_datasets_and_periods_share_is_read_once(tmp_path, monkeypatch):
    retailer = open_retailer(tmp_path)
    folder = retailer.settings.definitions / "datasets"
    for number, stem in enumerate(COPIES, 10):
        text = (folder / "monthly.yaml").read_text().replace("000000000001", f"{number:012}")
        (folder / f"{stem}.yaml").write_text(text)
    planned = Planned(retailer)
    planned.make("monthly", "copy_0")
    files: Counter[object] = Counter()
    windows: Counter[object] = Counter()
    versions: Counter[str] = Counter()
    row_count, window, version_of = ParquetResolver.row_count, RollingRange.window, Lock.version_of

    def count_files(self, paths):
        files.update(paths)
        return row_count(self, paths)

    def count_windows(self, as_of):
        windows[self.months, as_of] += 1
        return window(self, as_of)

    def count_versions(self, dataset):
        versions[self.path] += 1
        return version_of(self, dataset)

    monkeypatch.setattr(ParquetResolver, "row_count", count_files)
    monkeypatch.setattr(RollingRange, "window", count_windows)
    monkeypatch.setattr(Lock, "version_of", count_versions)
    found = {plan.entry.stem: plan for plan in plan_all(planned.catalog, planned.target).plans}
    assert found.keys() == {"monthly", "brands", "nesting", *COPIES}
    assert found["copy_0"].up_to_date == len(MONTHS)
    assert len(found["copy_1"].due) > len(MONTHS)
    assert set(files.values()) == {1}
    assert max(windows.values()) == 2, "once for the window, once for the time range of the tables"
    assert sorted(versions.values()) == [1, 1], "once for each published dataset"
