"""The thresholds of suggestions, which a team can change in `definitions/suggestions.yaml`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dataset_assets.catalog.folder import refuse_link_out
from dataset_assets.model import Integer, Model
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read_file

FILE = "suggestions.yaml"
ROOT = "suggestions"

Percent = Annotated[Integer, Field(ge=0, le=100)]


class ProductFilterSettings(Model):
    """When and how to leave out products that bring little revenue."""

    above_products: Annotated[Integer, Field(ge=1)] = 1_000_000
    type: Literal["cumulative_revenue_percent", "top_revenue_percent"] = "cumulative_revenue_percent"
    value: Annotated[Integer, Field(ge=1, le=100)] = 80


class CustomerFilterSettings(Model):
    """When and how to leave out customers with few transactions."""

    above_single_percent: Percent = 20
    min_transactions: Annotated[Integer, Field(ge=2)] = 2


class SplitSettings(Model):
    """The days of eval, the share of the rows that they may have, and the share of a random split."""

    eval_days: Annotated[Integer, Field(ge=1, le=3650)] = 14
    least_eval_percent: Percent = 3
    most_eval_percent: Percent = 30
    least_days: Annotated[Integer, Field(ge=2)] = 7
    train_percent: Annotated[Integer, Field(ge=1, le=99)] = 80


class DateRangeSettings(Model):
    """The months of a rolling window, and the age of the latest row up to which a table counts as fed."""

    rolling_months: Annotated[Integer, Field(ge=1, le=24)] = 6
    rolling_within_days: Annotated[Integer, Field(ge=0)] = 45


class LookupSettings(Model):
    """The least share of rows with a match, and how many pairs of columns are measured at most."""

    least_coverage_percent: Percent = 5
    most_measured: Annotated[Integer, Field(ge=0)] = 100


class KeySettings(Model):
    """How many columns a natural key has at most, and how many sets of columns are measured at most."""

    most_columns: Annotated[Integer, Field(ge=1, le=6)] = 4
    most_measured: Annotated[Integer, Field(ge=0)] = 40


class SuggestionSettings(Model):
    """The contents of `suggestions.yaml`; a setting that the file lacks has its default."""

    product_filter: ProductFilterSettings = ProductFilterSettings()
    customer_filter: CustomerFilterSettings = CustomerFilterSettings()
    split: SplitSettings = SplitSettings()
    date_range: DateRangeSettings = DateRangeSettings()
    lookups: LookupSettings = LookupSettings()
    natural_key: KeySettings = KeySettings()
    most_extra_columns: Annotated[Integer, Field(ge=0)] = 12
    """The number of columns of one table that are carried along at most."""


def read_suggestion_settings(definitions: Path) -> SuggestionSettings:
    """Return the settings of a definitions folder, the defaults if it has no file of them.

    Raises ContractError with every fault of the file.
    """
    path = definitions / FILE
    if not path.exists():
        return SuggestionSettings()
    refuse_link_out(path, definitions)
    return build(read_file(path), SuggestionSettings, ROOT)
