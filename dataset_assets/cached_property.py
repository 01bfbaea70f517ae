"""A cached property that threads can read without waiting for each other."""

import functools
from typing import Any, TypeVar

from typing_extensions import override

_T = TypeVar("_T")


class cached_property(functools.cached_property[_T]):  # noqa: N801, TID251 - named like what it replaces
    """A property that is computed at its first access and kept in the instance, as in Python 3.12.

    In Python 3.11 `functools.cached_property` holds a lock of the class while a value is computed. Two
    threads that compute properties of each other's classes wait for each other forever. Without the lock two
    threads may compute the same value, and one of the two is kept.
    """

    @override
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        name, kept = self.attrname, instance.__dict__
        if name is None:
            raise TypeError("a cached property without a name")
        if name not in kept:
            kept[name] = self.func(instance)
        return kept[name]
