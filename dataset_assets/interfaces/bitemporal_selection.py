"""Find which rows of a bitemporal table a selection reads, and refuse what another table does not have."""

from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault, PeriodError, ResolveError
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.as_of_choice import parse_as_of
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.rows.bitemporal_reads import BitemporalRead
from dataset_assets.text.wording import listed


def bitemporal_read(
    publication: Publication, selection: RowSelection, calendars: Calendars
) -> BitemporalRead | None:
    """Return which rows of a bitemporal table to read; None for another table.

    `partition` means the same as `known_in`. Raises ResolveError if the table is not bitemporal, or if
    nothing was known in the Period, and PeriodError for a Period or an instant that does not exist.
    """
    loads = loads_of(publication.record)
    if not loads:
        _refuse_times(publication.dataset, selection)
        return None
    asked = [each for each in (selection.known_in, selection.partition) if each is not None]
    if len(asked) > 1 or (asked and selection.history):
        named = "--known-in" if selection.known_in else "--partition"
        other = "--history has all loads" if selection.history else "--partition means the same"
        raise PeriodError(Fault(f"{named} chooses what was known in a Period, and {other}", hint="give one"))
    valid_at = selection.valid_at
    if isinstance(valid_at, str):
        valid_at = parse_as_of(valid_at)
    known_in = _known_in(publication, asked[0], calendars) if asked else None
    return BitemporalRead(valid_at, known_in, selection.history)


def _known_in(publication: Publication, text: str, calendars: Calendars) -> str:
    """Return the id of a Period in which something was known."""
    definition = Dataset.model_validate(publication.record["definition"])
    grain = definition.partitions.period if definition.partitions else ""
    period, loads = calendars.cadence(grain).parse(text).id, loads_of(publication.record)
    if period < min(loads):
        message = f"{publication.dataset} had nothing loaded in {period}"
        raise ResolveError(Fault(message, hint=f"loaded are: {listed(loads, 12)}"))
    return period


def _refuse_times(dataset: str, selection: RowSelection) -> None:
    named = {
        "--valid-at": selection.valid_at,
        "--known-in": selection.known_in,
        "--history": selection.history or None,
    }
    for option, value in named.items():
        if value is not None:
            message = f"{dataset} is not bitemporal, so {option} has no meaning"
            raise ResolveError(Fault(message, hint="leave it out"))
