"""Reads the metrics page of a server on this machine."""

import http.client
from typing import Any

import psutil

from ..rollouts.counts import ServerCounts

_TIMEOUT_SECONDS = 2
# service/settings.py: METRICS_PATH, which the local target leaves as it is.
_PATH = "/metrics"


def metrics_port(server: psutil.Process, url_port: int) -> int | None:
    """Return the other port on which the server listens: it takes a free one where the usual is taken."""
    try:
        sockets = server.net_connections("tcp")
    except (psutil.Error, OSError):
        return None
    ports = {each.laddr.port for each in sockets if each.status == psutil.CONN_LISTEN and each.laddr}
    return next(iter(sorted(ports - {url_port})), None)


def page_of(port: int, path: str = _PATH) -> str | None:
    """Return the page as text; None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def samples_of(text: str) -> list[Any]:
    """Return the samples of a page; none if it cannot be read."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    except ValueError:
        return []


def counts_of(server: psutil.Process, url_port: int) -> ServerCounts | None:
    """Return what the server's page has counted; None where it does not answer."""
    port = metrics_port(server, url_port)
    text = page_of(port) if port else None
    return None if text is None else counts_in(text)


def counts_in(text: str) -> ServerCounts:
    """Return what a page has counted."""
    counts = ServerCounts()
    for sample in samples_of(text):
        counts.add(sample.name, sample.labels, sample.value)
    return counts
