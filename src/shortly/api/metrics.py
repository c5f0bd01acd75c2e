"""``/metrics``: what the whole node counts, in Prometheus' text format. No label has values that strangers choose."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterator, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from shortly import __version__
from shortly.api.access import needs
from shortly.api.problems import problems
from shortly.api.services import AllServices, BackupsKnown, Services
from shortly.api.system import status_of_disk
from shortly.counters import REDIRECTS, REQUEST_BUCKETS_MS, STATUS_CLASSES
from shortly.errors import Forbidden

router = APIRouter(tags=["operations"], dependencies=[needs("metrics:read")])

COUNTERS = {
    "clicks_written": "Clicks written down by the redirect.",
    "clicks_dropped": "Clicks that found no room in the journal.",
    "clicks_folded": "Clicks counted into the store.",
    "clicks_corrupt": "Journal records that could not be read.",
    "rate_limited": "Requests that a rate limit refused.",
    "workers_restarted": "HTTP workers that ended unasked and were replaced.",
    "services_ended_unasked": "Times that the whole service ended without having been told to.",
    "link_checks": "Targets of links that were asked whether they still answer, by the checks of this node.",
    "link_checks_failed": "Targets of links that gave no good answer to these.",
    "links_broken": "Links that came to count as broken by these.",
}
GAUGES = {
    "drain_running": "Processes that drain the journal; more than one of them waits for its turn.",
    "workers_running": "HTTP workers.",
}


class PlainText(Response):
    """The format that every Prometheus reads."""

    media_type = CONTENT_TYPE_PLAIN_0_0_4


@router.get("/metrics", operation_id="get_metrics", response_class=PlainText, responses=problems(Forbidden))
async def get_metrics(services: AllServices) -> PlainText:
    """Read the node's metrics, in Prometheus' text format."""
    backups = await services.backups_known()
    return PlainText(await asyncio.to_thread(write_metrics, services, backups))


def write_metrics(services: Services, backups: BackupsKnown) -> bytes:
    """Return the whole exposition."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(NodeCollector(services, backups))
    return generate_latest(registry)


class NodeCollector(Collector):
    """Turns the node's counters, its disk and what is known of backups into metric families."""

    def __init__(self, services: Services, backups: BackupsKnown) -> None:
        self._services = services
        self._backups = backups

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        counts = self._services.read_counters()
        redirects = CounterMetricFamily("shortly_redirects", "Answers of the redirect.", labels=["status"])
        for status, name in REDIRECTS.items():
            redirects.add_metric([str(status)], counts.get(name, 0))
        yield redirects
        for name, meaning in COUNTERS.items():
            yield CounterMetricFamily(f"shortly_{name}", meaning, counts.get(name, 0))
        for name, meaning in GAUGES.items():
            yield GaugeMetricFamily(f"shortly_{name}", meaning, counts.get(name, 0))
        yield GaugeMetricFamily(
            "shortly_drain_lag_seconds",
            "Age of the oldest click that is not counted yet.",
            counts.get("drain_lag_ms", 0) / 1000,
        )
        yield GaugeMetricFamily(
            "shortly_drain_lag_bytes", "Journal that is not counted yet.", counts.get("drain_lag_bytes", 0)
        )
        requests = CounterMetricFamily("shortly_api_requests", "Requests that were no redirects.", labels=["status"])
        for status_class in STATUS_CLASSES:
            requests.add_metric([status_class], counts.get(f"api_requests_{status_class}", 0))
        yield requests
        yield HistogramMetricFamily(
            "shortly_api_request_seconds",
            "How long they took.",
            buckets=cumulative(counts),
            sum_value=counts.get("api_request_us_sum", 0) / 1_000_000,
        )
        yield from self._kept()
        yield GaugeMetricFamily(
            "shortly_start_time_seconds", "When this worker started, unix time.", self._services.started_at.timestamp()
        )
        build = GaugeMetricFamily("shortly_build_info", "What is running; always 1.", labels=["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1)
        yield build

    def _kept(self) -> Iterator[Metric]:
        """Yield what there is room for, and how old a copy is; what cannot be read is left out."""
        disk = status_of_disk(self._services.settings.data_dir, in_files=False)
        if disk is not None:
            yield GaugeMetricFamily("shortly_disk_free_bytes", "Room on the disk of DATA_DIR.", disk.free_bytes)
            yield GaugeMetricFamily("shortly_disk_total_bytes", "Size of the disk of DATA_DIR.", disk.total_bytes)
        if self._backups.status != "unreadable":
            newest = self._backups.newest_at
            yield GaugeMetricFamily(
                "shortly_backup_newest_time_seconds",
                "When the newest backup was made, unix time; 0: there is none.",
                0 if newest is None else newest.timestamp(),
            )
        if self._backups.changes != "none":
            until = self._backups.changes_until
            yield GaugeMetricFamily(
                "shortly_changes_kept_until_time_seconds",
                "Every change before is kept by 'shortly backup follow', unix time; 0: none is yet; "
                "left out where nobody ever began to.",
                0 if until is None else until.timestamp(),
            )


def cumulative(counts: Mapping[str, int]) -> list[tuple[str, float]]:
    """Return the histogram's buckets as Prometheus wants them, each with all smaller ones in it."""
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound in REQUEST_BUCKETS_MS:
        total += counts.get(f"api_request_ms_le_{bound}", 0)
        buckets.append((str(bound / 1000), total))
    buckets.append(("+Inf", total + counts.get("api_request_ms_le_inf", 0)))
    return buckets
