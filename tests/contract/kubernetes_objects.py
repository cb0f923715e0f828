"""The objects of a service from its arguments alone, as the tests hand them to a judge or to a cluster."""

from collections.abc import Mapping
from typing import Any

from slipway.components.content_hash import hashed
from slipway.components.input_rules import API_KEY_NAME
from slipway.components.kubernetes.network import address_name
from slipway.components.kubernetes.objects import KubernetesObject, ground_of, workload_of
from slipway.components.kubernetes.pod import Wiring
from slipway.components.kubernetes.rules import checked_spec
from tests.contract.kubernetes_cases import IMAGE, KEY, PLAIN


def objects_of(args: Mapping[str, Any], name: str = "api") -> list[dict[str, Any]]:
    """In the order in which they are registered. Raises ValueError where they are refused."""
    spec = checked_spec(name, {**PLAIN, **args})
    values = {**dict.fromkeys(spec.secret_values, "hush"), API_KEY_NAME: KEY}
    ground = [_named(manifest, name) for manifest in ground_of(spec, values)]
    settings_name, secret_name = (one(ground, kind)["metadata"]["name"] for kind in ("ConfigMap", "Secret"))
    wiring = Wiring(args.get("image_ref", IMAGE), settings_name, secret_name, address_name(spec))
    return [*ground, *(dict(manifest.body) for manifest in workload_of(spec, wiring))]


def _named(manifest: KubernetesObject, service: str) -> dict[str, Any]:
    """With a name where the provider would make one."""
    body = dict(manifest.body)
    contents = body.get("data") or body.get("stringData")
    if contents is None:
        return body
    return {**body, "metadata": {**body["metadata"], "name": hashed(f"{service}-{manifest.role}", contents)}}


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found
