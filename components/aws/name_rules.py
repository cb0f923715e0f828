"""Checks of AWS names in a component's arguments, against limits.py. Pure."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

from ..fault import Fault
from . import limits

# The rest of each kind's ARN, as a message shows it.
_FORMS: Mapping[re.Pattern[str], str] = {
    limits.CLUSTER_ARN: "ecs:<region>:<account>:cluster/<name>",
    limits.ROLE_ARN: "iam::<account>:role/<name>",
    limits.CERTIFICATE_ARN: "acm:<region>:<account>:certificate/<id>",
    limits.LISTENER_ARN: "elasticloadbalancing:<region>:<account>:listener/app/<name>/<id>/<id>",
}


def region_faults(region: str) -> Iterator[Fault]:
    """Yield what is wrong with the argument `region`."""
    if not region:
        yield Fault("region", "missing", "give the name of a region, such as eu-west-1")
    elif not limits.REGION.fullmatch(region):
        yield Fault("region", repr(region), "allowed is the name of a region, such as eu-west-1")


def region_warnings(region: str) -> Iterator[str]:
    """Warn of a region that may not exist: new ones come, so that they are not refused."""
    if limits.REGION.fullmatch(region) and region not in limits.REGIONS:
        near = difflib.get_close_matches(region, sorted(limits.REGIONS), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        yield f"`region` {region} is none of the regions that AWS had in 2026-11.{hint}"


def tag_faults(labels: Mapping[str, str], own: Collection[str] = ()) -> Iterator[Fault]:
    """Yield what is wrong with the argument `labels`, which become AWS tags.

    own: keys that the component adds to those of some resources.
    """
    count = len({*labels, *own})
    if count > limits.TAGS:
        reason = f"next to {' and '.join(own)} of the component's own" if own else ""
        allowed = f"as tags AWS allows {limits.TAGS}"
        yield Fault("labels", f"{len(labels)} labels", allowed, reason, verb="has")
    for key, value in labels.items():
        if not (limits.TAG_KEY.fullmatch(key) and limits.TAG_VALUE.fullmatch(value)):
            allowed = (
                "as a tag of AWS it has letters, digits, spaces and .:/=+@_-, at most 128 in the key and "
                "256 in the value, and the key does not begin with aws:"
            )
            yield Fault("labels", f"{key!r}: {value!r}", allowed, verb="has")


def arn_faults(key: str, arn: object, pattern: re.Pattern[str], region: str) -> Iterator[Fault]:
    """Yield what is wrong with the argument `key`, an ARN; an Output is left for AWS to check.

    pattern: one of limits.py. region: where the service is; the ARNs of roles have none.
    """
    if not isinstance(arn, str):
        return
    if not pattern.fullmatch(arn):
        yield Fault(key, repr(arn), f"it must be arn:aws:{_FORMS[pattern]}")
    elif (there := arn.split(":")[3]) and there != region:
        yield Fault(key, repr(arn), f"it must be in {region}, the `region` of the service", f", in {there}")
