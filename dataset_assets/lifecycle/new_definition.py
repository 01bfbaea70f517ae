"""Create a dataset of a model from a whole definition: its data as JSON has it, or its text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.locks import lock_entry
from dataset_assets.catalog.proposal import propose
from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset, Status
from dataset_assets.errors import ContractError, Fault, raise_all
from dataset_assets.lifecycle.changes import SYSTEM_FIELDS, file_text
from dataset_assets.lifecycle.create import CreatedDataset, create_dataset, refuse_taken_stem
from dataset_assets.lifecycle.definition_edits import file_value
from dataset_assets.lifecycle.file_text import file_text as text_of
from dataset_assets.text.wording import shown
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.notation import flow
from dataset_assets.yaml.reader import read


@dataclass(frozen=True)
class NewDefinition:
    """The definition of a new dataset of a model: its data, without the key `dataset`, or its file's text."""

    stem: str
    ml_model: str
    data: Mapping[str, Any] | None = None
    text: str = ""


def create_from_definition(
    catalog: Catalog, new: NewDefinition, *, now: datetime, dry_run: bool = False, locked: bool = False
) -> CreatedDataset:
    """Write the file of a new dataset, and lock it, so that it has an id. Without a status it is a draft.

    Raises ContractError with all faults, and writes nothing, if the definition breaks a rule or is one of
    another model, and InUseError if there is a dataset of that stem.
    """
    refuse_taken_stem(catalog, new.stem)
    text = new.text if new.data is None else definition_text(new.data, new.ml_model)
    if new.data is None:
        _refuse_other_model(catalog, new, text)
    created = create_dataset(catalog, new.stem, text, dry_run=dry_run, locked=locked)
    if dry_run:
        return created
    lock_entry(load_catalog(catalog.root).entries[new.stem], now)
    return created.model_copy(update={"text": file_text(load_catalog(catalog.root).entries[new.stem])})


def definition_text(data: Mapping[str, Any], ml_model: str) -> str:
    """Return the text of a file with this definition. Raises ContractError with its faults."""
    raise_all(ContractError, _not_given(data, ml_model))
    wanted = {"status": Status.DRAFT.value, **file_value(data), "ml_model": ml_model}
    try:
        return text_of(build(read(f"{ROOT}: {flow(wanted)}\n", ROOT), Dataset, ROOT))
    except ContractError as error:  # the positions are those of a text that nobody sees
        raise ContractError(*(replace(fault, position=None) for fault in error.faults)) from None


def _not_given(data: Mapping[str, Any], ml_model: str) -> Iterator[Fault]:
    for key in SYSTEM_FIELDS:
        if data.get(key) is not None:
            yield Fault("is given by the system", f"{ROOT}.{key}", "leave it out")
    if data.get("ml_model") not in (None, ml_model):
        yield _other_model(data["ml_model"], ml_model)


def _refuse_other_model(catalog: Catalog, new: NewDefinition, text: str) -> None:
    proposal = propose(catalog, new.stem, text)
    dataset = proposal.entry.dataset
    if dataset and dataset.ml_model != new.ml_model:
        raise ContractError(*proposal.faults, _other_model(dataset.ml_model, new.ml_model))


def _other_model(given: Any, ml_model: str) -> Fault:
    hint = f"write {shown(ml_model)}, or send it to the address of that model"
    return Fault(
        f"is {shown(given)}, not the model that the dataset is created for", f"{ROOT}.ml_model", hint
    )
