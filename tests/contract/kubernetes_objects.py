"""The objects of a service from its arguments alone, as the tests hand them to a judge or to a cluster."""

from collections.abc import Mapping
from typing import Any

from components.input_rules import API_KEY_NAME
from components.kubernetes.names import hashed
from components.kubernetes.objects import manifests_of
from components.kubernetes.pod import Wiring
from components.kubernetes.rules import checked_spec
from tests.contract.kubernetes_cases import IMAGE, KEY, PLAIN


def objects_of(args: Mapping[str, Any], name: str = "api") -> list[dict[str, Any]]:
    """In the order in which they are registered. Raises ValueError where they are refused."""
    spec = checked_spec(name, {**PLAIN, **args})
    values = {**dict.fromkeys(spec.secret_values, "hush"), API_KEY_NAME: KEY}
    wiring = Wiring(args.get("image_ref", IMAGE), hashed(f"{name}-secrets", values))
    return [dict(manifest.body) for manifest in manifests_of(spec, wiring, values)]


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found
