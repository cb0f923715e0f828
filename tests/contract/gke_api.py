"""An emitted cluster and its pools as the API takes them.

The provider's names differ from the API's in the places named here; every other one is handed on as it is, so
that one the API does not know is refused.
"""

from collections.abc import Mapping
from typing import Any

import pulumi_gcp as gcp

from tests.contract.cloud import Emitted

# What the provider keeps to itself, or what stands in the path of the request.
_NOT_OF_THE_CLUSTER = ("deletionProtection", "location", "networkingMode", "project", "removeDefaultNodePool")
_NOT_OF_THE_POOL = ("cluster", "location", "project")
_OF_THE_NETWORK = ("datapathProvider", "gatewayApiConfig")
_ENABLED = {"enableShieldedNodes": "shieldedNodes", "enableLegacyAbac": "legacyAbac"}


def api_form(emitted: Emitted) -> dict[str, Any]:
    """Write cluster and pools in the API's terms, and the location that the requests have in their paths."""
    clusters = emitted.of_type(gcp.container.Cluster)
    pools = emitted.of_type(gcp.container.NodePool)
    first = (clusters or pools)[0].inputs
    return {
        "project": first["project"],
        "location": first["location"],
        "cluster": _cluster(clusters[0].inputs) if clusters else None,
        "pools": [_pool(pool.inputs) for pool in pools],
    }


def _cluster(inputs: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in inputs.items() if key not in _NOT_OF_THE_CLUSTER}
    form = {key: value for key, value in kept.items() if key not in (*_OF_THE_NETWORK, *_ENABLED)}
    form["networkConfig"] = {key: kept[key] for key in _OF_THE_NETWORK}
    form |= {name: {"enabled": kept[key]} for key, name in _ENABLED.items()}
    form["ipAllocationPolicy"] = {
        **form["ipAllocationPolicy"],
        "useIpAliases": inputs["networkingMode"] == "VPC_NATIVE",
    }
    form["loggingConfig"] = {"componentConfig": form["loggingConfig"]}
    form["monitoringConfig"] = _monitoring(form["monitoringConfig"])
    if "nodeLocations" in form:
        form["locations"] = form.pop("nodeLocations")
    if "masterAuthorizedNetworksConfig" in form:
        form["masterAuthorizedNetworksConfig"] = {
            "enabled": True,
            **form["masterAuthorizedNetworksConfig"],
        }
    return form


def _monitoring(config: Mapping[str, Any]) -> dict[str, Any]:
    form = dict(config)
    form["componentConfig"] = {"enableComponents": form.pop("enableComponents")}
    form["managedPrometheusConfig"] = form.pop("managedPrometheus")
    return form


def _pool(inputs: Mapping[str, Any]) -> dict[str, Any]:
    form = {key: value for key, value in inputs.items() if key not in _NOT_OF_THE_POOL}
    if "nodeLocations" in form:
        form["locations"] = form.pop("nodeLocations")
    form["autoscaling"] = {"enabled": True, **form["autoscaling"]}
    form["config"] = _node(form.pop("nodeConfig"))
    return form


def _node(config: Mapping[str, Any]) -> dict[str, Any]:
    form = dict(config)
    if "guestAccelerators" in form:
        form["accelerators"] = [_accelerator(one) for one in form.pop("guestAccelerators")]
    return form


def _accelerator(accelerator: Mapping[str, Any]) -> dict[str, Any]:
    form = dict(accelerator)
    form["acceleratorType"] = form.pop("type")
    form["acceleratorCount"] = str(form.pop("count"))
    return form
