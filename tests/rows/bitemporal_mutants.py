"""Wrong variants of the SQL of bitemporal tables: each is one change of the source, found by some test.

A mutant is a text of the source and its replacement.
"""

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from dataset_assets.rows import bitemporal, intervals, valid_time

Mutant = tuple[str, str]

MUTANTS: Mapping[ModuleType, Sequence[Mutant]] = {
    intervals: (
        (
            "exp.GTE(this=last, expression=column(self.start))",
            "exp.GT(this=last, expression=column(self.start))",
        ),
        ("exp.GT(this=rows_before, expression=ends_before)", "exp.false()"),
        ("desc=True", "desc=False"),
        ("exp.Sum(this=column(_BEGINS))", "exp.Max(this=column(_BEGINS))"),
        ("exp.Case().when(exp.GT(this=every_row, expression=with_end), exp.null()).else_(last)", "last"),
        ("return exp.Max(this=end)", "return exp.Min(this=end)"),
        ("exp.Min(this=column(self.start))", "exp.Max(this=column(self.start))"),
        ("group_by(*self._columns, column(ISLAND))", "group_by(*self._columns)"),
        ("exp.LTE(this=column(self.start)", "exp.LT(this=column(self.start)"),
        ("exp.GT(this=column(self.end)", "exp.GTE(this=column(self.end)"),
        ("exp.or_(is_open, not_over)", "not_over"),
    ),
    bitemporal: (
        ("each > self.period", "each >= self.period"),
        ("return min((each", "return max((each"),
        (
            "row_text([*((column(each.name), each.type) for each in self.columns), *times])",
            "row_text([*times])",
        ),
        ("for each in self.columns), *times])", "for each in self.columns)])"),
        ("KNOWN.contains(text(self.period))", "column(PERIOD_TO).is_(exp.null())"),
        ("self._new_part(snapshot).where(is_new)", "self._new_part(snapshot)"),
        ("begins_before = exp.LT", "begins_before = exp.LTE"),
        (".where(self._is_gone, begins_before)\n", ".where(begins_before)\n"),
        ("if self.period in self.loaded:", "if False:"),
        ("lasts = exp.or_(ends.is_(exp.null()), ", "lasts = exp.or_("),
        ("exp.GT(this=ends, expression=after)", "exp.GTE(this=ends, expression=after)"),
        ("exp.not_(begins_before), lasts", "lasts"),
        ("if name not in _ROW_CHANGES", "if name"),
        ("covering), after, ends, split)", "covering), after, ends)"),
        ("exp.EQ(this=begins, expression=after)", "exp.false()"),
        ("_no_text() if self.next_period is None else text(self.next_period)", "_no_text()"),
        ("expressions=[has_no_id, exp.Ordered", "expressions=[exp.Ordered"),
        ("column(PERIOD_FROM), nulls_first=True)", "column(PERIOD_FROM), desc=True)"),
        ("exp.Min(this=column(PERIOD_FROM))", "exp.Max(this=column(PERIOD_FROM))"),
        ("found.where(exp.EQ(this=column(_PLACE), expression=number(1)))", "found"),
        ("exp.EQ(this=column(PERIOD_FROM), expression=column(_WAS_FROM))", "exp.true()"),
        ("exp.NullSafeEQ(this=column(PERIOD_TO), expression=column(_WAS_TO))", "exp.true()"),
        ("exp.NullSafeEQ(this=column(PERIOD_TO)", "exp.EQ(this=column(PERIOD_TO)"),
        (".else_(instant(self.stamp))", ".else_(column('_created_at'))"),
        ('yield kept.where(exp.not_(column("_row_id").is_(exp.null())))', "yield kept"),
        ('(table(self._named("covering"))).where(still_there)', '(table(self._named("covering")))'),
        ("is_apart = exp.LT(", "is_apart = exp.LTE("),
        ("later = exp.GT(this=column(PERIOD_FROM)", "later = exp.GTE(this=column(PERIOD_FROM)"),
    ),
    valid_time: (
        ("exp.not_(_is_within(name))", "exp.false()"),
        ("exp.GTE(this=begin, expression=end)", "exp.GT(this=begin, expression=end)"),
        ('begin", begin.is_(exp.null())', 'begin", exp.false()'),
        ("partition_by=key, order", "partition_by=key[:1], order"),
        ("column(_OTHER_TO).is_(exp.null()), exp.GT", "exp.false(), exp.GT"),
        ("exp.GT(this=column(_OTHER_TO)", "exp.GTE(this=column(_OTHER_TO)"),
        ("column(_OTHER_TO).is_(exp.null()), exp", "exp.true(), exp"),
        ("in key and not each.sensitive", "in key"),
    ),
}


@contextmanager
def applied(module: ModuleType, mutant: Mutant) -> Generator[None]:
    """Let the classes of a module have the methods of its mutant."""
    old, new = mutant
    source = Path(str(module.__file__)).read_text()
    assert source.count(old) == 1, f"the source has {old!r} {source.count(old)} times"
    changed = ModuleType(f"{module.__name__}_mutant")
    sys.modules[changed.__name__] = changed
    try:
        exec(compile(source.replace(old, new), "mutant", "exec"), vars(changed))
    finally:
        del sys.modules[changed.__name__]
    saved = [(each, dict(vars(each))) for each in vars(module).values() if _is_own_class(each, module)]
    try:
        for each, _ in saved:
            _set_methods(each, vars(vars(changed)[each.__name__]))
        yield
    finally:
        for each, methods in saved:
            _set_methods(each, methods)


def _is_own_class(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _set_methods(owner: type, methods: Mapping[str, Any]) -> None:
    for name, method in methods.items():
        if hasattr(method, "__get__") and not name.startswith("__"):
            setattr(owner, name, method)
