"""Print a dataset as a data contract (ODCS), and create a dataset from such a contract."""

from dataclasses import replace
from pathlib import Path

import typer

from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import ContractError
from dataset_assets.interchange.odcs_export import contract_text, odcs_contract
from dataset_assets.interchange.odcs_import import ImportedContract, import_contract
from dataset_assets.interfaces.answers.contracts import ImportedContractAnswer
from dataset_assets.interfaces.answers.faults import FaultAnswer
from dataset_assets.interfaces.cli.console import print_json, say
from dataset_assets.interfaces.cli.descriptions import write_text
from dataset_assets.interfaces.cli.new import NewOptions
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.create import create_dataset, refuse_taken_stem
from dataset_assets.lifecycle.file_text import file_text
from dataset_assets.lifecycle.new_dataset import NEXT_STEPS, name_of, only_owner
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.notation import flow
from dataset_assets.yaml.reader import read, read_file

_HEADING = "A draft made from a data contract: look it over, then activate it."


def print_contract(workspace: Workspace, name: str, path: Path | None) -> None:
    """Print the contract of a dataset as YAML, or write it to a file. Raises as `odcs_contract` does."""
    catalog = workspace.catalog
    write_text(contract_text(odcs_contract(catalog, catalog.entry(name), workspace.target)), path)


def create_from_contract(workspace: Workspace, options: NewOptions, path: Path) -> None:
    """Write the file of a new dataset with the columns and rules of a contract; list what it does not have.

    Raises ContractError with all faults, and writes nothing, if the contract cannot be read, or if the file
    would break a rule.
    """
    catalog = workspace.catalog
    stem = options.stem
    if stem is None:
        raise typer.BadParameter("--from-odcs needs a STEM")
    refuse_taken_stem(catalog, stem)
    imported = import_contract(read_file(path), catalog.users, options.main, options.owner)
    text = _text(workspace, stem, options, imported)
    made = create_dataset(catalog, stem, text, dry_run=options.dry_run)
    next_steps = tuple(f"dataset-assets {step.format(stem=stem)}" for step in NEXT_STEPS)
    if options.as_json:
        answer = ImportedContractAnswer(
            dataset=stem,
            file=made.file,
            text=text,
            written=made.written,
            remarks=tuple(map(FaultAnswer.of, imported.remarks)),
            next=next_steps,
        )
        print_json(answer)
        return
    typer.echo(text, nl=False)
    say(*imported.remarks)
    if made.written:
        say(f"wrote {made.file}", "", *next_steps)
    else:
        say(f"nothing is written; it would be {made.file}")


def _text(workspace: Workspace, stem: str, options: NewOptions, imported: ImportedContract) -> str:
    """Return the text of the new file; options replace what the contract says."""
    definition = {"status": "draft", **imported.definition}
    given = {"name": options.name, "description": options.description, "ml_model": options.ml_model}
    definition |= {key: value for key, value in given.items() if value}
    definition.setdefault("name", name_of(stem))
    if "owner" not in definition:
        definition["owner"] = only_owner(workspace.catalog.users)
    return file_text(_dataset(definition), heading=_HEADING)


def _dataset(definition: dict[str, object]) -> Dataset:
    """Return the definition as a Dataset. Raises ContractError with its faults, without places."""
    try:
        return build(read(f"{ROOT}: {flow(definition)}\n", ROOT), Dataset, ROOT)
    except ContractError as error:  # the positions are those of a text that nobody sees
        raise ContractError(*(replace(fault, position=None) for fault in error.faults)) from None
