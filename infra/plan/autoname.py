"""Names that a provider makes itself, for a plan without a provider.

A provider chooses a name once and keeps it until the object is replaced. A plan has no memory: it uses a hash
of the object instead of the random part, so that two plans differ if the names would.
"""

from collections.abc import Mapping
from typing import Any

from slipway.components.content_hash import hashed
from slipway.infra.resources.table import row_of


def autonamed(type_: str, name: str, inputs: Mapping[str, Any], unknown: str) -> str:
    """Return the name of an object that has none, `''` where it has one or needs none.

    name: of the resource, which the provider's names begin with. unknown: what stands for a value that is not
    known; such a value makes the name unknown too.
    """
    row = row_of(type_)
    key = row.named_by if row else ""
    if not key or inputs.get("metadata", {}).get("name"):
        return ""
    contents = inputs.get(key, {})
    if contents == unknown or unknown in contents.values():
        return unknown
    return hashed(name, contents)
