"""The share of time in which an instance has work, or is kept for more of it. Pure; seconds.

Requests arrive at random (Poisson). Work is never done for free: an instance that answers `rate` requests a
second, each of `work` vCPU-seconds, is busy for at least rate x work / vCPU of the time.
"""

import math

from slipway.infra.cost.usage import HOURS, Usage

# cloud.google.com/run/docs/about-instance-autoscaling: "idle for a maximum of 15 minutes".
KEPT_SECONDS = 900.0


def busy_share(load: float, vcpu: float) -> float:
    """Return the share of time in which at least one request is under way.

    load: vCPU that the requests need. A request uses one vCPU at most, and those under way share them all:
    1 - p0 of the queue M/M/c, which processor sharing has for any distribution of the work (Kleinrock,
    Queueing Systems, volume 2, section 4.4).
    """
    servers = max(1, math.floor(vcpu))
    load = load / min(1.0, vcpu)
    if load >= servers:
        return 1.0
    states = sum(load**count / math.factorial(count) for count in range(1, servers))
    states += load**servers / (math.factorial(servers) * (1 - load / servers))
    return states / (1 + states)


def kept_share(rate: float, seconds: float) -> float:
    """Return the share of time in which an instance is up that each request keeps for `seconds`."""
    return -math.expm1(-rate * seconds)


def seconds_from_zero(usage: Usage, vcpu: float, instances: float) -> float:
    """Return the seconds a month in which instances are up that start with a request and are kept a while.

    The first stops where no request comes for KEPT_SECONDS; where more than one is needed, the others are up
    in all busy hours.
    """
    if not usage.requests or not usage.request_seconds or not instances:
        return 0.0
    busy, rate = usage.busy_hours * 3600, usage.requests_per_second
    alone = usage.request_seconds / min(1.0, vcpu)
    kept = kept_share(rate, KEPT_SECONDS + alone)
    first = max(kept, busy_share(min(rate / instances * usage.request_seconds, vcpu), vcpu))
    days, quiet = HOURS / 24, (24 - usage.hours) * 3600
    after_hours = days * min(KEPT_SECONDS, quiet) * kept * instances
    return busy * (first + instances - 1) + after_hours
