"""The objects of a service from its arguments alone, as the tests hand them to a judge or to a cluster."""

from collections.abc import Mapping
from typing import Any

from slipway.components.content_hash import hashed
from slipway.components.input_rules import API_KEY_NAME
from slipway.components.kubernetes.network import address_name
from slipway.components.kubernetes.objects import KubernetesObject, ground_of, workload_of
from slipway.components.kubernetes.pod import Wiring
from slipway.components.kubernetes.rules import checked_spec
from slipway.components.kubernetes.second_version import runs_second
from tests.contract.kubernetes_cases import IMAGE, KEY, PLAIN


def objects_of(args: Mapping[str, Any], name: str = "api") -> list[dict[str, Any]]:
    """In the order in which they are registered. Raises ValueError where they are refused."""
    spec = checked_spec(name, {**PLAIN, **args})
    values = {**dict.fromkeys(spec.secret_values, "hush"), API_KEY_NAME: KEY}
    ground = [_named(manifest, name) for manifest in ground_of(spec, values)]
    settings, secrets = (
        [each["metadata"]["name"] for each in ground if each["kind"] == kind]
        for kind in ("ConfigMap", "Secret")
    )
    image = args.get("image_ref", IMAGE)
    wiring = Wiring(image, settings[0], secrets[0], address_name(spec))
    second = Wiring(image, settings[1], secrets[1]) if runs_second(spec) else None
    return [*ground, *(dict(manifest.body) for manifest in workload_of(spec, wiring, second))]


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
