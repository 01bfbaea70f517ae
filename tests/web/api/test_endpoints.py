"""Every endpoint of the API over a real project with published tables."""

import re
import subprocess

import pytest

from tests.web.conftest import Project, TestClient, open_client

SALES = "/api/datasets/sales/"
ID = "01a2001c-5bae-7b91-b4bb-a18b13ce11ed"


def data(response) -> dict:
    assert response.status_code in (200, 201), response.text
    body = response.json()
    assert set(body) == {"status", "data"}
    assert body["status"] == "success"
    return body["data"]


def problem(response, status: int) -> dict:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    return body


def test_lists_have_the_datasets_of_a_model_or_of_all(client):
    of_model = data(client.get("/api/models/recommender/datasets/"))
    assert [each["dataset"] for each in of_model["datasets"]] == ["products", "sales"]
    assert of_model["datasets"][1]["row_count"] > 0
    assert [each["dataset"] for each in data(client.get("/api/datasets/"))["datasets"]] == [
        "products",
        "profiles",
        "sales",
    ]
    assert data(client.get("/api/models/none/datasets/"))["datasets"] == []
    assert [e["dataset"] for e in data(client.get("/api/datasets/?q=town households"))["datasets"]] == []
    assert [e["dataset"] for e in data(client.get("/api/datasets/?q=transactions"))["datasets"]] == ["sales"]
    client.post("/api/datasets/products/archive/")
    assert len(data(client.get("/api/datasets/"))["datasets"]) == 2
    assert len(data(client.get("/api/datasets/?archived=true"))["datasets"]) == 3
    archived = data(client.get("/api/models/recommender/datasets/?status=archived"))["datasets"]
    assert [each["dataset"] for each in archived] == ["products"]


@pytest.mark.parametrize("name", ["sales", ID])
def test_a_dataset_has_the_fields_of_domains_model(client, name):
    found = data(client.get(f"/api/datasets/{name}/"))
    assert (found["dataset"], found["id"], found["name"]) == ("sales", ID, "Sales")
    assert (found["ml_model"], found["status"], found["description"]) == ("recommender", "active", "")
    assert found["transactions_table"] == "transactions"
    assert found["customers_table"] == "datasets/profiles"
    assert found["products_table"] == ""
    assert found["column_mapping"]["revenue"] == "sales_value"
    assert found["filters"]["date_range"] == {"type": "rolling", "months": 2}
    assert found["split_config"]["strategy"] == "time_based"
    assert found["row_count_estimate"] == found["publications"][-1]["row_count"] > 0
    assert found["unique_users_estimate"] == 4
    assert found["unique_products_estimate"] == 7
    assert found["date_range_start"] <= "2017-02-02"
    assert found["date_range_end"] == "2017-03-31"
    assert isinstance(found["column_stats"]["revenue"]["min"], float)
    assert found["created_at"] == found["updated_at"] == "2026-01-31T12:00:00Z"
    assert found["last_used_at"] is None
    assert [each["period"] for each in found["publications"]] == ["2017-02", "2017-03"]
    assert found["definition"]["filters"]["date_range"] == {"type": "rolling", "months": 2}
    assert found["text"].startswith("dataset:")


def test_a_sensitive_column_has_only_counts(client):
    found = data(client.get("/api/datasets/profiles/"))["column_stats"]["income"]
    assert found["cardinality"] == 2
    assert (found["min"], found["sample_values"], found["top_values"]) == (None, [], [])
    rows = data(client.get("/api/datasets/profiles/preview/"))["rows"]
    assert {row["income"] for row in rows} == {"(sensitive)"}
    assert "secret" not in client.get("/api/tables/households/stats/").text
    assert "secret" not in client.get("/api/datasets/profiles/statistics/").text
    assert "secret" not in client.get("/api/datasets/profiles/card/").text


def test_a_file_with_faults_is_shown_with_them(client, project):
    project.file("sales").write_text(project.file("sales").read_text().replace("months: 2", "months: 99"))
    found = data(client.get(SALES))
    assert found["version"] is None
    fault = found["faults"][0]
    assert fault["pointer"] == "/filters/date_range/months"
    assert fault["line"] == found["text"][: found["text"].index("months: 99")].count("\n") + 1


