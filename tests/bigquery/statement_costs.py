"""Describe what the jobs of a publication read and shuffle, by the text of their statements.

The emulator counts no bytes and shows no plan. BigQuery bills the columns that a query names, each once in a
query however often it is read, and executes a CTE once for each reference to it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from tests.bigquery.wire import Request

LEDGER = ("_claims", "_publications")
OPERATIONS = ("sorts", "joins", "groups")
STAGED, PUBLISHED, COUNTS = "staged", "published", "counts"
PURPOSES: Sequence[tuple[str, str, str]] = (
    ("claim", "", "claim the Period"),
    ("read", "AS until", "find the publication that is replaced"),
    ("read", "SELECT DISTINCT\n  dataset", "look for the dataset under another name"),
    ("read", "MAX(period_start) AS start,\n  MAX(version)", "list the published Periods"),
    ("estimate", "", "ask what the query would read (free)"),
    ("read", "AS lookup_keys", "check that a lookup has one row for a key"),
    ("stage", "", "select, number and write the rows"),
    ("store", "digest_0", "count the values of each column; digest; counts of changes"),
    ("read", "digest_0", "derive the statistics from the counts"),
    ("read", "AS unmatched", "count the rows that a lookup has no row for"),
    ("read", "AS repeated", "check that the natural key is unique"),
    ("read", "AS leaked", "look for a leak of eval rows into the filters"),
    ("read", "token DESC", "confirm the claim before the version is locked"),
    ("read", "publication.record", "read the versions that are published"),
    ("publish", "", "replace the rows and record the publication, in one transaction"),
)
"""The step of a job, a part of its text, and why it runs; the first that fits."""


@dataclass(frozen=True)
class Cost:
    """What one job does. `scans` counts how often each table is read, with CTEs in place of references."""

    purpose: str
    is_free: bool
    read_bytes: int
    scans: Mapping[str, int]
    sorts: int
    joins: int
    groups: int

    def cells(self) -> list[str]:
        """Return the cells of a row of a table."""
        scans = ", ".join(f"{name} {times}" for name, times in sorted(self.scans.items()))
        size = "0" if self.is_free else f"{self.read_bytes:,}"
        return [self.purpose, size, scans, *map(str, (self.sorts, self.joins, self.groups))]


@dataclass(frozen=True)
class CostReader:
    """Reads the costs of jobs that publish to the BigQuery dataset `warehouse`.

    `sizes` are the bytes of each column of each table, by the names that `table_name` gives.
    """

    warehouse: str
    sizes: Mapping[str, Mapping[str, int]]

    def cost(self, request: Request) -> Cost:
        """Return the cost of a job or dry run. Raises KeyError if its purpose is not in `PURPOSES`."""
        statements = [each for each in sqlglot.parse(request.sql, dialect="bigquery") if each]
        counts = sum(map(self._operations, statements), Counter())
        return Cost(
            purpose=purpose_of(request),
            is_free=request.place == "dry_run",
            read_bytes=sum(map(self._bytes, statements)),
            scans={name: times for name, times in counts.items() if name not in OPERATIONS},
            sorts=counts["sorts"],
            joins=counts["joins"],
            groups=counts["groups"],
        )

    def table_name(self, table: exp.Table) -> str:
        """Return the name of a source; tables of the warehouse are named by what they hold."""
        if table.name in LEDGER:
            return "ledger"
        if table.name.startswith("_staged_"):
            return STAGED
        if table.name.startswith("_moved_"):
            return COUNTS
        return PUBLISHED if table.db == self.warehouse else table.name

    def _bytes(self, statement: exp.Expr) -> int:
        """Return the bytes of the columns that a statement names, each once."""
        names = {each.name.lower() for each in statement.find_all(exp.Column)}
        columns = (
            self.sizes.get(table, {}) for table in {self.table_name(t) for t in _read_tables(statement)}
        )
        return sum(size for each in columns for name, size in each.items() if name.lower() in names)

    def _operations(self, statement: exp.Expr) -> Counter[str]:
        """Count scans by table, sorts, joins and groupings, with CTEs in place of references."""
        ctes = {each.alias: each.this for each in statement.find_all(exp.CTE)}
        read = {id(each): self.table_name(each) for each in _read_tables(statement)}
        known: dict[str, Counter[str]] = {}

        def of_cte(name: str) -> Counter[str]:
            if name not in known:
                known[name] = count(ctes[name])
            return known[name]

        def count(node: exp.Expr) -> Counter[str]:
            return sum(map(count, _children(node)), count_one(node))

        def count_one(node: exp.Expr) -> Counter[str]:
            if isinstance(node, exp.Table) and not node.db and node.name in ctes:
                return Counter(of_cte(node.name))
            found = Counter({read[id(node)]: 1} if id(node) in read else {})
            if (name := _operation(node)) is not None:
                found[name] += 1
            return found

        return count(statement)


def purpose_of(request: Request) -> str:
    """Return why a job runs. Raises KeyError if that is not known: name a new statement in `PURPOSES`."""
    step = request.labels.get("step")
    for known, part, purpose in PURPOSES:
        if step == known and part in request.sql:
            return purpose
    raise KeyError(f"a job of the step {step} has no purpose:\n{request.sql}")


def _operation(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Window) and node.args.get("order") is not None:
        return "sorts"
    return {exp.Join: "joins", exp.Group: "groups"}.get(type(node))


def _children(node: exp.Expr) -> list[exp.Expr]:
    return [each for each in node.iter_expressions() if not isinstance(each, exp.With)]


def _read_tables(statement: exp.Expr) -> list[exp.Table]:
    """Return the stored tables that a statement reads; the table that it creates or fills is not read."""
    written = statement.this if isinstance(statement, exp.Create | exp.Insert) else None
    target = written.find(exp.Table) if written else None
    return [each for each in statement.find_all(exp.Table) if each.db and each is not target]
