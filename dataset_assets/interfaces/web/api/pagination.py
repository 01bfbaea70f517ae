"""Pages of lists: `limit`, and a `cursor` that stays valid while items come and go.

A cursor holds the key of the last item that was sent, not a number: the next page has the items after that
key, so that no item is sent twice or left out because others were added or removed.
"""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query

from dataset_assets.errors import DatasetAssetsError, Fault

T = TypeVar("T")
Key = Sequence[str | int]
"""The key of an item, by which its list is sorted. No two items of a list have the same."""

DEFAULT_LIMIT, MOST = 50, 200


@dataclass(frozen=True)
class Page:
    """The requested part of a list."""

    limit: int
    after: Key | None

    def of(self, items: Iterable[T], key: Callable[[T], Key], *, newest_first: bool = False) -> "Slice[T]":
        """Return the items of the page, sorted by key, and the cursor of the next page if there is one."""
        ordered = sorted(items, key=lambda each: [*key(each)], reverse=newest_first)
        if self.after is not None:
            after = [*self.after]
            try:
                rest = [
                    each
                    for each in ordered
                    if ([*key(each)] < after if newest_first else [*key(each)] > after)
                ]
            except TypeError:
                raise _invalid() from None
        else:
            rest = ordered
        shown = tuple(rest[: self.limit])
        return Slice(shown, encoded(key(shown[-1])) if rest[self.limit :] else None)


@dataclass(frozen=True)
class Slice(Generic[T]):
    """The items of one page, and the cursor of the next one; None on the last."""

    items: tuple[T, ...]
    next: str | None


def encoded(key: Key) -> str:
    """Return the cursor after the item with this key."""
    text = json.dumps([*key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded(cursor: str) -> Key:
    """Return the key of a cursor. Raises DatasetAssetsError if no page gave it."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key: Any = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(key, list) or not all(isinstance(each, str | int) for each in key):
        raise _invalid()
    return key


def _invalid() -> DatasetAssetsError:
    return DatasetAssetsError(
        Fault("is not a cursor of this list", "cursor", "send `next` of the page before, or leave it out")
    )


def _page(
    limit: Annotated[int, Query(ge=1, le=MOST, description="At most so many items.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(description="`next` of the page before; by default the first page.", max_length=2_000),
    ] = None,
) -> Page:
    return Page(limit, decoded(cursor) if cursor else None)


RequestedPage = Annotated[Page, Depends(_page)]
"""The parameter of a handler that returns a list."""