def test_a_dataset_is_created_from_a_definition_with_comments_or_without(client, project):
    definition = data(client.get("/api/datasets/products/"))["definition"]
    for key in ("id", "version", "created_at", "updated_at"):
        definition.pop(key)
    made = client.post(
        "/api/models/shop/datasets/",
        json={"dataset": "towns", "definition": {**definition, "ml_model": "shop"}},
    )
    assert made.status_code == 201
    assert made.headers["Location"] == "/api/datasets/towns/"
    assert made.json()["data"]["written"] is True
    found = client.get("/api/datasets/towns/")
    assert data(found)["status"] == "draft"
    assert data(found)["ml_model"] == "shop"
    assert data(found)["id"]
    assert made.headers["ETag"].strip('"') == found.headers["ETag"].strip('"').partition(".")[0]
    text = project.file("products").read_text()
    text = re.sub(r"  (id|version|created_at|updated_at): .*\n", "", text)
    made = client.post("/api/models/recommender/datasets/", json={"dataset": "again", "text": text})
    assert made.status_code == 201
    assert "# of the household" in data(client.get("/api/datasets/again/"))["text"]


def test_a_definition_that_breaks_rules_is_refused_with_all_faults(client, project):
    body = {
        "dataset": "new",
        "definition": {"name": "New", "owner": "user-bob", "main_table": {"name": "x y"}},
    }
    found = problem(client.post("/api/models/m/datasets/", json=body), 422)
    pointers = {each["pointer"] for each in found["faults"]}
    assert {"/main_table/name", "/main_table/columns"} <= pointers
    assert not project.file("new").exists()
    taken = problem(client.post("/api/models/m/datasets/", json={"dataset": "sales", "text": "x"}), 409)
    assert "there is a dataset 'sales' already" in taken["detail"]
    both = problem(client.post("/api/models/m/datasets/", json={"dataset": "sales"}), 422)
    assert "either `definition` or `text`" in both["detail"]
    other = {"dataset": "new", "text": project.file("products").read_text()}
    found = problem(client.post("/api/models/other/datasets/", json=other), 422)
    assert "/ml_model" in {each["pointer"] for each in found["faults"]}


def test_a_definition_is_replaced_and_comments_stay(client, project):
    found = client.get(SALES)
    definition = data(found)["definition"]
    definition["filters"]["date_range"]["months"] = 3
    put = client.put(SALES, json={"definition": definition}, headers={"If-Match": found.headers["ETag"]})
    assert data(put)["version"] == 2
    assert data(put)["changes"] == [{"field": "filters.date_range.months", "before": "2", "after": "3"}]
    assert "months: 3}   # the season" in project.file("sales").read_text()
    again = client.put(SALES, json={"definition": definition}, headers={"If-Match": put.headers["ETag"]})
    assert data(again)["written"] is False
    definition["filters"]["date_range"]["months"] = 99
    definition["column_mapping"]["revenue"] = "nothing"
    refused = client.put(SALES, json={"definition": definition}, headers={"If-Match": put.headers["ETag"]})
    faults = problem(refused, 422)["faults"]
    assert {"/filters/date_range/months", "/column_mapping/revenue"} <= {each["pointer"] for each in faults}
    assert all(each["line"] and each["column"] for each in faults)


def test_a_text_is_replaced(client, project):
    found = client.get(SALES)
    text = data(found)["text"].replace("name: Sales", "name: All sales # now")
    assert data(client.put(SALES, json={"text": text}, headers={"If-Match": found.headers["ETag"]}))[
        "written"
    ]
    assert project.file("sales").read_text() == text


def test_fields_are_set_and_removed(client, project):
    tag = client.get(SALES).headers["ETag"]
    body = {
        "set": {
            "description": "What was sold",
            "filters.customer_filter.value": 3,
            "extra_columns": ["household.town"],
        },
        "unset": ["split_config"],
    }
    done = data(client.patch(SALES, json=body, headers={"If-Match": tag}))
    assert {each["field"] for each in done["changes"]} == {
        "description", "filters.customer_filter.value", "extra_columns", "split_config",
    }  # fmt: skip
    assert "months: 2}   # the season" in project.file("sales").read_text()
    tag = client.get(SALES).headers["ETag"]
    for body in ({"set": {"status": "draft"}}, {"set": {"id": ID}}, {}, {"set": {"no such": 1}}):
        problem(client.patch(SALES, json=body, headers={"If-Match": tag}), 422)


