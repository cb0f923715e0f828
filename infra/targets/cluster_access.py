"""What reaching a cluster takes of this machine: a plugin for GKE, a kubeconfig for any other cluster."""

from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.infra.settings.checked import Settings
from slipway.infra.targets.kubernetes import require_plugin


@dataclass(frozen=True, slots=True)
class Access:
    """kubeconfig: None where the program makes its own. cluster: which one it reaches; '' is not known."""

    kubeconfig: pulumi.Output[str] | None = None
    cluster: str = ""


def access_of(settings: Settings, *, applies: bool) -> Access:
    """applies: whether something is about to be made. Raises Refused where the cluster could not be reached.

    A preview needs neither plugin nor kubeconfig, so that it runs where there is no login.
    """
    if settings.target == "gke" and applies:
        require_plugin()
    if settings.target != "kubernetes":
        return Access()
    from slipway.infra.targets.kubeconfig import (  # only this target reads one
        checked_kubeconfig,
        kubeconfig_path,
    )

    path = kubeconfig_path(settings.kubeconfig)
    if not applies and not path.is_file():
        unknown: Any = pulumi.UNKNOWN
        return Access(pulumi.Output.secret(unknown), settings.context)
    found = checked_kubeconfig(path, settings.context, reach=applies)
    return Access(pulumi.Output.secret(found.text), found.server)
