"""Start, follow and cancel runs of a dataset's asset through the GraphQL of Dagster's webserver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from dataset_assets.errors import Fault, NotFoundError, PublishError, UnavailableError
from dataset_assets.interfaces.web import dagster_queries as queries
from dataset_assets.interfaces.web.dagster_runs import (
    BACKFILL_STATUSES,
    STATUSES,
    Asset,
    BackfillProgress,
    Launched,
    RunProgress,
    RunStatus,
    run_progress,
)

TIMEOUT = 30.0
"""Seconds to wait for an answer; a webserver that reloads a code location answers late."""
CONNECT_TIMEOUT = 3.0
REQUEST_TAG = "dataset_assets/request"
"""Run tag with the key of the request that started a run, by which the same request finds it again."""
ASSET_JOB = "__ASSET_JOB"
_RANGE = "dagster/asset_partition_range"


@dataclass(frozen=True)
class DagsterClient:
    """The webserver of Dagster at an address. Any number of threads can use one client.

    `internal` is the address at which the server itself reaches it, if that is another than people's.

    Every method raises UnavailableError if Dagster does not answer.
    """

    address: str
    internal: str = ""

    def asset_url(self, stem: str) -> str:
        """Return the page of a dataset's asset."""
        return f"{self._base}/assets/datasets/{stem}"

    def run_url(self, run_id: str) -> str:
        """Return the page of a run."""
        return f"{self._base}/runs/{run_id}"

    def backfill_url(self, backfill_id: str) -> str:
        """Return the page of a backfill."""
        return f"{self._base}/runs/b/{backfill_id}"

    def launch(self, stem: str, keys: Sequence[str] = (), tags: Mapping[str, str] | None = None) -> Launched:
        """Start a run that publishes the partitions with these keys, or an unpartitioned dataset.

        Neighbouring partitions are published by one run, others by a backfill. Raises PublishError if
        Dagster does not know the asset or the partitions even after a reload, or refuses the run.
        """
        asset = self._asset_with(stem, keys)
        first, last = (keys[0], keys[-1]) if keys else ("", "")
        if len(keys) > 1 and not _adjoin(keys, asset.partition_keys):
            return self._launch_backfill(asset, keys, tags or {})
        if first != last:
            chosen = {f"{_RANGE}_start": first, f"{_RANGE}_end": last}
        else:
            chosen = {"dagster/partition": first} if first else {}
        return self._launch_run(asset, {**(tags or {}), **chosen})

    def run_of_request(self, key: str) -> str | None:
        """Return the id of the run that a request with this key started; None if there is none."""
        found = self._ask(
            queries.RUNS_WITH_TAG, "runsOrError", filter={"tags": [{"key": REQUEST_TAG, "value": key}]}
        )
        return next((each["runId"] for each in found.get("results", ())), None)

    def run(self, run_id: str, dataset: str | None = None) -> RunProgress:
        """Return how far a run is. Raises NotFoundError if Dagster has no such run."""
        run = self._ask(queries.RUN, "runOrError", id=run_id)
        if run["__typename"] != "Run":
            hint = "Dagster removes old runs; its page lists those that it has"
            raise NotFoundError(Fault("Dagster has no such run", hint=hint))
        return run_progress(run, self._events(run_id), self.run_url(run_id), dataset)

    def backfill(self, backfill_id: str) -> BackfillProgress:
        """Return how far a backfill is. Raises NotFoundError if Dagster has no such backfill."""
        found = self._ask(queries.BACKFILL, "partitionBackfillOrError", id=backfill_id)
        if found["__typename"] != "PartitionBackfill":
            raise NotFoundError(
                Fault("Dagster has no such backfill", hint="its page lists those that it has")
            )
        return BackfillProgress(
            backfill_id=backfill_id,
            url=self.backfill_url(backfill_id),
            status=BACKFILL_STATUSES.get(found["status"], RunStatus.RUNNING),
            runs=tuple((each["runId"], STATUSES[each["status"]]) for each in found["runs"]),
            failure=_first_line(found["error"]["message"]) if found["error"] else "",
        )

    def cancel(self, run_id: str) -> None:
        """Ask a run to stop. Raises PublishError if Dagster refuses, as for a run that has ended."""
        answer = self._ask(queries.TERMINATE, "terminateRun", id=run_id)
        if answer["__typename"] != "TerminateRunSuccess":
            raise _refused("cancel the run", answer)

    def asset(self, stem: str) -> Asset | None:
        """Return the asset of a dataset; None if no code location that Dagster has loaded defines it."""
        path = ("datasets", stem)
        node = self._ask(queries.ASSET, "assetNodeOrError", key={"path": list(path)})
        if node["__typename"] != "AssetNode" or not node["isMaterializable"]:
            return None
        jobs = node["jobNames"]
        return Asset(
            path=path,
            location=node["repository"]["location"]["name"],
            repository=node["repository"]["name"],
            job=next((job for job in jobs if job.startswith(ASSET_JOB)), jobs[0]),
            partitioned=node["isPartitioned"],
            partition_keys=tuple(node["partitionKeys"]),
        )

    def _asset_with(self, stem: str, keys: Sequence[str]) -> Asset:
        """Return the asset with these partitions; Dagster loads its code locations again if it lacks them."""
        asset = self.asset(stem)
        if asset is None or not _has(asset, keys):
            self._reload()
            asset = self.asset(stem)
        if asset is None:
            hint = f"look at its code locations: {self._base}/locations"
            raise PublishError(Fault(f"Dagster has no asset `datasets/{stem}`", hint=hint))
        if not _has(asset, keys):
            lacking = [key for key in keys if key not in asset.partition_keys]
            what = f"the partition {lacking[0]}" if lacking else "an asset without partitions"
            hint = f"look at its code locations: {self._base}/locations"
            raise PublishError(Fault(f"`datasets/{stem}` in Dagster has not {what}", hint=hint))
        return asset

    def _launch_run(self, asset: Asset, tags: Mapping[str, str]) -> Launched:
        selector = {
            "repositoryLocationName": asset.location,
            "repositoryName": asset.repository,
            "pipelineName": asset.job,
            "assetSelection": [{"path": list(asset.path)}],
        }
        params = {
            "selector": selector,
            "mode": "default",
            "runConfigData": "{}",
            "executionMetadata": {"tags": _tag_list(tags)},
        }
        answer = self._ask(queries.LAUNCH_RUN, "launchRun", params=params)
        if answer["__typename"] != "LaunchRunSuccess":
            raise _refused("start the run", answer)
        run_id = answer["run"]["runId"]
        return Launched(run_id=run_id, url=self.run_url(run_id))

    def _launch_backfill(self, asset: Asset, keys: Sequence[str], tags: Mapping[str, str]) -> Launched:
        params = {
            "assetSelection": [{"path": list(asset.path)}],
            "partitionNames": list(keys),
            "tags": _tag_list(tags),
        }
        answer = self._ask(queries.LAUNCH_BACKFILL, "launchPartitionBackfill", params=params)
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise _refused("start the backfill", answer)
        id_ = answer["backfillId"]
        return Launched(backfill_id=id_, url=self.backfill_url(id_))

    def _reload(self) -> None:
        """Let Dagster read the definitions again: a dataset can be younger than what it has loaded."""
        workspace = self._ask(queries.LOCATIONS, "workspaceOrError")
        for entry in workspace.get("locationEntries", ()):
            self._ask(queries.RELOAD, "reloadRepositoryLocation", name=entry["name"])

    def _events(self, run_id: str) -> list[Mapping[str, Any]]:
        events: list[Mapping[str, Any]] = []
        after: str | None = None
        while True:
            found = self._ask(queries.EVENTS, "logsForRun", id=run_id, after=after)
            events += found.get("events", ())
            if not found.get("hasMore"):
                return events
            after = found["cursor"]

    def _ask(self, query: str, field: str, **variables: Any) -> Any:
        try:
            answer = _http().post(f"{self._asked}/graphql", json={"query": query, "variables": variables})
            answer.raise_for_status()
            body = answer.json()
            return body["data"][field]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            hint = "start it, or give its address with --dagster or DATASET_ASSETS_WEBSERVER"
            message = f"Dagster does not answer at {self._asked} ({_reason(error)})"
            raise UnavailableError(Fault(message, hint=hint)) from error

    @property
    def _base(self) -> str:
        return self.address.rstrip("/")

    @property
    def _asked(self) -> str:
        return (self.internal or self.address).rstrip("/")


@cache
def _http() -> httpx.Client:
    """Return the client of all servers of this process. It keeps no connection open between requests.

    Proxies of the environment are for the outside; Dagster is beside this server.
    """
    return httpx.Client(
        timeout=httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT),
        limits=httpx.Limits(max_keepalive_connections=0),
        trust_env=False,
    )


def _has(asset: Asset, keys: Sequence[str]) -> bool:
    return asset.partitioned == bool(keys) and set(keys) <= set(asset.partition_keys)


def _adjoin(keys: Sequence[str], ordered: Sequence[str]) -> bool:
    first = ordered.index(keys[0])
    return tuple(keys) == tuple(ordered[first : first + len(keys)])


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _refused(what: str, answer: Mapping[str, Any]) -> PublishError:
    errors = [each["message"] for each in answer.get("errors", ())]
    text = _first_line(answer.get("message") or "; ".join(errors) or answer["__typename"])
    return PublishError(Fault(f"Dagster did not {what}: {text}", hint="look at Dagster's page of the asset"))


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _reason(error: Exception) -> str:
    return _first_line(str(error)) or type(error).__name__
