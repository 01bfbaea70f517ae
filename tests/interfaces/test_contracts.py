"""`odcs` writes contracts that the standard's own tools accept, and `new --from-odcs` reads contracts."""

import json
from decimal import Decimal

import duckdb
import pytest
import yaml

from tests.consumers.consumers import consume
from tests.interfaces.running import run, run_ok, run_refused
from tests.interfaces.test_json import documented

RULES = """\
  freshness: {within: 26h}
  refresh: {cron: "0 6 * * *"}
  quality:
    - {type: where, name: priced, where: "revenue > 0 AND household__town <> 'it''s'", percent: 12.5}
    - {type: where, name: known, where: user_id IS NOT NULL, severity: block}
    - {type: between, name: plausible, column: revenue, min: "1.5", max: 500, percent: 99.5}
    - {type: between, name: recent, column: timestamp, min: "2017-01-01 00:00:00"}
    - {type: unique, name: one_row, columns: [basket_id, product_id]}
    - {type: references, name: known_household, lookup: household, percent: 50}
    - {type: row_count, name: enough, min: 10, max: 1000}
    - {type: row_count, name: some, min: 1, severity: block}
"""


@pytest.fixture
def ruled(retailer):
    path = retailer / "definitions" / "datasets" / "sales.yaml"
    path.write_text(path.read_text() + RULES)
    return retailer


def contract(name: str) -> dict:
    return yaml.safe_load(run_ok("odcs", name).out)


def definition(name: str) -> dict:
    return json.loads(run_ok("show", name, "--json").out)["definition"]


@pytest.mark.parametrize("name", ["sales", "profiles"])
def test_the_standards_own_tools_accept_a_contract(ruled, name):
    path = ruled / "contract.yaml"
    run_ok("odcs", name, "-o", str(path))
    found = consume("check_contract", path, cache=ruled)
    assert (found["lint"], found["failed"], found["schema_errors"]) == ("passed", [], [])
    shown = json.loads(run_ok("show", name, "--json").out)["columns"]
    assert found["columns"] == [each["name"] for each in shown]


def test_what_a_contract_says(ruled):
    path = ruled / "definitions" / "users.yaml"
    path.write_text(path.read_text() + "  shop: {team: shop}\n")
    found = contract("sales")
    assert (found["apiVersion"], found["status"], found["version"]) == ("v3.1.0", "active", "1.0.0")
    assert found["team"]["members"] == [
        {"username": "user-ann", "role": "owner", "description": "ann@example.com"}
    ]
    [level] = found["slaProperties"]
    assert (level["property"], level["value"], level["unit"]) == ("frequency", 26, "h")
    assert (level["scheduler"], level["schedule"]) == ("cron", "0 6 * * *")
    [table] = found["schema"]
    columns = {each["name"]: each for each in table["properties"]}
    assert columns["revenue"]["logicalType"] == "number"
    assert columns["revenue"]["physicalType"] == "DECIMAL(38, 9)"
    assert columns["household__income"]["classification"] == "confidential"
    assert columns["household__income"]["transformSourceObjects"] == ["datasets/profiles"]
    assert columns["basket_id"]["primaryKeyPosition"] == 1
    assert (columns["basket_id"]["required"], columns["household__town"]["required"]) == (True, False)
    assert not any(name.startswith("_") for name in columns)


