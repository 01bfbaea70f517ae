"""What the owner of a dataset is told when a run of it failed, and through what."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from dataset_assets.model import Model


class Alert(Model):
    """One dataset that one run did not publish.

    `dataset` is its stem and `owner` the address of users.yaml, `name@example.com` or `team:name`; both are
    empty where the run failed before it was known what it publishes. `periods` are partition keys, the first
    and the last where there are many. `fault` is the text of the failure, as the run shows it.
    """

    dataset: str = ""
    name: str = ""
    owner: str = ""
    periods: tuple[str, ...] = ()
    job: str
    run_id: str
    run_url: str = ""
    failed_at: datetime
    fault: str

    @property
    def text(self) -> str:
        """For people: what, of whom, why, and where to look."""
        period = f" ({' to '.join(self.periods)})" if self.periods else ""
        named = f"{self.name} [{self.dataset}]" if self.dataset else f"The job {self.job}"
        owner = f"\nOwner: {self.owner}" if self.owner else ""
        return f"{named}{period} failed{owner}\n{self.fault}\nRun: {self.run_url or self.run_id}"


class AlertSink(ABC):
    """What carries alerts to people."""

    @abstractmethod
    def send(self, alerts: Sequence[Alert]) -> None:
        """Those of one run, never none. Takes seconds.

        Raises UnavailableError when they could not be delivered.
        """