def test_a_dataset_that_is_used_is_not_deleted(client, project):
    tag = client.get("/api/datasets/profiles/").headers["ETag"]
    found = problem(client.delete("/api/datasets/profiles/", headers={"If-Match": tag}), 409)
    assert "the dataset `sales` reads `profiles`" in found["detail"]
    data(client.post("/api/datasets/sales/uses/", json={"training_run": "run-1", "partition": "2017-03"}))
    tag = client.get(SALES).headers["ETag"]
    assert (
        "'run-1' read sales 2017-03"
        in problem(client.delete(SALES, headers={"If-Match": tag}), 409)["detail"]
    )
    tag = client.get("/api/datasets/products/").headers["ETag"]
    planned = data(client.delete("/api/datasets/products/?dry_run=true", headers={"If-Match": tag}))
    assert planned["written"] is False
    assert data(client.delete("/api/datasets/products/", headers={"If-Match": tag}))["written"]
    assert not project.file("products").exists()
    problem(client.get("/api/datasets/products/"), 404)


@pytest.mark.parametrize(
    ("action", "after"), [("archive", "archived"), ("disable", "disabled"), ("activate", "active")]
)
def test_the_status_is_changed(client, action, after):
    done = client.post(f"/api/datasets/products/{action}/")
    assert data(done)["after"] == after
    assert data(client.get("/api/datasets/products/"))["status"] == after
    again = client.post(f"/api/datasets/products/{action}/", headers={"If-Match": done.headers["ETag"]})
    assert data(again)["written"] is False
    problem(client.post(f"/api/datasets/products/{action}/", headers={"If-Match": '"other"'}), 412)


def test_an_archived_dataset_is_restored(client):
    problem(client.post("/api/datasets/products/restore/?dry_run=true", headers={"If-Match": '"x"'}), 412)
    data(client.post("/api/datasets/products/archive/"))
    assert data(client.post("/api/datasets/products/restore/"))["after"] == "active"


def test_a_dataset_is_cloned_and_renamed(client, project):
    made = client.post(SALES + "clone/", json={"dataset": "spring", "name": "Spring"})
    assert made.status_code == 201
    assert made.headers["Location"] == "/api/datasets/spring/"
    found = client.get("/api/datasets/spring/")
    assert (data(found)["name"], data(found)["status"], data(found)["version"]) == ("Spring", "draft", 1)
    assert data(found)["id"] != ID
    problem(client.post(SALES + "clone/", json={"dataset": "spring"}), 409)
    problem(client.post(SALES + "clone/", json={"dataset": "a-b"}), 422)
    renamed = client.post("/api/datasets/spring/rename/", json={"dataset": "may"})
    assert data(renamed)["renamed_from"] == "spring"
    assert renamed.headers["ETag"].strip('"') in client.get("/api/datasets/may/").headers["ETag"]
    assert not project.file("spring").exists()


def test_tables_are_listed_and_described(client):
    found = data(client.get("/api/models/recommender/tables/"))["tables"]
    assert [each["name"] for each in found] == ["households", "transactions"]
    assert found[1]["row_count"] == 360
    schema = data(client.get("/api/tables/transactions/schema/"))
    assert [each["name"] for each in schema["columns"]][:2] == ["household_id", "basket_id"]
    stats = data(client.get("/api/tables/retail/transactions/stats/"))
    assert stats["columns"]["sales_value"]["min"] == 0.25
    assert stats["columns"]["household_id"]["cardinality"] == 4
    for path in ("nothing/schema/", "none/transactions/stats/", "nothing/stats/", "../x/schema/"):
        assert client.get(f"/api/tables/{path}").status_code == 404


def test_a_dataset_is_suggested(client):
    found = data(client.post("/api/tables/suggestions/", json={"tables": ["transactions", "households"]}))
    assert found["column_mapping"]["user_id"]["column"] == "household_id"
    problem(client.post("/api/tables/suggestions/", json={"tables": ["nothing"]}), 404)
    problem(client.post("/api/tables/suggestions/", json={"tables": []}), 422)


def test_published_rows_are_chosen_by_a_condition(client):
    rows = SALES + "publications/rows/"
    every = data(client.get(rows, params={"rows": 1000, "partition": "2017-03"}))["rows"]
    found = data(client.get(rows, params={"rows": 1000, "partition": "2017-03", "where": "revenue > 5"}))
    assert found["rows"] == [row for row in every if float(row["revenue"]) > 5]
    assert 0 < len(found["rows"]) < len(every)
    refused = problem(client.get(rows, params={"where": "revenue > 5 AND\n household__town = 5"}), 422)
    (fault,) = refused["faults"]
    assert (fault["file"], fault["line"], fault["column"]) == ("where", 2, 20)
    problem(client.get(rows, params={"partition": "1999-01"}), 422)


