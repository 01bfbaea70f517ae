"""Find locks whose dataset's file is missing: a file was removed by hand, or a rename was interrupted."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

from dataset_assets.catalog.versions import read_lock
from dataset_assets.errors import Fault, Position


def leftover_locks(root: Path, locked: Mapping[UUID, str]) -> Iterator[Fault]:
    """Yield a fault for each lock without its file. `locked` maps the ids of other locks to their stems."""
    for path in sorted((root / "datasets").glob("*.lock")):
        if path.with_suffix(".yaml").exists():
            continue
        id_ = read_lock(path).id
        stem = locked.get(id_) if id_ else None
        if stem:
            message = f"is the lock of `{stem}`, left by an interrupted rename"
            hint = f"run `dataset-assets rename {path.stem} {stem}` again, or remove it"
        else:
            message = f"is a lock without its dataset: there is no {path.stem}.yaml"
            hint = "restore that file, or remove the lock as well"
        yield Fault(message, "", hint, Position(str(path), 1, 1))
