"""Cloud names that are never used twice: each ends in characters drawn at random when its resource is made.

A name derived from a resource's inputs comes back with them. After an update that failed half-way, the
resource of that name still exists and waits to be deleted, so the cloud refuses its successor, or takes the
two for one and loses it with the first. docs/adr/20261128-names-that-never-return.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_random as random

_BYTES = 4
# A hyphen, and two hexadecimal digits for each byte.
SUFFIX_CHARACTERS = 1 + 2 * _BYTES


@dataclass(frozen=True, slots=True)
class Replacing:
    """What replaces a resource, apart from changes of its inputs.

    together: resources that replace this one when they are replaced. trigger: a value that replaces it when
    it changes; the first `up` that has one only records it.
    """

    together: Sequence[pulumi.Resource] = ()
    trigger: pulumi.Input[str] | None = None

    def into(self, options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """Return the options with these added; a resource and the random end of its name must share them."""
        mine = pulumi.ResourceOptions(replace_with=list(self.together), replacement_trigger=self.trigger)
        return pulumi.ResourceOptions.merge(options, mine)


_BY_INPUTS = Replacing()


def drawn_name(
    resource: str,
    base: str,
    keepers: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
    replacing: Replacing = _BY_INPUTS,
) -> pulumi.Output[str]:
    """Return `<base>-<8 hexadecimal digits>`, drawn anew when a keeper changes.

    resource: the logical name of the resource that gets the name. keepers, replacing: everything that
    replaces it. The resource must ignore changes of its name: then only a replacement takes the new one, and
    resources from before this scheme keep theirs.
    """
    suffix = random.RandomId(
        f"{resource}-suffix",
        byte_length=_BYTES,
        keepers=dict(keepers),
        opts=replacing.into(pulumi.ResourceOptions(parent=parent)),
    )
    return pulumi.Output.concat(base, "-", suffix.hex)
