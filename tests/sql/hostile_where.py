"""Texts that try to say more than a condition on the columns of a publication."""

# ruff: noqa: E501 - a table of texts

from itertools import product

_STATEMENTS = [
    "; DROP TABLE sales", "; DELETE FROM sales", "; SELECT 1", "UNION SELECT 1", "UNION ALL SELECT * FROM x",
    "; ATTACH 'x.db'", "; COPY sales TO 'x'", "; PRAGMA version", "; SET memory_limit = '1GB'", "; CALL x()",
    "; EXECUTE IMMEDIATE 'x'", "; EXPORT DATA OPTIONS()", "; BEGIN", "; INSTALL httpfs", "INTERSECT SELECT 1",
    "LIMIT 1", "ORDER BY 1", "GROUP BY name", "HAVING TRUE", "QUALIFY TRUE", "WINDOW w AS ()", "OFFSET 1",
    "RETURNING *", "FOR SYSTEM_TIME AS OF x", "TABLESAMPLE SYSTEM (1 PERCENT)", "ESCAPE 'x'", "COLLATE NOCASE",
]  # fmt: skip
_COMMENTS = [
    "-- x",
    "--",
    "/* x */",
    "/*",
    "*/",
    "# x",
    "/*! x */",
    "//",
    "-- '\n OR TRUE",
    "/* ' */ OR TRUE",
]
_EXPRESSIONS = [
    "price + 1 = 2", "price - 1 = 2", "price * 2 = 4", "price / 2 = 1", "price % 2 = 1", "-price = 1", "+1 = 1",
    "name || 'x' = 'y'", "price::int = 1", "CAST(price AS STRING) = '1'", "SAFE_CAST(price AS STRING) = '1'",
    "TRY_CAST(price AS INT) = 1", "CASE WHEN gift THEN TRUE END", "IF(gift, TRUE, FALSE)", "COALESCE(gift, TRUE)",
    "(SELECT TRUE)", "EXISTS (SELECT 1)", "EXISTS(SELECT 1 FROM sales)", "price = (SELECT MAX(price) FROM x)",
    "price IN (SELECT price FROM x)", "price IN UNNEST([1])", "price = ANY (1)", "price = ALL (1)", "price = SOME(1)",
    "name ~ 'a'", "name !~ 'a'", "name ~* 'a'", "name ILIKE 'a'", "name SIMILAR TO 'a'", "name GLOB 'a'",
    "name RLIKE 'a'", "REGEXP_CONTAINS(name, 'a')", "name REGEXP 'a'", "STARTS_WITH(name, 'a')", "name LIKE name",
    "name LIKE ANY ('a')", "name NOT ILIKE 'a'", "count & 1 = 1", "count | 1 = 1", "count ^ 1 = 1", "~count = 1",
    "count << 1 = 2", "count >> 1 = 2", "count DIV 2 = 1", "!gift", "gift && gift", "gift || gift", "gift XOR gift",
    "gift IS TRUE", "gift IS NOT FALSE", "gift IS UNKNOWN", "name IS DISTINCT FROM 'a'", "name IS NOT DISTINCT FROM 'a'",
    "name <=> 'a'", "name ISNULL", "name NOTNULL", "name IS 'a'", "name = NULL", "name <> NULL", "name IN (NULL)",
    "name IN ()", "name IN 'a'", "name IN ('a',)", "name IN (other)", "name IN (('a'))", "name BETWEEN 'a'",
    "name BETWEEN 'a' AND", "name BETWEEN 'a' OR 'b'", "name BETWEEN NULL AND 'a'", "NULL", "NULL = NULL", "NULL IS NULL",
    "(name, other) = ('a', 'b')", "(name) = 'a'", "sales.name = 'a'", "sales.* = 1", "*", "COUNT(*) > 1", "SUM(price) > 1",
    "ROW_NUMBER() OVER () = 1", "name[0] = 'a'", "_labels['k'] = 'a'", "_labels[OFFSET(0)].key = 'k'", "_labels.key = 'k'",
    "_labels = 'a'", "[1] = [1]", "{'a': 1} = 1", "ARRAY[1] = 1", "STRUCT(1) = 1", "$1 = 1", "@x = 1", "@@x = 1", "? = 1",
    ":x = 1", "{{ x }}", "${x}", "%s = 1", "current_date = day", "CURRENT_TIMESTAMP = timestamp", "NOW() = timestamp",
    "CURRENT_DATE() = day", "INTERVAL '1' DAY = 1", "DATE('2017-01-01') = day", "DATE 2017-01-01 = day",
    "DATE '2017-1-1' = day", "DATE '2017-02-29' = day", "DATE '' = day", "TIMESTAMP 'now' = timestamp",
    "timestamp = TIMESTAMP '2017-01-01 25:00:00'", "timestamp = TIMESTAMP '2017-01-01 00:00:00 Europe/Berlin'",
    "timestamp = TIMESTAMP '0001-01-01T00:00+01:00'", "timestamp = TIMESTAMP '2017-01-01T00:00:00.1234567'",
    "TIME '10:00' = '10:00'", "DATETIME '2017-01-01' = timestamp", "NUMERIC '1' = price", "JSON '{}' = name", "X'27' = name",
    "b'a' = name", "r'a' = name", "E'a' = name", "N'a' = name", "U&'a' = name", "'''a''' 'b' = name", "$$a$$ = name",
    "name = 'a' 'b'", 'name = "a"', "`name` = 'a'", "[name] = 'a'", "name = 'a", "\"name = 'a'", "'a",
    "name = 'it's'", "name = \\'a\\'", "name = \u2018a\u2019", "name\u00a0= 'a'", "n\u0430me = 'a'",
    "name = 'a\0'", "name = 'a\ud800'", "\0", "\x1b[2J", "\ufeffname = 'a'", "name \u200b= 'a'", "name = 'a'\u2028OR TRUE",
    "price = 0x10", "price = 1e9", "price = 1.", "price = .5", "price = 1_000", "price = 1,5", "price = 1.2.3", "price = 1.5f",
    "price = --1", "price = - - 1", "price = -'1'", "price = Infinity", "price = NaN", "price = '1'", "price = TRUE",
    "price = 123456789012345678901234567890", "count = 'a'", "gift = 1", "gift = 'true'", "gift > FALSE", "gift LIKE 'a'",
    "day = '2017-01-01'", "day = TIMESTAMP '2017-01-01'", "timestamp = DATE '2017-01-01'", "name = 5", "count LIKE '1%'",
    "name LIKE 'a\\'", "name LIKE '\\a'", "name LIKE 5", "price = = 1", "price => 1", "price =< 1", "price !< 1", "price ! = 1",
    "price = 1 AND", "AND price = 1", "OR", "NOT", "price = 1 OR OR gift", "price = 1 AND OR gift", "(price = 1", "price = 1)",
    "()", "(((", ")))", "price = 1 gift", "price name", "price = 1, gift", "SELECT", "TRUE FALSE", "IN", "LIKE", "label",
    "label()", "label(name) = 'a'", "label('k', 'l') = 'a'", "label('k') = 5", "label('k')", "label 'k' = 'a'", "LABEL(5) = 'a'",
    "labels('k') = 'a'", "_rowid = 'a'", "rowid = 1", "__TABLES__ = 1", "information_schema = 1", "read_csv('x') = 1", "pg_sleep(9)",
    "price = 1 AS x", "x := 1", "price = 1 WHERE TRUE", "WHERE price = 1", "lambda x: x", "x -> x = 1", "price = 1 ; ; ;",
]  # fmt: skip

HOSTILE = list(
    dict.fromkeys(
        [
            *(f"gift {end}" for end in _STATEMENTS),
            *(f"{start} {end}" for start, end in product(["price = 1"], _COMMENTS)),
            *_EXPRESSIONS,
        ]
    )
)
