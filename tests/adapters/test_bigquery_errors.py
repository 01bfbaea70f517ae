"""Tests which errors of BigQuery are transient: a run retries those and no others."""

import pytest
import requests
from google.auth.exceptions import DefaultCredentialsError

from dataset_assets.adapters.bigquery.errors import TRANSIENT, error_for_reason, translate_error
from dataset_assets.errors import DatasetAssetsError


@pytest.mark.parametrize("reason", sorted(TRANSIENT))
def test_a_service_out_of_order_passes(reason):
    found = error_for_reason(reason, "out of order")
    assert found
    assert found.transient


@pytest.mark.parametrize(
    "reason", ["quotaExceeded", "accessDenied", "notFound", "billingNotEnabled", "stopped"]
)
def test_what_a_person_has_to_mend_does_not(reason):
    found = error_for_reason(reason, "no")
    assert found
    assert not found.transient


def test_a_cut_connection_passes_and_missing_credentials_do_not():
    cut, nobody = (
        translate_error(requests.exceptions.ConnectionError()),
        translate_error(DefaultCredentialsError()),
    )
    assert isinstance(cut, DatasetAssetsError)
    assert cut.transient
    assert isinstance(nobody, DatasetAssetsError)
    assert not nobody.transient
