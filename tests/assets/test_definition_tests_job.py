"""The job `definition_tests` reads no source, and fails with the differences in log and metadata."""

import dagster as dg
import pytest

from dataset_assets.assets.definition_tests_job import JOB

TEST = "test: {given: {products: [{product_id: 1}]}, expect: [{product_id: %s}]}"


@pytest.mark.parametrize(("expected", "passes"), [("1", True), ("2", False)])
def test_the_job_runs_all_tests(retailer, tmp_path, expected, passes):
    instance = dg.DagsterInstance.local_temp(str(tmp_path))
    folder = retailer.root / "definitions" / "tests" / "brands"
    folder.mkdir(parents=True)
    (folder / "one.yaml").write_text(TEST % expected)
    job = retailer.definitions().resolve_job_def(JOB)
    done = job.execute_in_process(instance=instance, raise_on_error=False)
    assert done.success == passes
    if not passes:
        [failure] = [each for each in done.all_node_events if each.is_step_failure]
        details = failure.step_failure_data.user_failure_data
        assert "1 of 1 tests failed" in details.description
        assert "expected, not found" in details.metadata["brands/one"].value
