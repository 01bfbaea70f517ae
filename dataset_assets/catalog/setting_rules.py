"""Rules on the rest of the contract: owner, Periods, refresh, drift, id and version, the file's name."""

import re
from collections.abc import Iterator

from dataset_assets.catalog.rule_input import CheckFinding, Loc, RuleInput
from dataset_assets.contract.model import Lookups, Refresh
from dataset_assets.contract.monitoring import Drift
from dataset_assets.errors import PeriodError
from dataset_assets.periods.cron import check_cron
from dataset_assets.text.wording import listed, shown

_STEM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,119}")
_PERIOD = ("partitions", "period")
_WITHOUT_A_CLOCK = "but no clock tells when a `{}` begins"


def file_name_is_a_name(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-131: the stem names the published table."""
    if not _STEM.fullmatch(about.stem):
        message = f"the file is called {shown(about.stem)}, which cannot name a table"
        yield CheckFinding((), message, "use letters, digits and `_`, beginning with a letter")
    elif about.namesakes:
        message = f"the file is called {shown(about.stem)}, which differs from `{about.namesakes[0]}` by case"
        yield CheckFinding((), message, "rename one: tables and files are not told apart by case everywhere")


def id_is_the_datasets_own(about: RuleInput) -> Iterator[CheckFinding]:
    """Entity: `id` is unique and never changes. The lock knows it."""
    dataset, lock = about.dataset, about.lock
    if about.same_id_files:
        others = listed(f"`{stem}`" for stem in about.same_id_files)
        hint = "remove the `id` of the copy; `lock` gives it a new one"
        yield CheckFinding(("id",), f"is {shown(str(dataset.id))}, as in {others}", hint)
    elif dataset.id and lock.id and dataset.id != lock.id:
        message = f"is {shown(str(dataset.id))}, but the lock says {shown(str(lock.id))}"
        yield CheckFinding(("id",), message, "an id never changes; restore it, or remove the lock of a copy")


def version_is_known_to_the_lock(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-115: numbers are given by `lock`. One that it has moved on from is old, not wrong."""
    version, lock = about.dataset.version, about.lock
    if version and lock.lines and version not in lock.numbers:
        message = f"is {version}, which the lock does not know; its last version is {lock.lines[-1].version}"
        yield CheckFinding(("version",), message, "remove it; `lock` writes it")


def owner_is_a_user(about: RuleInput) -> Iterator[CheckFinding]:
    """BR-124; Entity: must reference a valid user."""
    if about.users and not about.users.find(about.dataset.owner):
        meant = about.users.nearest(about.dataset.owner)
        hint = f"did you mean `{meant}`?" if meant else "add it there"
        yield CheckFinding(
            ("owner",), f"is {shown(about.dataset.owner)}, whom users.yaml does not have", hint
        )


def periods_are_known(about: RuleInput) -> Iterator[CheckFinding]:
    """Report a `period` that no calendar has, and a `start` or an `end` that is none of its Periods."""
    partitions = about.dataset.partitions
    if not partitions or not about.calendars:
        return
    try:
        cadence = about.calendars.cadence(partitions.period)
    except PeriodError as error:
        yield _of_period("period", error)
        return
    found = {}
    for key, text in partitions.model_dump(include={"start", "end"}, exclude_none=True).items():
        try:
            found[key] = cadence.parse(text)
        except PeriodError as error:
            yield _of_period(key, error, _PERIOD)
    if len(found) == 2 and found["end"].start < found["start"].start:
        message = f"is {found['end']}, before the `start` {found['start']}"
        hint = "name a later one, or remove it: then there is no end"
        yield CheckFinding(("partitions", "end"), message, hint, (_PERIOD, ("partitions", "start")))


def _of_period(key: str, error: PeriodError, *rests_on: Loc) -> CheckFinding:
    return CheckFinding(("partitions", key), error.faults[0].message, error.faults[0].hint, rests_on)


def refresh_has_one_trigger(about: RuleInput) -> Iterator[CheckFinding]:
    """Report a `refresh` that has both `on` and `cron`, or neither."""
    refresh = about.dataset.refresh
    if refresh is None:
        return
    if (refresh.on is None) == (refresh.cron is None):
        message = "has both `on` and `cron`" if refresh.on else "says neither `on` nor `cron`"
        hint = "keep one" if refresh.on else "write `on: upstream`, or a `cron`"
        yield CheckFinding(("refresh",), message, f"{hint}; without `refresh` it is by hand")
    if refresh.cron is None:
        return
    try:
        check_cron(refresh.cron)
    except ValueError as error:
        hint = 'write five fields (minute, hour, day, month, weekday), as in "0 6 * * *"'
        yield CheckFinding(("refresh", "cron"), f"is {shown(refresh.cron)}: {error}", hint)


def refresh_settings_have_a_meaning(about: RuleInput) -> Iterator[CheckFinding]:
    """A setting that would never do anything, or not what it says, is a misunderstanding."""
    refresh = about.dataset.refresh
    if refresh and refresh.lookback is not None:
        yield from _of_lookback(about)
    if refresh and "lookups" in refresh.model_fields_set:
        yield from _of_lookups(about, refresh)


def _of_lookback(about: RuleInput) -> Iterator[CheckFinding]:
    place = ("refresh", "lookback")
    if about.dataset.partitions is None:
        message = "counts Periods, but the dataset has no `partitions`"
        yield CheckFinding(place, message, "remove it", (("partitions",),))
    elif _without_a_clock(about):
        message = f"counts back from the latest Period, {_WITHOUT_A_CLOCK.format(_cadence(about))}"
        yield CheckFinding(place, message, "remove it", (_PERIOD,))


def _of_lookups(about: RuleInput, refresh: Refresh) -> Iterator[CheckFinding]:
    place, hint = ("refresh", "lookups"), "remove it"
    if not about.dataset.lookups:
        yield CheckFinding(place, "there are no lookups that could change", hint, (("lookups",),))
    elif about.dataset.partitions is None:
        message = "chooses among Periods, but the dataset has no `partitions`"
        yield CheckFinding(place, message, hint, (("partitions",),))
    elif refresh.cron:
        message = "goes with `on: upstream`; a tick of `cron` refreshes the latest Period, whatever changed"
        yield CheckFinding(place, message, hint, (("refresh", "cron"),))
    elif refresh.lookups is Lookups.LATEST and _without_a_clock(about):
        message = f"is {shown(str(refresh.lookups))}, {_WITHOUT_A_CLOCK.format(_cadence(about))}"
        yield CheckFinding(place, message, f"write `{Lookups.ALL}`", (_PERIOD,))


def _cadence(about: RuleInput) -> str:
    return about.dataset.partitions.period if about.dataset.partitions else ""


def _without_a_clock(about: RuleInput) -> bool:
    """Of a cadence that nobody knows another rule tells."""
    try:
        return bool(about.calendars) and about.calendars.cadence(_cadence(about)).cron_schedule is None
    except PeriodError:
        return False


def drift_compares_something(about: RuleInput) -> Iterator[CheckFinding]:
    """As above: `drift` names what it compares, and that is there."""
    drift = about.dataset.drift
    if drift is None:
        return
    kinds = Drift.model_fields.keys() - {"over"}
    if not drift.model_dump(include=kinds, exclude_defaults=True):
        listed = ", ".join(f"`{kind}`" for kind in sorted(kinds))
        yield CheckFinding(
            ("drift",), f"compares nothing: it has none of {listed}", "add one, or remove `drift`"
        )
    elif drift.split_share is not None and about.dataset.split_config is None:
        message = "compares the parts of a split, but there is no `split_config`"
        yield CheckFinding(("drift", "split_share"), message, "remove it", (("split_config",),))


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
