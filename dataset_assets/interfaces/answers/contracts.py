"""The answer about a data contract: the dataset that was made of it, and what it does not have."""

from dataset_assets.interfaces.answers.faults import FaultAnswer
from dataset_assets.model import Model


class ImportedContractAnswer(Model):
    """The file that was made of a contract, or would be, and the commands that come `next`.

    `remarks` are the parts of the contract that the file does not have.
    """

    dataset: str
    file: str
    text: str
    written: bool
    remarks: tuple[FaultAnswer, ...]
    next: tuple[str, ...]