def test_a_round_trip_keeps_columns_and_rules(ruled):
    path = ruled / "contract.yaml"
    run_ok("odcs", "sales", "-o", str(path))
    answer = run_ok("new", "copied", "--from-odcs", str(path))
    assert "quality[5]: the rule on the lookup 'household' is not carried; add the lookup" in answer.err
    shown = json.loads(run_ok("show", "sales", "--json").out)
    made = definition("copied")
    assert made["main_table"]["name"] == "sales"
    expected = [
        (each["name"], each["type"], each["nullable"], each["sensitive"]) for each in shown["columns"]
    ]
    found = [
        (each["name"], each["type"], each.get("nullable", True), each.get("sensitive", False))
        for each in made["main_table"]["columns"]
    ]
    assert found == expected
    before = shown["definition"]
    rules = [each for each in before["quality"] if each["type"] != "references"]
    assert made["quality"] == rules
    assert made["natural_key_columns"] == before["natural_key_columns"]
    assert (made["name"], made["owner"], made["freshness"]) == ("Sales", "user-ann", before["freshness"])
    assert made["status"] == "draft"
    again = yaml.safe_load(run_ok("odcs", "copied").out)
    first = contract("sales")["schema"][0]["quality"]
    queries = [
        (each["name"], each.get("query", "").replace("copied", "sales"))
        for each in again["schema"][0]["quality"]
    ]
    assert queries == [(each["name"], each.get("query", "")) for each in first if each["type"] != "text"]


def test_the_queries_of_a_contract_find_what_the_checks_find(ruled):
    """The rules are run as SQL over the published table, as a tool of the standard would run them."""
    run_ok("materialize", "profiles")
    published = json.loads(run_ok("materialize", "sales", "--partition", "2017-03", "--json").out)
    checks = {each["name"]: each for each in published["publications"][0]["checks"]}
    path = ruled / "sales.parquet"
    run_ok("read", "sales", "--with-system", "-o", str(path))
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE VIEW sales AS SELECT * FROM read_parquet('{path}')")
    tried = []
    for rule in contract("sales")["schema"][0]["quality"]:
        if rule["type"] != "sql":
            continue
        [(value,)] = connection.execute(rule["query"]).fetchall()
        limit = rule.get("mustBe", rule.get("mustBeLessOrEqualTo"))
        passed = checks[f"quality_{rule['name']}"]["passed"]
        assert (Decimal(str(value)) <= Decimal(str(limit))) == passed, rule
        tried.append((rule["name"], passed))
    assert tried == [("priced", True), ("known", True), ("plausible", False), ("recent", True)]


FOREIGN = """\
apiVersion: v3.0.2
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
version: 1.0.0
status: active
domain: seller
team:
  - {username: ceo@example.com, role: Data Steward}
  - {username: ann@example.com, role: Owner}
description: {purpose: "Views built on top of the seller tables."}
servers: [{server: warehouse, type: postgres, host: localhost, port: 5432, database: pypl, schema: pp_access}]
schema:
  - name: payments
    physicalName: tbl_1
    properties:
      - {name: txn_id, logicalType: integer, primaryKey: true, primaryKeyPosition: 2, classification: Public}
      - {name: shop, physicalType: "VARCHAR(20)", primaryKey: true, primaryKeyPosition: 1}
      - {name: card, logicalType: string, classification: restricted, encryptedName: card_encrypted}
      - name: paid_at
        logicalType: date
        physicalType: timestamp
        logicalTypeOptions: {format: yyyy, minimum: "2020-01-01"}
      - name: status
        logicalType: string
        unique: true
        quality:
          - metric: invalidValues
            arguments: {validValues: [paid, "it's"]}
            mustBeLessOrEqualTo: 2.5
            unit: percent
          - {metric: nullValues, mustBe: 0, severity: error}
          - {type: sql, query: SELECT 1, mustBe: 1}
      - {name: items, logicalType: array}
      - {name: _loaded, logicalType: date}
    quality:
      - {rule: rowCount, mustBeGreaterThan: 1000, name: many}
      - {type: text, description: Looks good.}
slaProperties:
  - {property: latency, value: 4, unit: d}
"""


