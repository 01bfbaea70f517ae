"""Tests CSV files: valid formats in a target, texts that are values, and errors."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dataset_assets.adapters.csv.scan import scan
from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.adapters.resolvers.csv import CsvSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.adapters.targets.loading import read_target
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import ContractError, DataError, DatasetAssetsError, ResolveError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.resolver import TableRequest
from tests.adapters.conftest import rows_of
from tests.adapters.nasty_csv import BAD_VALUES


class Table:
    """A table `t` of files in a folder, which is read as `columns` declare: name → type."""

    def __init__(self, folder, session):
        self.folder, self.session = folder / "root" / "t", session
        self.folder.mkdir(parents=True)

    def write(self, **files):
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (self.folder / f"{name}.csv").write_bytes(data)
        return self

    def resolve(self, declared, sensitive=(), zone=None, **settings):
        table = {"location": "t", "zone": zone, **settings}
        given = {"type": "csv", "root": "root", "tables": {"t": table}}
        found = tuple(ColumnDef(name=n, type=t, sensitive=n in sensitive) for n, t in declared.items())
        resolver = CsvSettings.model_validate(given).open(
            "r", TargetContext(self.folder.parent.parent, Calendars())
        )
        return resolver.resolve(TableRequest("t", found), self.session), found

    def rows(self, declared, **settings):
        relation, _ = self.resolve(declared, **settings)
        return sorted((tuple(row.values()) for row in rows_of(self.session, relation)), key=repr)

    def cast_failures(self, columns, **settings):
        """Return the faults of cast failures after a query failed."""
        relation, declared = self.resolve(columns, **settings)
        with pytest.raises(DataError) as failure:
            rows_of(self.session, relation)
        return [str(failure.value), *map(str, relation.find_cast_failures(declared))]


@pytest.fixture
def table(tmp_path, session):
    return Table(tmp_path, session)


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in BAD_VALUES.items() for text in texts]
)
def test_a_text_that_is_no_value_is_named_with_its_line(table, kind, text):
    table.write(a=f'k,v\n1,\n2,"{text}"\n')
    said = table.cast_failures({"k": "integer", "v": kind}, nulls=["NULL"] if text == "" else [""])
    if text != "":
        assert len(said) == 2
        assert "line 3 of t/a.csv" in said[1]
        assert repr(text) in said[1]
    else:
        assert "line 2 of t/a.csv: '' is not" in said[1]


def test_the_first_value_and_their_number_are_told(table):
    table.write(a='k,v\n1,"x\ny"\n2,b\n', b="v,k\n5,oops\n6,9\nc,1.5\n")
    first, second = table.cast_failures({"k": "integer", "v": "integer"})[1:]
    assert "line 2 of t/b.csv: 'oops' is not an integer of 64 bits; 2 values do not fit" in first
    assert "line 2 of t/a.csv: 'x\\ny' is not an integer of 64 bits; 3 values do not fit" in second


def test_sensitive_values_are_not_told(table):
    table.write(a="k,v\n1,secret\n")
    said = table.cast_failures({"k": "integer", "v": "decimal"}, sensitive=["v"])
    assert "secret" not in "".join(said)
    assert "a value that is hidden" in said[1]
    table.write(a="k,v\n1,secret,2\n")
    with pytest.raises(ResolveError, match=r"line 2 of t/a\.csv has 3 values") as failure:
        table.resolve({"k": "integer", "v": "decimal"}, sensitive=["v"])
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("kind", "text", "value", "settings"),
    [
        ("string", "007", "007", {}),
        ("integer", "+007", 7, {}),
        ("integer", "1'234'567", 1234567, {"thousands": "'"}),
        ("decimal", "12345678901234567890.5", Decimal("12345678901234567890.5"), {}),
        ("decimal", ".5", Decimal("0.5"), {}),
        ("decimal", "-1.250000000000", Decimal("-1.25"), {}),
        ("decimal", "1.234,50", Decimal("1234.5"), {"decimal": ",", "thousands": "."}),
        ("decimal", "0.1234567895", Decimal("0.123456790"), {"extra_decimals": "round"}),
        ("decimal", "1.776357e-15", Decimal(0), {"extra_decimals": "round"}),
        ("decimal", "1,5E3", Decimal(1500), {"decimal": ",", "extra_decimals": "round"}),
        ("boolean", "TRUE", True, {}),
        ("date", "0001-01-01", date(1, 1, 1), {}),
        ("date", "3/4/2017", date(2017, 3, 4), {"date_format": "%m/%d/%Y"}),
        ("date", "4 JAN 17", date(2017, 1, 4), {"date_format": "%d %b %y"}),
        ("timestamp", "2026-01-01T10:00:00+0530", datetime(2026, 1, 1, 4, 30, tzinfo=UTC), {}),
        ("timestamp", "2026-07-01 10:00", datetime(2026, 7, 1, 8, tzinfo=UTC), {"zone": "Europe/Berlin"}),
        (
            "timestamp",
            "2026-07-01 10:00:00Z",
            datetime(2026, 7, 1, 10, tzinfo=UTC),
            {"zone": "Europe/Berlin"},
        ),
        ("timestamp", "1.7.2026", datetime(2026, 7, 1, tzinfo=UTC), {"timestamp_format": "%d.%m.%Y"}),
        (
            "timestamp",
            "1.7.2026 1:2:3 PM -02:00",
            datetime(2026, 7, 1, 15, 2, 3, tzinfo=UTC),
            {"timestamp_format": "%d.%m.%Y %I:%M:%S %p %z"},
        ),
    ],
)
def test_a_text_is_the_value_that_it_names(table, kind, text, value, settings):
    table.write(a=f'v\n"{text}"\n""\n')
    assert table.rows({"v": kind}, **settings) == sorted([(None,), (value,)], key=repr)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("k,v\n1,2\n3\n", r"line 3 of t/a\.csv has one value, and the first line 2: '3'"),
        ("k,v\n1,2\n3,4,\n", r"line 3 of t/a\.csv has 3 values"),
        ("k,v\n1,2\n3,4,5\n6\n", r"line 3 of t/a\.csv has 3 values"),
        ('k,v\n"a\nb",2\n3,4,5\n', r"line 4 of t/a\.csv has 3 values"),
        ("k,v\n1,2\nk,v\n3,4\n", r"line 3 of t/a\.csv repeats the header"),
        ('k,v\n1,2\n"k","v"\n3,4\n', r"line 3 of t/a\.csv repeats the header"),
        ("k,v\n1,2\n\n3,4\n", r"line 3 of t/a\.csv is empty"),
        ("k,v\n1,2\r\n3,4\n", r"line 2 of t/a\.csv ends in CRLF, and the first line in LF"),
        ("k,v\r\n1,2\r\n3,4\n", r"line 3 of t/a\.csv ends in LF, and the first line in CRLF"),
        ("k,v\rx,y\r", r"line 1 of t/a\.csv has a carriage return in the midst"),
        ('k,v\n1,5" pipe\n', r"line 2 of t/a\.csv has a quote \(\"\) in the midst of a value"),
        ('k,v\n"x"y,2\n', r"line 2 of t/a\.csv has a quote"),
        ('k,v\n "x",2\n', r"line 2 of t/a\.csv has a quote"),
        ('k,v\n1,2\n"x,2\n3,4\n', r"line 3 of t/a\.csv begins a quoted value that has no end"),
        (b"k,v\n1,2\n3,\xe9\n", r"line 3 of t/a\.csv is not utf-8 \(the byte 0xe9\): ?|line 3 of t/a"),
        (bytes(range(256)), r"of t/a\.csv is not utf-8|in the midst"),
        ("k,v\n1,2\n".encode("utf-16"), r"begins with the mark of utf-16, .* `encoding: utf-16`"),
        ("k;v\n1;2\n", r"has no columns 'k', 'v'; say `delimiter: ';'` in the target"),
        ("k,w\n1,2\n", r"line 1 of t/a\.csv has no column 'v'; .*it has: 'k', 'w'"),
        ("k,v,v\n1,2,3\n", r"has the column 'v' 2 times"),
        ("k,V,v,v\n1,2,3,4\n", r"has the column 'v' 2 times"),
        ("k,V,v \n1,2,3\n", None),
    ],
)
def test_a_file_that_is_no_table_gets_a_sentence(table, content, message):
    table.write(a=content)
    columns = {"k": "string", "v": "string"}
    if message is None:
        assert table.rows(columns) == [("1", "2")]
        return
    with pytest.raises(ResolveError, match=message):
        table.resolve(columns)


def test_columns_that_differ_in_case_alone(table):
    table.write(a="K,v,V\n1,2,3\n")
    assert table.rows({"k": "integer", "v": "integer", "V2": "integer"}, columns={"V2": "V"}) == [(1, 2, 3)]
    table.write(a="K,Amount,AMOUNT\n1,2,3\n")
    with pytest.raises(ResolveError, match="it is open which of them is 'amount'"):
        table.resolve({"amount": "integer"})


def test_physical_names_may_be_any_text(table):
    table.write(a='"Order ID","x ""y"", z"\n1,2\n')
    names = {"order_id": "Order ID", "x": 'x "y", z'}
    assert table.rows({"order_id": "integer", "x": "integer"}, columns=names) == [(1, 2)]


def test_a_column_that_a_file_lacks(table):
    table.write(a="k,v\n1,2\n", b="k\n3\n")
    columns = {"k": "integer", "v": "integer"}
    with pytest.raises(ResolveError, match=r"line 1 of t/b\.csv has no column 'v'"):
        table.resolve(columns)
    assert table.rows(columns, missing_columns="null") == [(1, 2), (3, None)]


def test_all_faults_of_all_files_are_told_at_once(table):
    table.write(a="k,v\n1\n", b="k,v\n1,2,3\n", c="k,v\n1,2\n")
    with pytest.raises(ResolveError) as failure:
        table.resolve({"k": "integer"})
    assert len(failure.value.faults) == 2


def test_an_empty_file_is_nobodys(table):
    table.write(a="")
    with pytest.raises(ResolveError, match=r"has no \.csv file in it"):
        table.resolve({"k": "integer"})
    table.write(b="k\n1\n")
    assert table.rows({"k": "integer"}) == [(1,)]


@pytest.mark.parametrize("content", ["k,v\n", "k,v", "k,v\r\n\r\n", "\n", "\ufeffk,v\n", "\ufeff"])
def test_files_without_rows_are_zero_rows(table, content):
    table.write(a=content)
    columns = {"k": "integer", "v": "timestamp"}
    assert table.rows(columns) == []
    table.write(b="v,k\n2026-01-01 00:00:00,1\n")
    assert table.rows(columns) == [(1, datetime(2026, 1, 1, tzinfo=UTC))]


def test_files_without_a_header(table):
    table.write(a="1,x\n2,y\n")
    assert table.rows({"k": "integer", "v": "string"}, header=False) == [(1, "x"), (2, "y")]
    with pytest.raises(ResolveError, match="has 2 values, and 3 columns are declared"):
        table.resolve({"k": "integer", "v": "string", "w": "string"}, header=False)


def test_a_column_alone_leaves_empty_lines_open(table):
    table.write(a="v\n1\n\n")
    with pytest.raises(ResolveError, match="is empty, which leaves open whether it is a row"):
        table.resolve({"v": "integer"})
    table.write(a="v\n1\n\n2\n")
    with pytest.raises(ResolveError, match=r"line 3 .*is empty, which leaves open"):
        table.resolve({"v": "integer"})


def test_line_numbers_count_skipped_lines_and_comments(table):
    table.write(a='made "today\n# c\nk,v\n#\n1,"#\n#"\n# it\'s "odd\n2,x\n')
    said = table.cast_failures({"k": "integer", "v": "integer"}, skip=1, comment="#")
    assert "line 5 of t/a.csv: '#\\n#' is not an integer of 64 bits; 2 values do not fit" in said[1]
    table.write(a='made "today\n# c\nk,v\n#\n1,"#\n#"\n# it\'s "odd\n2\n')
    with pytest.raises(ResolveError, match=r"line 8 of t/a\.csv has one value"):
        table.resolve({"k": "integer"}, skip=1, comment="#")


def test_escapes(table):
    table.write(a='k,v\n1,"say \\"hi\\" \\\\ there"\n2,\\N\n')
    columns, settings = {"k": "integer", "v": "string"}, {"escape": "\\", "nulls": ["\\N"]}
    assert table.rows(columns, **settings) == [(1, 'say "hi" \\ there'), (2, None)]
    for bad in ('"a\\nb"', "a\\,b", "C:\\x", '"a""b"', "\\Nx"):
        table.write(a=f"k,v\n1,{bad}\n")
        with pytest.raises(ResolveError, match=r"line 2 of t/a\.csv has"):
            table.resolve(columns, **settings)


def test_values_without_quotes(table):
    table.write(a='k\tv\n1\t5" x\n2\t"y\n')
    assert table.rows({"k": "integer", "v": "string"}, delimiter="\\t", quote="") == [(1, '5" x'), (2, '"y')]


def test_compressed_files(tmp_path, session):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "t.csv.gz").write_bytes(gzip.compress(b"k\n1\n2\n"))
    given = {"type": "csv", "root": "root", "tables": {"t": {"location": "t.csv.gz"}}}
    resolver = CsvSettings.model_validate(given).open("r", TargetContext(tmp_path, Calendars()))
    request = TableRequest("t", (ColumnDef(name="k", type="integer"),))
    assert sorted(row["k"] for row in rows_of(session, resolver.resolve(request, session))) == [1, 2]
    (tmp_path / "root" / "t.csv.gz").write_bytes(gzip.compress(b"k\n1\n2\n" * 99)[:-12])
    with pytest.raises(DatasetAssetsError, match=r"t\.csv\.gz cannot be read"):
        resolver.resolve(request, session)


def test_a_row_longer_than_the_reader_expects(table):
    table.write(a=f'k,v\n1,"{"x" * 5_000_000}"\n2,y\n')
    rows = table.rows({"k": "integer", "v": "string"})
    assert [len(row[1]) for row in rows] == [5_000_000, 1]


def test_rows_over_many_blocks_are_all_there(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("k,v\n")
        for number in range(300_000):
            file.write(f'{number},"a ""quoted"" line\nand {number % 7}, one more"\n')
    assert path.stat().st_size > 2 * (1 << 22)
    found = scan(path, CsvFormat())
    assert (found.rows, found.width, found.quotes_line_ends) == (300_000, 2, True)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("nulls: []", "at least 1"),
        ("delimiter: 漢字", "not 1 to 4 bytes long"),
        ('delimiter: ""', "not 1 to 4 bytes long"),
        ('delimiter: "\\n"', "is no delimiter"),
        ("delimiter: a", "is no delimiter"),
        ("quote: ','", "which the `delimiter` ',' holds"),
        ("quote: ab", "not one ASCII character"),
        ("quote: 漢", "not one ASCII character"),
        ("escape: ''", "not one ASCII character"),
        ("{escape: '!', quote: ''}", "`escape` needs a `quote`"),
        ("comment: '\"'", "so is `quote`"),
        ("encoding: utf-9", "is no known encoding"),
        ("encoding: rot13", "is no known encoding"),
        ("encoding: base64", "is no known encoding"),
        ("decimal: ';'", "not one of ., ,"),
        ("thousands: '.'", "are both '.'"),
        ("thousands: x", "thousands"),
        ("skip: -1", "must be at least 0"),
        ("header: maybe", "not true or false"),
        ("date_format: '%d.%m'", "needs %Y or %y, once"),
        ("date_format: '%d.%m.%Y %H'", "has %H"),
        ("date_format: dd.mm.yyyy", "needs"),
        ("date_format: '%Y-%m-%d%'", "begins nothing"),
        ("date_format: '%Y-%q-%d'", "has %q"),
        ("timestamp_format: '%Y-%m-%d %I:%M'", "one of %I and %p"),
        ("timestamp_format: '%Y-%m-%d %S'", "%S without %M"),
        ("extra_decimals: drop", "not one of error, round"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_place(tmp_path, said, message):
    own = said.strip("{}") if said.startswith("{") else said
    path = tmp_path / "target.yaml"
    path.write_text(
        "target:\n  engine: {type: duckdb}\n  warehouse: {type: delta, root: w}\n  default_resolver: r\n"
        "  resolvers:\n    r:\n      type: csv\n      root: .\n      tables:\n"
        f"        t: {{location: t.csv, {own}}}\n"
    )
    with pytest.raises(ContractError, match=r"target\.yaml:10:\d+") as failure:
        read_target(str(path))
    assert message in str(failure.value)
