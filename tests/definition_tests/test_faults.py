"""A wrong file of a definition test has its faults at their places, all at once, and stops no other."""

from dataset_assets.catalog.definition_tests import load_definition_tests
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.validation import validate_folder
from tests.definition_tests.conftest import GOOD, SALES


def test_all_faults_come_at_once_with_their_places(shop):
    found = shop.faults(
        "test:\n"
        "  partition: 2023-12\n"
        "  given:\n"
        "    sales:\n"
        "      - {line: x, byer: b1, item: 3, price: 1.0000000001, sold_at: 2024-02-30}\n"
        "      - {line: 1, item: null}\n"
        "    itms: []\n"
        "  expect:\n"
        "    - {line: 2, split: one}\n"
        "    - {line: 2}\n"
    )
    assert [each.split(": ")[:2] for each in found] == [
        ["2:14", "test.partition"],
        ["5:16", "test.given.sales[0].line"],
        ["5:19", "test.given.sales[0].byer"],
        ["5:45", "test.given.sales[0].price"],
        ["5:68", "test.given.sales[0].sold_at"],
        ["6:9", "test.given.sales[1]"],
        ["6:25", "test.given.sales[1].item"],
        ["7:5", "test.given.itms"],
        ["9:24", "test.expect[0].split"],
        ["10:7", "test.expect[1]"],
    ]
    assert "the dataset reads sales, thing" in found[7]


def test_the_time_that_the_dataset_needs_is_required(shop):
    assert "is required" in shop.faults("test: {expect: []}")[0]
    assert "a Period decides" in " ".join(shop.faults("test: {as_of: 2024-01-01, expect: []}"))
    shop.dataset("sales", SALES.replace("  partitions: {period: month, start: 2024-01}\n", ""))
    assert "looks back" in shop.faults("test: {expect: []}")[0]
    assert "has no Periods" in shop.faults("test: {partition: 2024-01, as_of: 2024-01-01, expect: []}")[0]
    assert shop.faults("test: {as_of: 2024-01-01, expect: []}") == []


def test_a_test_expects_one_thing_that_exists(shop):
    assert "`expect` or `expect_failure`" in shop.faults("test: {partition: 2024-02}")[0]
    assert "did you mean `priced`" in shop.faults("test: {partition: 2024-02, expect_failure: prised}")[0]


def test_a_sensitive_value_of_a_wrong_type_is_not_shown(shop):
    price = "name: price, type: decimal"
    shop.dataset("sales", SALES.replace(price, f"{price}, sensitive: true"))
    [fault] = shop.faults(GOOD.replace("price: 2.5,", "price: secret,"))
    assert "secret" not in fault


def test_check_reads_tests_and_misplaced_files_are_faults(shop):
    shop.test(GOOD.replace("sales:", "sells:"))
    shop.test(GOOD, stem="nobody")
    (shop.root / "tests" / "loose.yaml").write_text(GOOD)
    (shop.root / "tests" / "sales" / "two.yml").write_text(GOOD)
    faults = [str(each) for each in validate_folder(shop.root).faults]
    assert len(faults) == 4
    assert any("is a test of 'nobody'" in each for each in faults)
    assert any("is a test of no dataset" in each for each in faults)
    assert any("rename it to two.yaml" in each for each in faults)


def test_a_link_that_leads_out_is_refused(shop, tmp_path):
    outside = tmp_path / "outside.yaml"
    outside.write_text("secret: 1")
    path = shop.test(GOOD)
    path.unlink()
    path.symlink_to(outside)
    [fault] = load_definition_tests(load_catalog(shop.root)).faults
    assert "leads out" in fault.message


def test_a_test_of_a_broken_dataset_is_left_out(shop):
    shop.test(GOOD)
    shop.dataset("sales", SALES.replace("type: decimal", "type: number"))
    loaded = load_definition_tests(load_catalog(shop.root))
    assert (loaded.tests, loaded.faults) == ((), ())
