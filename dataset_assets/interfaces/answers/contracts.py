"""The answer about a data contract: the dataset created from it, and the parts that the dataset lacks."""

from dataset_assets.interfaces.answers.faults import FaultAnswer
from dataset_assets.model import Model


class ImportedContractAnswer(Model):
    """The file that was, or would be, created from a contract, and the commands to run `next`.

    `remarks` are the parts of the contract that the file does not have.
    """

    dataset: str
    file: str
    text: str
    written: bool
    remarks: tuple[FaultAnswer, ...]
    next: tuple[str, ...]
