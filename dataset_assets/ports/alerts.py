"""The alert that a dataset's owner receives when a run failed, and the interface that delivers it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from dataset_assets.model import Model


class Alert(Model):
    """A dataset that one run failed to publish.

    `dataset` is its stem and `owner` the address in users.yaml, `name@example.com` or `team:name`; both are
    empty if the run failed before its dataset was known. `periods` are partition keys, of many the first and
    the last. `fault` is the text of the failure, as the run shows it.
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
        """The alert for people: dataset, Periods, owner, failure, and the link to the run."""
        period = f" ({' to '.join(self.periods)})" if self.periods else ""
        named = f"{self.name} [{self.dataset}]" if self.dataset else f"The job {self.job}"
        owner = f"\nOwner: {self.owner}" if self.owner else ""
        return f"{named}{period} failed{owner}\n{self.fault}\nRun: {self.run_url or self.run_id}"


class AlertSink(ABC):
    """Delivers alerts to people."""

    @abstractmethod
    def send(self, alerts: Sequence[Alert]) -> None:
        """Deliver the alerts of one run, at least one. A call may take seconds.

        Raises UnavailableError if they cannot be delivered.
        """
