"""The probes of a service, from the time its model takes to load. Times in seconds.

Start-up asks /ready, so that no request comes before the warm-up is over; liveness asks /alive, so that a
busy instance is not restarted. Every probe of an idle instance is billed: the later ones are rare.
"""

import math

import pulumi_gcp as gcp

from ..load_time import LOADS_OF_A_START
from .limits import STARTUP_SECONDS

_LEAST_PATIENCE_SECONDS = 60
# The time to load may be an estimate, many times too long; the answer to the first request waits for a probe.
_LONGEST_PERIOD_SECONDS = 2


def startup_probe(
    load_seconds: float, port: int, fetched: bool
) -> gcp.cloudrunv2.ServiceTemplateContainerStartupProbeArgsDict:
    """Asks every second or two while the model loads, and waits for three times as long, at most 240 s.

    fetched: the model comes over the network first; then it waits for as long as Cloud Run allows.
    """
    period = min(max(math.ceil(load_seconds / 10), 1), _LONGEST_PERIOD_SECONDS)
    patience = (
        STARTUP_SECONDS
        if fetched
        else min(max(LOADS_OF_A_START * load_seconds, _LEAST_PATIENCE_SECONDS), STARTUP_SECONDS)
    )
    return {
        "http_get": {"path": "/ready", "port": port},
        "initial_delay_seconds": 0,
        "period_seconds": period,
        "timeout_seconds": min(period, 5),
        "failure_threshold": math.floor(patience / period),
    }


def liveness_probe(port: int) -> gcp.cloudrunv2.ServiceTemplateContainerLivenessProbeArgsDict:
    """Restarts an instance that has not answered for one and a half minutes."""
    return {
        "http_get": {"path": "/alive", "port": port},
        "period_seconds": 30,
        "timeout_seconds": 5,
        "failure_threshold": 3,
    }


def readiness_probe(port: int) -> gcp.cloudrunv2.ServiceTemplateContainerReadinessProbeArgsDict:
    """Sends no new requests to an instance that has not been ready for half a minute.

    Generally available since June 2026: github.com/GoogleCloudPlatform/magic-modules/pull/17925.
    """
    return {
        "http_get": {"path": "/ready", "port": port},
        "period_seconds": 10,
        "timeout_seconds": 5,
        "failure_threshold": 3,
    }
