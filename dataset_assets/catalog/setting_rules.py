"""Rules on the settings of a dataset: file name, id, version, owner, Periods, refresh, drift."""

import re
from collections.abc import Iterator

from dataset_assets.catalog.rule_input import Loc, RuleInput, RuleViolation
from dataset_assets.contract.model import Lookups, Refresh
from dataset_assets.contract.monitoring import Drift
from dataset_assets.errors import PeriodError
from dataset_assets.periods.cron import check_cron
from dataset_assets.text.wording import listed, shown

STEM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,119}")
"""The stems that can name a published table (BR-131)."""
_PERIOD = ("partitions", "period")
_NO_SCHEDULE = "but no schedule can follow when a `{}` begins"


def file_name_is_a_name(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a file name whose stem cannot name the published table (BR-131)."""
    if not STEM.fullmatch(inputs.stem):
        message = f"the file is called {shown(inputs.stem)}, which cannot name a table"
        yield RuleViolation((), message, "use letters, digits and `_`, beginning with a letter")
    elif inputs.namesakes:
        other = inputs.namesakes[0]
        message = f"the file is called {shown(inputs.stem)}, which differs from `{other}` by case"
        yield RuleViolation((), message, "rename one: some file systems and tables ignore case")


def id_is_the_datasets_own(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report an `id` that another file has or that differs from the one in the lock."""
    dataset, lock = inputs.dataset, inputs.lock
    if inputs.same_id_files:
        others = listed(f"`{stem}`" for stem in inputs.same_id_files)
        hint = "remove the `id` of the copy; `lock` gives it a new one"
        yield RuleViolation(("id",), f"is {shown(str(dataset.id))}, as in {others}", hint)
    elif dataset.id and lock.id and dataset.id != lock.id:
        message = f"is {shown(str(dataset.id))}, but the lock says {shown(str(lock.id))}"
        yield RuleViolation(("id",), message, "an id never changes; restore it, or remove the lock of a copy")


def version_is_known_to_the_lock(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a `version` that the lock does not have; an earlier number of the lock is allowed (BR-115)."""
    version, lock = inputs.dataset.version, inputs.lock
    if version and lock.lines and version not in lock.numbers:
        message = f"is {version}, which the lock does not know; its last version is {lock.lines[-1].version}"
        yield RuleViolation(("version",), message, "remove it; `lock` writes it")


def owner_is_a_user(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report an owner that is no user or team of `users.yaml` (BR-124)."""
    if inputs.users and (unknown := inputs.users.unknown(inputs.dataset.owner)):
        yield RuleViolation(("owner",), *unknown)


def periods_are_known(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a `period` that no calendar has, and a `start` or an `end` that is none of its Periods."""
    partitions = inputs.dataset.partitions
    if not partitions or not inputs.calendars:
        return
    try:
        cadence = inputs.calendars.cadence(partitions.period)
    except PeriodError as error:
        yield _period_violation("period", error)
        return
    ends = {}
    for key, text in partitions.model_dump(include={"start", "end"}, exclude_none=True).items():
        try:
            ends[key] = cadence.parse(text)
        except PeriodError as error:
            yield _period_violation(key, error, _PERIOD)
    if len(ends) == 2 and ends["end"].start < ends["start"].start:
        message = f"is {ends['end']}, before the `start` {ends['start']}"
        hint = "name a later one, or remove it: then there is no end"
        yield RuleViolation(("partitions", "end"), message, hint, (_PERIOD, ("partitions", "start")))


def _period_violation(key: str, error: PeriodError, *depends_on: Loc) -> RuleViolation:
    return RuleViolation(("partitions", key), error.faults[0].message, error.faults[0].hint, depends_on)


def refresh_has_one_trigger(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a `refresh` that has both `on` and `cron`, or neither."""
    refresh = inputs.dataset.refresh
    if refresh is None:
        return
    if (refresh.on is None) == (refresh.cron is None):
        message = "has both `on` and `cron`" if refresh.on else "says neither `on` nor `cron`"
        hint = "keep one" if refresh.on else "write `on: upstream`, or a `cron`"
        yield RuleViolation(("refresh",), message, f"{hint}; without `refresh` it is by hand")
    if refresh.cron is None:
        return
    try:
        check_cron(refresh.cron)
    except ValueError as error:
        hint = 'write five fields (minute, hour, day, month, weekday), as in "0 6 * * *"'
        yield RuleViolation(("refresh", "cron"), f"is {shown(refresh.cron)}: {error}", hint)


def refresh_settings_have_a_meaning(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report settings of `refresh` that would have no effect in this dataset."""
    refresh = inputs.dataset.refresh
    if refresh and refresh.lookback is not None:
        yield from _lookback_violations(inputs)
    if refresh and "lookups" in refresh.model_fields_set:
        yield from _lookups_violations(inputs, refresh)


def _lookback_violations(inputs: RuleInput) -> Iterator[RuleViolation]:
    place = ("refresh", "lookback")
    if inputs.dataset.partitions is None:
        message = "counts Periods, but the dataset has no `partitions`"
        yield RuleViolation(place, message, "remove it", (("partitions",),))
    elif _has_no_schedule(inputs):
        message = f"counts back from the latest Period, {_NO_SCHEDULE.format(_cadence_name(inputs))}"
        yield RuleViolation(place, message, "remove it", (_PERIOD,))


def _lookups_violations(inputs: RuleInput, refresh: Refresh) -> Iterator[RuleViolation]:
    place, hint = ("refresh", "lookups"), "remove it"
    if not inputs.dataset.lookups:
        yield RuleViolation(place, "there are no lookups that could change", hint, (("lookups",),))
    elif inputs.dataset.partitions is None:
        message = "chooses among Periods, but the dataset has no `partitions`"
        yield RuleViolation(place, message, hint, (("partitions",),))
    elif refresh.cron:
        message = "goes with `on: upstream`; a tick of `cron` refreshes the latest Period, whatever changed"
        yield RuleViolation(place, message, hint, (("refresh", "cron"),))
    elif refresh.lookups is Lookups.LATEST and _has_no_schedule(inputs):
        message = f"is {shown(str(refresh.lookups))}, {_NO_SCHEDULE.format(_cadence_name(inputs))}"
        yield RuleViolation(place, message, f"write `{Lookups.ALL}`", (_PERIOD,))


def _cadence_name(inputs: RuleInput) -> str:
    return inputs.dataset.partitions.period if inputs.dataset.partitions else ""


def _has_no_schedule(inputs: RuleInput) -> bool:
    """Return whether no cron expression fires at the start of each Period; False for an unknown cadence."""
    try:
        return (
            bool(inputs.calendars) and inputs.calendars.cadence(_cadence_name(inputs)).cron_schedule is None
        )
    except PeriodError:
        return False


def drift_compares_something(inputs: RuleInput) -> Iterator[RuleViolation]:
    """Report a `drift` that compares nothing, or compares a split that the dataset does not have."""
    drift = inputs.dataset.drift
    if drift is None:
        return
    kinds = Drift.model_fields.keys() - {"over"}
    if not drift.model_dump(include=kinds, exclude_defaults=True):
        listed = ", ".join(f"`{kind}`" for kind in sorted(kinds))
        yield RuleViolation(
            ("drift",), f"compares nothing: it has none of {listed}", "add one, or remove `drift`"
        )
    elif drift.split_share is not None and inputs.dataset.split_config is None:
        message = "compares the parts of a split, but there is no `split_config`"
        yield RuleViolation(("drift", "split_share"), message, "remove it", (("split_config",),))


SETTING_RULES = (
    file_name_is_a_name,
    id_is_the_datasets_own,
    version_is_known_to_the_lock,
    owner_is_a_user,
    periods_are_known,
    refresh_has_one_trigger,
    refresh_settings_have_a_meaning,
    drift_compares_something,
)
