"""Tests which errors of BigQuery are transient: a run retries those and no others."""

import pytest
import requests
from google.auth.exceptions import DefaultCredentialsError

from dataset_assets.adapters.bigquery.errors import TRANSIENT, plain, told
from dataset_assets.errors import DatasetAssetsError


@pytest.mark.parametrize("reason", sorted(TRANSIENT))
def test_a_service_out_of_order_passes(reason):
    found = told(reason, "out of order")
    assert found
    assert found.transient


@pytest.mark.parametrize(
    "reason", ["quotaExceeded", "accessDenied", "notFound", "billingNotEnabled", "stopped"]
)
def test_what_a_person_has_to_mend_does_not(reason):
    found = told(reason, "no")
    assert found
    assert not found.transient


def test_a_cut_connection_passes_and_missing_credentials_do_not():
    cut, nobody = plain(requests.exceptions.ConnectionError()), plain(DefaultCredentialsError())
    assert isinstance(cut, DatasetAssetsError)
    assert cut.transient
    assert isinstance(nobody, DatasetAssetsError)
    assert not nobody.transient
