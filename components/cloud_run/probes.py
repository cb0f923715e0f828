"""The probes of a service, from the time its model takes to load. Times in seconds.

The start-up probe asks /ready, so that no request arrives before the warm-up is over; the liveness probe asks
/alive, so that a busy instance is not restarted. Every probe of an idle instance is billed: later ones are
rare.
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
    """Return a probe every second or two while the model loads, for three times as long, up to 240 s.

    fetched: the model comes over the network first; then the probe lasts as long as Cloud Run allows.
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
    """Return a probe that restarts an instance after one and a half minutes without an answer."""
    return {
        "http_get": {"path": "/alive", "port": port},
        "period_seconds": 30,
        "timeout_seconds": 5,
        "failure_threshold": 3,
    }


def readiness_probe(port: int) -> gcp.cloudrunv2.ServiceTemplateContainerReadinessProbeArgsDict:
    """Return a probe that stops new requests to an instance that has not been ready for half a minute.

    Generally available since June 2026: github.com/GoogleCloudPlatform/magic-modules/pull/17925.
    """
    return {
        "http_get": {"path": "/ready", "port": port},
        "period_seconds": 10,
        "timeout_seconds": 5,
        "failure_threshold": 3,
    }
