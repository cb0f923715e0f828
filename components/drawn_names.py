"""Names in a cloud that never return: each ends in characters that are drawn when its resource is made.

A name made from what a resource is made of returns with it: after an update that failed half-way the resource
of that name is still there and waits to be deleted, so the cloud refuses its successor, or takes the two for
one and loses it with the first. docs/adr/20261128-names-that-never-return.md.
"""

from collections.abc import Mapping

import pulumi
import pulumi_random as random

_BYTES = 4
# A hyphen, and two hexadecimal digits for each byte.
SUFFIX_CHARACTERS = 1 + 2 * _BYTES


def drawn_name(
    resource: str, base: str, keepers: Mapping[str, pulumi.Input[str]], parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Return `<base>-<8 hexadecimal digits>`, drawn anew where a keeper changes.

    resource: the logical name of what gets the name. keepers: all that replaces it. The resource must ignore
    changes of its name: then only a replacement takes the new one, and resources that are older than this
    keep theirs.
    """
    suffix = random.RandomId(
        f"{resource}-suffix",
        byte_length=_BYTES,
        keepers=dict(keepers),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.concat(base, "-", suffix.hex)