def test_a_foreign_contract_is_read_and_what_is_lost_is_named(retailer):
    path = retailer / "payments.odcs.yaml"
    path.write_text(FOREIGN)
    answer = run_ok("new", "payments", "--from-odcs", str(path))
    made = definition("payments")
    assert made["main_table"]["name"] == "tbl_1"
    assert made["natural_key_columns"] == ["shop", "txn_id"]
    assert (made["owner"], made["description"]) == ("user-ann", "Views built on top of the seller tables.")
    columns = {each["name"]: each for each in made["main_table"]["columns"]}
    assert {name: each["type"] for name, each in columns.items()} == {
        "txn_id": "integer",
        "shop": "string",
        "card": "string",
        "paid_at": "timestamp",
        "status": "string",
    }
    assert [name for name, each in columns.items() if each.get("sensitive")] == ["card"]
    assert made["quality"] == [
        {"name": "paid_at_between", "type": "between", "column": "paid_at", "min": "2020-01-01"},
        {"name": "status_unique", "type": "unique", "columns": ["status"]},
        {
            "name": "status_where",
            "type": "where",
            "percent": "97.5",
            "where": "\"status\" IS NULL OR \"status\" IN ('paid', 'it''s')",
        },
        {"name": "status_where_2", "severity": "block", "type": "where", "where": '"status" IS NOT NULL'},
        {"name": "many", "type": "row_count", "min": 1001},
    ]
    said = answer.err
    for place in (
        "schema[0].properties[2].encryptedName: is not carried",
        "schema[0].properties[3].logicalTypeOptions.format: is not carried",
        "schema[0].properties[4].quality[2]: a rule of the type 'sql' is not carried",
        "schema[0].properties[5]: the column 'items' of type 'array' is left out",
        "schema[0].properties[6].name: the column '_loaded' is left out",
        "schema[0].quality[1]: a rule of the type 'text' is not carried",
        "slaProperties[0]: this service level is not carried",
        "servers: is not carried; a target says where the table is",
        "domain: is not carried",
    ):
        assert place in said, said
    assert f"{path.name}:18:86: schema[0].properties[2].encryptedName" in said
    run_ok("check")


def test_a_contract_with_several_tables_and_json(retailer):
    path = retailer / "two.yaml"
    path.write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nschema:\n"
        "  - {name: a, properties: [{name: x, logicalType: integer}]}\n"
        "  - {name: b, properties: [{name: y, logicalType: boolean}]}\nprice: {}\n"
    )
    assert "two.yaml:4:3: schema: has several tables; give --main; it has: a, b" in run_refused(
        "new", "two", "--from-odcs", str(path)
    )
    assert "did you mean" in run_refused("new", "two", "--from-odcs", str(path), "--main", "aa")
    answer = run_ok("new", "two", "--from-odcs", str(path), "--main", "b", "--dry-run", "--json")
    found = json.loads(answer.out)
    assert set(found) == documented("new --from-odcs")
    assert found["written"] is False
    assert [(each["field"], each["line"]) for each in found["remarks"]] == [("price", 6)]
    assert not (retailer / "definitions" / "datasets" / "two.yaml").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dataset: {}\n", "is no contract of the Open Data Contract Standard"),
        ("kind: DataContract\napiVersion: v2.2.2\n", "apiVersion: is 'v2.2.2'; v3 is read"),
        ("kind: DataContract\napiVersion: v3.0.2\nschema: {}\n", "schema: is no list of tables with names"),
        (
            "kind: DataContract\napiVersion: v3.0.2\nschema: [{name: a}]\n",
            "has no column that can be carried",
        ),
        ("kind: DataContract\napiVersion: v3.0.2\nschema: [{name: a b, properties: []}]\n", "has no column"),
        ("a: &x 1\n", "anchor"),
    ],
)
def test_what_is_no_contract_is_refused_with_its_place(retailer, text, says):
    path = retailer / "wrong.yaml"
    path.write_text(text)
    said = run_refused("new", "wrong", "--from-odcs", str(path))
    assert says in said
    assert "wrong.yaml:" in said
    assert not (retailer / "definitions" / "datasets" / "wrong.yaml").exists()


@pytest.mark.usefixtures("retailer")
def test_options_that_do_not_go_with_a_contract():
    answer = run("new", "x", "--from-odcs", "f.yaml", "--tables", "a")
    assert (answer.code, "leave out --tables" in answer.err) == (2, True)
    assert run("new", "--from-odcs", "f.yaml").code == 2
    assert "cannot be read" in run_refused("new", "x", "--from-odcs", "missing.yaml")
