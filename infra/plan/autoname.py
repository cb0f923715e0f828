"""Names that a provider makes itself, for a plan without a provider.

A provider draws a name once and keeps it until the object is replaced. A plan has no memory: it puts a hash
of what the object holds in the place of the random part, so that two plans differ where the names would.
"""

from collections.abc import Mapping
from typing import Any

from slipway.components.content_hash import hashed

# Type -> the property of which another value is another object: pulumi-kubernetes, provider/diff.go.
_CONTENTS = {
    "kubernetes:core/v1:ConfigMap": "data",
    "kubernetes:core/v1:Secret": "stringData",
}


def autonamed(type_: str, name: str, inputs: Mapping[str, Any], unknown: str) -> str:
    """Return the name of an object that has none, `''` where it has one or needs none.

    name: of the resource, which the provider's names begin with. unknown: what stands for a value that is not
    known; such a value makes the name unknown too.
    """
    key = _CONTENTS.get(type_)
    if key is None or inputs.get("metadata", {}).get("name"):
        return ""
    contents = inputs.get(key, {})
    if contents == unknown or unknown in contents.values():
        return unknown
    return hashed(name, contents)
