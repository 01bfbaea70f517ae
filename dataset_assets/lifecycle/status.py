"""Change the status of a dataset, and keep datasets that are not for use from being published by a slip.

| status | published | new Projects |
|---|---|---|
| draft | by hand only | yes |
| active | by hand and by its `refresh` | yes |
| disabled | as before, for Projects that use it already (BR-008) | no |
| archived | by hand only; hidden from lists | no |
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Status
from dataset_assets.errors import ContractError, Fault, PublishError, near, raise_all
from dataset_assets.lifecycle.changes import proposed, refuse_locked, text_diff, write_text
from dataset_assets.model import Model
from dataset_assets.yaml.edits import SetValue


class Action(StrEnum):
    """A change of a status."""

    ACTIVATE = "activate"
    DISABLE = "disable"
    ARCHIVE = "archive"
    RESTORE = "restore"


_D, _A, _X, _R = Status.DRAFT, Status.ACTIVE, Status.DISABLED, Status.ARCHIVED
TRANSITIONS: Mapping[Action, Mapping[Status, Status]] = {
    Action.ACTIVATE: {_D: _A, _A: _A, _X: _A},
    Action.DISABLE: {_D: _X, _A: _X, _X: _X},
    Action.ARCHIVE: {_D: _R, _A: _R, _X: _R, _R: _R},
    Action.RESTORE: {_R: _A, _A: _A},
}
"""Action → status before → status after. What is missing here is refused."""

_HINTS: Mapping[tuple[Action, Status], str] = {
    (Action.ACTIVATE, _R): "`dataset-assets restore {}` makes it active",
    (Action.DISABLE, _R): "an archived dataset is not for new Projects either; `restore` it first",
    (Action.RESTORE, _D): "it is not archived; `dataset-assets activate {}` makes it active",
    (Action.RESTORE, _X): "it is not archived; `dataset-assets activate {}` makes it active",
}
_MEANS: Mapping[Status, str] = {
    _D: "it is published by hand only",
    _A: "it can be used everywhere, and its `refresh` is followed",
    _X: "Projects that use it go on, new ones cannot",
    _R: "it is hidden from lists and not refreshed; new Projects cannot use it",
}
_BY_HAND = {_D: "activate", _R: "restore"}


class StatusChange(Model):
    """The status of a dataset before and after; `means` says in words what the new one allows."""

    dataset: str
    file: str
    action: Action
    before: Status
    after: Status
    means: str
    diff: str
    written: bool


def change_status(
    catalog: Catalog,
    name: str,
    action: Action,
    *,
    based_on: str | None = None,
    dry_run: bool = False,
    locked: bool = False,
) -> StatusChange:
    """Change the status of a dataset. A status that it has already is no error.

    Raises ContractError for a transition that does not exist, for a broken file, and for a Project that would
    be left with a reference that is not recorded yet (BR-008).
    """
    entry = catalog.entry(name)
    before = catalog.checked(entry).status
    after = TRANSITIONS[action].get(before)
    if after is None:
        hint = _HINTS[action, before].format(entry.stem)
        raise ContractError(Fault(f"`{entry.stem}` is {before}: it cannot be {_done(action)}", hint=hint))
    edits = [SetValue((ROOT, "status"), after.value)] if after is not before else []
    old, new, _ = proposed(catalog, entry, edits, based_on)
    if not dry_run:
        refuse_locked(locked=locked and old != new, patch=text_diff(entry.path, old, new))
        write_text(entry.path, old, new)
    return StatusChange(
        dataset=entry.stem,
        file=near(entry.path),
        action=action,
        before=before,
        after=after,
        means=_MEANS[after],
        diff=text_diff(entry.path, old, new),
        written=not dry_run and old != new,
    )


def refuse_by_slip(entries: Iterable[Entry], *, anyway: bool) -> None:
    """Raise PublishError for drafts and archived datasets, unless they are published `anyway`."""
    if anyway:
        return
    raise_all(PublishError, (fault for entry in entries for fault in _not_for_use(entry)))


def _not_for_use(entry: Entry) -> Iterable[Fault]:
    status = entry.dataset.status if entry.dataset else None
    if status in _BY_HAND:
        name = f"a {status}" if status is _D else f"{status}"
        hint = f"add --anyway to publish it, or `dataset-assets {_BY_HAND[status]} {entry.stem}` first"
        yield Fault(f"`{entry.stem}` is {name}, so that nothing was published", hint=hint)


def _done(action: Action) -> str:
    return {"activate": "activated", "disable": "disabled", "archive": "archived"}.get(action, "restored")