def test_a_condition_does_not_reveal_sensitive_values(client):
    for written in ("income LIKE '1%'", "income IS NOT NULL AND household_id = 1"):
        address = "/api/datasets/profiles/publications/rows/"
        refused = problem(client.get(address, params={"where": written}), 422)
        assert refused["detail"].startswith("`income` is sensitive")
    page = client.get("/datasets/profiles/preview", params={"where": "income LIKE '1%'"})
    assert page.status_code == 422
    assert "is sensitive; its values are masked here" in page.text


def test_a_dataset_is_analyzed_and_previewed(client):
    found = data(client.post(SALES + "analyze/", json={"partition": "2017-03"}))
    assert found["row_count_estimate"] == data(client.get(SALES))["row_count_estimate"]
    assert found["train_rows"] + found["eval_rows"] == found["row_count_estimate"]
    preview = data(client.get(SALES + "preview/?rows=3&partition=2017-03&split=eval"))
    assert len(preview["rows"]) == 3
    assert [each["name"] for each in preview["columns"]][:1] == ["user_id"]
    for path in ("preview/?rows=0", "preview/?split=none", "preview/?partition=1999-01", "preview/?as_of=x"):
        problem(client.get(SALES + path), 422)
    problem(client.post(SALES + "analyze/", json={"partition": "x", "as_of": "2017-01-01"}), 422)
    problem(client.get("/api/datasets/none/preview/"), 404)


def test_sql_is_rendered_for_both_engines(client):
    own = data(client.get(SALES + "sql/?partition=2017-03"))
    assert (own["dialect"], own["period"]) == ("duckdb", "2017-03")
    other = data(client.get(SALES + "sql/?dialect=bigquery&as_of=2017-04-01"))
    assert other["dialect"] == "bigquery"
    assert "SELECT" in other["sql"]
    problem(client.get(SALES + "sql/?dialect=oracle"), 422)


def test_a_plan_says_what_is_due(client):
    found = data(client.get(SALES + "plan/?to=2017-04"))["datasets"]
    own = found[-1]
    assert own["dataset"] == "sales"
    assert own["due"][-1]["period"] == "2017-04"
    assert own["due"][-1]["reasons"] == ["never published"]
    assert len(own["due"]) + own["up_to_date"] == 3
    problem(client.get(SALES + "plan/?from=2017-05&to=2017-04"), 422)


def test_versions_are_listed_and_compared(client):
    tag = client.get(SALES).headers["ETag"]
    client.patch(SALES, json={"set": {"filters.date_range.months": 3}}, headers={"If-Match": tag})
    found = data(client.get(SALES + "versions/"))
    assert [each["version"] for each in found["versions"]] == [2, 1]
    assert found["versions"][0]["locked_at"] is None
    compared = data(client.get(SALES + "versions/compare/"))
    assert (compared["before"], compared["after"]) == (1, "file")
    assert "3 months" in compared["changes"][0]["text"]
    assert data(client.get(SALES + "versions/compare/?from=1&to=1"))["changes"] == []
    problem(client.get(SALES + "versions/compare/?from=7"), 404)


def test_publications_are_listed_and_compared(client):
    found = data(client.get(SALES + "publications/"))["publications"]
    assert [each["period"] for each in found] == ["2017-03", "2017-02"]
    assert (
        data(client.get(SALES + "publications/?partition=2017-02"))["publications"][0]["period"] == "2017-02"
    )
    after, before = (each["reference"] for each in found)
    compared = data(client.get(SALES + "publications/compare/", params={"from": before, "to": after}))
    assert compared["before"]["row_count"] == found[1]["row_count"]
    assert compared["same_rows"] is False
    assert compared == data(client.get(SALES + "publications/compare/?from=2017-02&to=2017-03"))
    names = {each["name"] for each in compared["columns"]}
    assert {"user_id", "revenue", "split"} <= names
    problem(client.get(SALES + "publications/compare/?from=2017-02&to=2019-01"), 404)
    problem(client.get(SALES + "publications/?partition=2019-01"), 404)
    problem(client.get("/api/datasets/products/publications/compare/?from=@1234&to=@1234"), 404)


