"""What identifies a version of a service that Pulumi applies: its code, model and settings.

Two updates with the same fingerprint bring the same version. What only says how many instances run, who hears
of it or how a rollout goes is none of it; of encrypted values the cipher text is.
"""

import hashlib
import json
from pathlib import Path

from slipway.components.checkout import ROOT
from slipway.components.fault import ArgumentsError
from slipway.components.model import model_folder, model_version, source_digest
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import ciphers_of
from slipway.stacks.settings.common import Settings

# What only says how many instances run, who hears of them, how long things are kept, or how a rollout goes.
NOT_OF_A_VERSION = frozenset(
    (
        *("rollout", "canaryPercent", "bakeMinutes", "rollbackOn", "smokeTests"),
        *("minInstances", "maxInstances", "minAvailable", "cpuTarget", "schedule"),
        *("scaleOn", "scaleTarget", "prometheusAddress", "kedaNamespace", "requestsMetric"),
        *("requestsPerInstance", "spareNode", "minNodes", "minNodesPerZone", "maxNodes"),
        *("minWorkers", "maxWorkers", "jobsDatabaseSize", "jobsDatabaseInstances"),
        *("policy", "budget", "usage", "objective", "thresholds", "runbooks", "alertEmail"),
        *("monitoringLabels", "logRetention", "keepImages", "scan", "deletionProtection"),
    )
)


def fingerprint_of(config: StackConfig, settings: Settings) -> str:
    """Return what the versions have in common that an update of this stack would bring now."""
    own = f"{config.project}:"
    given = {
        key: text
        for key, text in config.values.items()
        if key.startswith(own) and key.removeprefix(own) not in NOT_OF_A_VERSION
    }
    ciphers = ciphers_of(Path(), config.stack)
    code = "" if settings.image else source_digest(ROOT / "service")
    text = json.dumps([given, ciphers, code, _model(config, settings)[0]], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def model_version_of(config: StackConfig, settings: Settings) -> str:
    """Return the server's name for the stack's model; '' where this machine does not have it."""
    return _model(config, settings)[1]


def _model(config: StackConfig, settings: Settings) -> tuple[str, str]:
    """Return the digest and the version of the model; '' twice for one that is elsewhere."""
    if settings.image and "model" not in settings.given:
        return "", ""
    try:
        found = model_folder(config.stack, settings.model, None)
    except ArgumentsError:
        return "", ""
    return found.digest, model_version(found.manifest)
