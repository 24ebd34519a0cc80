"""GET /metrics for Prometheus.

Who may read: a bearer of the token in JINZHI_METRICS_TOKEN; without a token whoever asks from this machine itself
(and then only where no reverse proxy stands in front, behind which everybody seems to). Others get 404.
"""

import hmac
import os
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.http import HttpResponse, HttpResponseNotFound
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from jinzhi.casework.models import Case
from jinzhi.foundation.exchange import standing
from jinzhi.foundation.places import scope
from jinzhi.network.models import Alarm, Node
from jinzhi.network.operations import console, measuring

LOOPBACK = ("127.0.0.1", "::1")
NODE_FIGURES = {
    "queued": ("jinzhi_node_queued_messages", "Messages waiting to be sent by the node"),
    "oldest_unsent_seconds": (
        "jinzhi_node_oldest_unsent_seconds",
        "Age of the oldest unsent message of the node",
    ),
    "quarantined": ("jinzhi_node_quarantined_messages", "Messages in quarantine at the node"),
    "disk_free_mb": ("jinzhi_node_disk_free_megabytes", "Free disk of the node"),
    "database_mb": ("jinzhi_node_database_megabytes", "Size of the node's database"),
    "backup_hours": ("jinzhi_node_backup_age_hours", "Hours since the node's last backup"),
    "clock_skew_seconds": ("jinzhi_node_clock_skew_seconds", "Clock of the node against the hub"),
}


def may_read(request) -> bool:
    token = os.environ.get("JINZHI_METRICS_TOKEN", "")
    if token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not settings.NINJA_NUM_PROXIES


class Collector:
    """Reads everything at the moment it is asked; nothing is kept between two requests or processes."""

    def collect(self) -> Iterator[Metric]:
        yield from self._nodes()
        yield from self._alarms()
        yield from self._cases()
        yield from self._exchange()
        yield from self._self()

    def describe(self) -> list[Metric]:
        return []

    def _nodes(self) -> Iterator[Metric]:
        now = timezone.now()
        up = GaugeMetricFamily("jinzhi_node_up", "1 while the node is heard", labels=["node", "version"])
        seen = GaugeMetricFamily(
            "jinzhi_node_last_seen_seconds", "Age of the last heartbeat", labels=["node"]
        )
        until = GaugeMetricFamily(
            "jinzhi_node_certificate_days", "Days until the certificate ends", labels=["node"]
        )
        families = {k: GaugeMetricFamily(n, d, labels=["node"]) for k, (n, d) in NODE_FIGURES.items()}
        behind = GaugeMetricFamily(
            "jinzhi_node_lag_seconds", "Age of the oldest batch a peer has not acknowledged", labels=["node"]
        )
        for peer, seconds in console.lags().items():
            behind.add_metric([peer], seconds)
        for node in Node.objects.filter(state=Node.State.ACTIVE):
            state = console.state_of(node, [], now, settings.NODE)
            up.add_metric([node.code, node.software], float(state != "down"))
            if node.last_seen:
                seen.add_metric([node.code], (now - node.last_seen).total_seconds())
            if node.certificate_until:
                until.add_metric([node.code], (node.certificate_until - now).total_seconds() / 86400)
            for key, family in families.items():
                value = node.health.get(key)
                if isinstance(value, int | float):
                    family.add_metric([node.code], float(value))
        yield from (up, seen, until, behind, *families.values())

    def _alarms(self) -> Iterator[Metric]:
        found = GaugeMetricFamily("jinzhi_alarms_open", "Open alarms", labels=["node", "kind", "level"])
        for alarm in Alarm.objects.filter(cleared_at=None):
            found.add_metric([alarm.node, alarm.kind, alarm.level], 1.0)
        yield found

    def _cases(self) -> Iterator[Metric]:
        found = GaugeMetricFamily(
            "jinzhi_operations_cases_open", "Open cases of operations", labels=["kind", "priority"]
        )
        counted: dict[tuple[str, str], int] = {}
        open_ = Case.objects.filter(procedure__key__in=console.INTERNAL, state="open")
        for key, priority in open_.values_list("procedure__key", "facts__priority"):
            counted[key, priority or ""] = counted.get((key, priority or ""), 0) + 1
        for labels, count in counted.items():
            found.add_metric(list(labels), float(count))
        yield found

    def _exchange(self) -> Iterator[Metric]:
        names = (
            ("sent", "Records sent"), ("acknowledged", "Records acknowledged by the other end"), ("received", "Records received"),
            ("applied", "Records applied"), ("refused", "Records refused here"), ("unsent", "Records not sent yet"),
            ("oldest_unsent_seconds", "Age of the oldest record not sent yet"),
        )  # fmt: skip
        families = {
            n: GaugeMetricFamily(f"jinzhi_exchange_{n}", d, labels=["peer", "dataset"]) for n, d in names
        }
        for entry in standing.status():
            for name, family in families.items():
                family.add_metric([entry["peer"], entry["dataset"]], float(entry.get(name) or 0))
        yield from families.values()

    def _self(self) -> Iterator[Metric]:
        facts = measuring.own()
        info = GaugeMetricFamily("jinzhi_info", "This installation", labels=["version", "node"])
        info.add_metric([facts["version"], settings.NODE], 1.0)
        yield info
        yield GaugeMetricFamily("jinzhi_disk_free_megabytes", "Free disk", value=float(facts["disk_free_mb"]))
        yield GaugeMetricFamily(
            "jinzhi_database_megabytes", "Size of the database", value=float(facts["database_mb"])
        )
        yield GaugeMetricFamily(
            "jinzhi_worker_up", "1 while the worker reports", value=float(facts["worker"] == "ok")
        )
        jobs = GaugeMetricFamily("jinzhi_jobs", "Background jobs", labels=["status"])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT status::text, count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed') GROUP BY 1"
            )
            for status, count in cursor.fetchall():
                jobs.add_metric([status], float(count))
        yield jobs


@never_cache
@require_safe
def metrics(request) -> HttpResponse:
    if not may_read(request):
        return HttpResponseNotFound(content_type="text/plain")
    registry = CollectorRegistry(auto_describe=False)
    with scope.acting(scope.SYSTEM):
        registry.register(Collector())
        text = generate_latest(registry)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