def test_checks_and_statistics_are_those_of_the_last_publication(client):
    found = data(client.get(SALES + "checks/"))
    assert found["period"] == "2017-03"
    assert "natural_key_unique" in {each["name"] for each in found["checks"]}
    found = data(client.get(SALES + "statistics/?partition=2017-02"))
    assert found["period"] == "2017-02"
    assert found["statistics"]["columns"]["revenue"]["min"] == "0.25"
    problem(client.get("/api/datasets/products/checks/"), 404)
    problem(client.get(SALES + "statistics/?partition=2019-01"), 404)
    card = data(client.get(SALES + "card/?partition=2017-02"))
    assert card["period"] == "2017-02"
    assert card["card"].startswith("# Sales\n")
    assert data(client.get(SALES + "card/"))["period"] == "2017-03"
    problem(client.get(SALES + "card/?partition=2019-01"), 404)


def test_uses_and_pins_are_recorded(client):
    body = {"training_run": "run-1", "partition": "2017-02"}
    found = data(client.post(SALES + "uses/", json=body))
    assert [each["training_run"] for each in found["recorded"]] == ["run-1"]
    assert found["recorded"][0]["used_by"] == "local"
    assert data(client.post(SALES + "uses/", json=body))["recorded"] == []
    found = data(client.get(SALES + "uses/"))
    assert found["last_used_at"] == found["uses"][0]["used_at"]
    assert data(client.get(SALES))["last_used_at"] == found["last_used_at"]
    pinned = data(client.post(SALES + "pins/", json={"partition": "2017-03", "reason": "paper"}))["pins"]
    assert pinned[0]["reasons"] == ["paper"]
    assert len(data(client.get(SALES + "pins/"))["pins"]) == 2
    assert len(data(client.delete(SALES + "pins/?all=true"))["pins"]) == 2
    assert data(client.get(SALES + "pins/"))["pins"] == []
    problem(client.post(SALES + "uses/", json={"training_run": ""}), 422)
    problem(client.post(SALES + "uses/", json={"training_run": "x", "partition": "2019-01"}), 404)
    problem(client.post("/api/datasets/products/pins/"), 404)


def test_all_files_are_checked(client, project):
    assert data(client.get("/api/check/"))["faults"] == []
    project.file("broken").write_text("dataset: {name: 1}\n")
    assert data(client.get("/api/check/"))["faults"]


def test_the_target_can_be_missing(client, project):
    (project.folder / "local.yaml").write_text("target: {}\n")
    found = data(client.get(SALES))
    assert found["row_count_estimate"] is None
    assert "what is published is unknown" in found["remarks"][0]
    assert (
        data(client.post("/api/datasets/products/rename/", json={"dataset": "goods"}))["published_as"] == []
    )
    problem(client.get(SALES + "uses/"), 422)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/models/recommender/datasets/", {"dataset": "new", "text": ""}),
        ("PUT", SALES, {"text": ""}),
        ("PATCH", SALES, {"set": {"description": "New"}}),
        ("DELETE", "/api/datasets/products/", None),
        ("POST", "/api/datasets/products/archive/", None),
        ("POST", "/api/datasets/products/clone/", {"dataset": "new"}),
        ("POST", "/api/datasets/products/rename/", {"dataset": "new"}),
    ],
)
def test_where_files_are_locked_a_change_is_refused_with_its_patch(
    project: Project, monkeypatch, method, path, body
):
    git = ["git", "-C", str(project.folder)]
    subprocess.run([*git, "init", "-q"], check=True)
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("DATASET_ASSETS_LOCKED", "1")
    if body and "text" in body:
        text = project.file("sales" if method == "PUT" else "products").read_text()
        if method == "PUT":
            body = {"text": text.replace("name: Sales", "name: All sales")}
        else:
            body = {**body, "text": re.sub(r"  (id|version|created_at|updated_at): .*\n", "", text)}
    with open_client() as client:
        before = {each: each.read_bytes() for each in project.definitions.rglob("*.yaml")}
        found = problem(client.request(method, path, json=body, headers={"If-Match": "*"}), 403)
    assert {each: each.read_bytes() for each in project.definitions.rglob("*.yaml")} == before
    subprocess.run([*git, "apply"], input=found["patch"].encode(), check=True)
    assert {each: each.read_bytes() for each in project.definitions.rglob("*.yaml")} != before


def test_nothing_else_is_served_below_api(client: TestClient):
    problem(client.get("/api/nothing/"), 404)
    problem(client.get("/api/datasets/sales"), 404)
