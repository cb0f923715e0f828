"""Judges what is sent to Cloud SQL by its documented limits.

No library of Google's in the test set has the messages of the Cloud SQL Admin API, so a misspelt field is
found by the types of Pulumi's SDK (pyright) and not here, and what the service refuses beyond its
documentation is not found at all. DOCS: docs.cloud.google.com/sql/docs/postgres.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Inputs = Mapping[str, Any]

# DOCS editions-intro, machine-series-overview; pulumi-gcp 10.2.0, DatabaseInstanceSettingsArgs.edition.
_ENTERPRISE_PLUS = re.compile(r"db-(perf-optimized-N|c4a-highmem)-[0-9]+(-lssd)?")
_ENTERPRISE = re.compile(r"db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)")
_VERSIONS = re.compile(r"POSTGRES_(1[2-8])")
# DOCS instance-settings: a letter, then letters, digits and hyphens; with the project 98 characters.
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_CHARACTERS = 98


def edition_of(instance: Inputs) -> str:
    """DOCS create-instance: from PostgreSQL 16 on ENTERPRISE_PLUS, where nothing is said."""
    version = int(instance["databaseVersion"].removeprefix("POSTGRES_"))
    return instance["settings"].get("edition") or ("ENTERPRISE_PLUS" if version >= 16 else "ENTERPRISE")


def _tier_is_of_the_edition(instance: Inputs) -> bool:
    tiers = _ENTERPRISE if edition_of(instance) == "ENTERPRISE" else _ENTERPRISE_PLUS
    return bool(tiers.fullmatch(instance["settings"]["tier"]))


def _is_reached_by_connectors_alone(instance: Inputs) -> bool:
    """DOCS connect-run: by a public address or a network; configure-ip: nobody is authorised by it alone."""
    settings = instance["settings"]
    addresses = settings["ipConfiguration"]
    reached = addresses.get("ipv4Enabled") or addresses.get("privateNetwork")
    closed = settings.get("connectorEnforcement") == "REQUIRED" and not addresses.get("authorizedNetworks")
    return bool(reached) and closed


def _is_encrypted(instance: Inputs) -> bool:
    modes = ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")
    return instance["settings"]["ipConfiguration"].get("sslMode") in modes


def _is_backed_up(instance: Inputs) -> bool:
    """DOCS backup-recovery/backups: of the Enterprise edition logs are kept for 1 to 7 days."""
    backups = instance["settings"]["backupConfiguration"]
    days = backups.get("transactionLogRetentionDays", 7)
    hours = re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", backups.get("startTime", "00:00"))
    kept = backups["enabled"] and backups["pointInTimeRecoveryEnabled"]
    return bool(kept and 1 <= days <= 7 and hours)


def _name_is_allowed(instance: Inputs) -> bool:
    name = instance["name"]
    return bool(_NAME.fullmatch(name)) and len(f"{instance['project']}:{name}") <= _CHARACTERS


def _labels_are_allowed(instance: Inputs) -> bool:
    labels = instance["settings"].get("userLabels", {})
    return all(re.fullmatch(r"[a-z0-9_-]{0,63}", text) for text in (*labels, *labels.values()))


RULES: Mapping[str, Callable[[Inputs], bool]] = {
    "the name has lowercase letters, digits and hyphens, 98 with the project": _name_is_allowed,
    "the version is supported": lambda i: bool(_VERSIONS.fullmatch(i["databaseVersion"])),
    "the edition has the tier": _tier_is_of_the_edition,
    "only connectors reach it": _is_reached_by_connectors_alone,
    "connections are encrypted": _is_encrypted,
    "it is backed up": _is_backed_up,
    "labels are lowercase": _labels_are_allowed,
    "both protections agree": lambda i: i["deletionProtection"] is i["settings"]["deletionProtectionEnabled"],
}


def broken(instance: Inputs) -> Iterator[str]:
    """Yield the rules that an instance breaks."""
    yield from (name for name, holds in RULES.items() if not holds(instance))
