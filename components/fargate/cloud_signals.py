"""How CloudWatch measures each signal of a service: one row for each, by the signal's key. Pure.

Metrics, dimensions and statistics: docs.aws.amazon.com/elasticloadbalancing/latest/application/
load-balancer-cloudwatch-metrics and AmazonECS/latest/developerguide/available-metrics. A balancer reports
requests only while some come, and ECS reports a service only while it has tasks that run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from ..observability.args import Observability
from .jobs.counts import OLDEST, RUNNING, SET_ASIDE, STATISTIC, WAITING, namespace_of
from .spec import FargateSpec

BALANCER, ECS, SERVER = "AWS/ApplicationELB", "AWS/ECS", "Slipway"
OF_BALANCER, OF_TARGETS = ("LoadBalancer",), ("LoadBalancer", "TargetGroup")
OF_SERVICE, OF_SERVER = ("ClusterName", "ServiceName"), ("service",)
# In front of the name of a dimension whose value is that of the second target group, or of the workers.
_ALTERNATE, _WORKERS = "Alternate", "Workers"
OF_ALTERNATE = ("LoadBalancer", f"{_ALTERNATE}TargetGroup")
OF_WORKERS = ("ClusterName", f"{_WORKERS}ServiceName")
_Value = TypeVar("_Value")
# In a statistic: the seconds after which an answer is slow. In an expression: how many bad requests count.
SLOW, LEAST = "{slow}", "{least}"


class MissingData(Enum):
    """How an alarm counts a period without data; botocore 1.44.5, cloudwatch TreatMissingData."""

    GOOD = "notBreaching"
    """No request came, or nothing happened that would be counted."""
    BAD = "breaching"
    """The metric is there for as long as the service lives."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric. id: its name in expressions. dimensions: their names; the values are the service's own."""

    id: str
    namespace: str
    metric: str
    statistic: str
    dimensions: tuple[str, ...]
    legend: str = ""

    def placed(self, places: Mapping[str, _Value]) -> dict[str, _Value]:
        """Return CloudWatch's name of each dimension -> its value. places: the values, by the names here."""
        return {
            name.removeprefix(_ALTERNATE).removeprefix(_WORKERS): places[name] for name in self.dimensions
        }


@dataclass(frozen=True, slots=True)
class Step:
    """A metric math expression over what stands before it. id: its name in those after it."""

    id: str
    expression: str


def _same(value: float, _spec: FargateSpec) -> float:
    return value


def _always(_spec: FargateSpec) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class CloudSignal:
    """One signal in CloudWatch.

    key: the signal's. steps: lead to the value that is watched and drawn, the last one; without any, it is
    the first reading, and all readings are drawn. title, meaning: in place of the signal's and its alarm's,
    which speak of Prometheus. missing: how an alarm counts periods without data. scaled: turns a threshold of
    the signal into one of that value. inverted: a high value is bad where a low one of the signal is. shown:
    for which services it is there. assumed: the threshold of a ticket where neither the signal nor the
    service has one. alarms: for which services there is an alarm without a threshold of theirs. judges:
    whether its alarm can tell a bad version from a good one.
    """

    key: str
    readings: tuple[Reading, ...]
    steps: tuple[Step, ...] = ()
    title: str = ""
    meaning: str = ""
    missing: MissingData = MissingData.GOOD
    scaled: Callable[[float, FargateSpec], float] = _same
    inverted: bool = False
    shown: Callable[[FargateSpec], bool] = _always
    assumed: float | None = None
    alarms: Callable[[FargateSpec], bool] = _always
    judges: bool = True

    @property
    def watched(self) -> str:
        """Return the id of the value that an alarm looks at."""
        return self.steps[-1].id if self.steps else self.readings[0].id


def _in_percent(share: float, _spec: FargateSpec) -> float:
    return share * 100


def _of_maximum(share: float, spec: FargateSpec) -> float:
    return share * spec.service.max_replicas


def _not_ready(share: float, spec: FargateSpec) -> float:
    """Turn the share of the instances that must be ready into a number of those that may not be."""
    return (1 - share) * spec.service.min_replicas


def _own_balancer(spec: FargateSpec) -> bool:
    return spec.own_balancer


def _shared_balancer(spec: FargateSpec) -> bool:
    return not spec.own_balancer


def _grows(spec: FargateSpec) -> bool:
    """Return whether there is one maximum; schedules change it over the day."""
    return spec.scales and not spec.schedules


def _does_not_grow(spec: FargateSpec) -> bool:
    return not _grows(spec)


def _one_group(spec: FargateSpec) -> bool:
    return not spec.has_alternate


def _two_groups(spec: FargateSpec) -> bool:
    return spec.has_alternate


def _with_server(spec: FargateSpec) -> bool:
    """Return whether the server's own metrics reach CloudWatch."""
    return spec.observability is Observability.FULL


def _of_server(metric: str, id_: str = "value", statistic: str = "Maximum") -> Reading:
    return Reading(id_, SERVER, metric, statistic, OF_SERVER)


def _from_server(key: str, metric: str, statistic: str = "Maximum") -> CloudSignal:
    return CloudSignal(key, (_of_server(metric, statistic=statistic),), shown=_with_server)


def _of_requests(metric: str, id_: str, dimensions: tuple[str, ...], legend: str = "") -> Reading:
    return Reading(id_, BALANCER, metric, "Sum", dimensions, legend)


def _of_service(metric: str, id_: str, statistic: str, legend: str = "") -> Reading:
    return Reading(id_, ECS, metric, statistic, OF_SERVICE, legend)


def _failures(
    shown: Callable[[FargateSpec], bool], dimensions: tuple[str, ...], **failures: str
) -> CloudSignal:
    """Return the share of the requests that failed.

    A request that reached no target is in no count of requests, so the whole is the larger of both. Few
    failures are no share: of few requests, one is a large part.
    """
    return CloudSignal(
        "availability",
        (
            _of_requests("RequestCount", "requests", dimensions),
            *(_of_requests(metric, id_, dimensions) for id_, metric in failures.items()),
        ),
        (
            Step("failed", " + ".join(f"FILL({id_}, 0)" for id_ in failures)),
            Step("whole", "IF(failed > FILL(requests, 0), failed, FILL(requests, 0))"),
            Step("share", f"IF(failed >= {LEAST}, failed / whole, 0)"),
        ),
        shown=shown,
    )


def _hosts(key: str, metric: str, legend: str, **other: Any) -> Iterator[CloudSignal]:
    """Yield the number of instances that a target group counts, and that of the group with more of them.

    A rolling rollout has all instances in both groups, another one has them in the group that gets requests,
    and those of two versions in one each while both run. A group without any reports nothing.
    """
    first = Reading("first", BALANCER, metric, "Maximum", OF_TARGETS, legend)
    yield CloudSignal(key, (replace(first, id="hosts"),), shown=_one_group, judges=False, **other)
    steps = (Step("most", "IF(FILL(second, 0) > FILL(first, 0), FILL(second, 0), FILL(first, 0))"),)
    both = (first, replace(first, id="second", dimensions=OF_ALTERNATE))
    yield CloudSignal(key, both, steps, shown=_two_groups, judges=False, **other)


def _requests(shown: Callable[[FargateSpec], bool], dimensions: tuple[str, ...]) -> CloudSignal:
    reading = _of_requests("RequestCount", "requests", dimensions, "requests")
    return CloudSignal("requests", (reading,), title="Requests per minute", shown=shown)


def _causes(shown: Callable[[FargateSpec], bool], dimensions: tuple[str, ...]) -> CloudSignal:
    return CloudSignal(
        "causes",
        title="Refused and failed requests per minute",
        readings=(
            _of_requests("HTTPCode_Target_4XX_Count", "refused", dimensions, "4xx of the service"),
            _of_requests("HTTPCode_Target_5XX_Count", "targets", dimensions, "5xx of the service"),
            _of_requests("HTTPCode_ELB_5XX_Count", "balancer", OF_BALANCER, "5xx of the load balancer"),
        ),
        shown=shown,
    )


def _slowness(shown: Callable[[FargateSpec], bool], dimensions: tuple[str, ...]) -> CloudSignal:
    """Return the share of the answers that were slow, from the percentile rank of where they are."""

    def of(id_: str, statistic: str) -> Reading:
        return Reading(id_, BALANCER, "TargetResponseTime", statistic, dimensions)

    steps = (
        Step("slow", "answers * (100 - fast) / 100"),
        Step("share", f"IF(slow >= {LEAST}, slow / answers, 0)"),
    )
    readings = (of("answers", "SampleCount"), of("fast", f"PR(0:{SLOW})"))
    return CloudSignal("latency", readings, steps, shown=shown)


def _seconds(shown: Callable[[FargateSpec], bool], dimensions: tuple[str, ...]) -> CloudSignal:
    quantiles = ("p50", "p95", "p99")
    readings = (Reading(each, BALANCER, "TargetResponseTime", each, dimensions, each) for each in quantiles)
    return CloudSignal("seconds", tuple(readings), shown=shown)


def _queue() -> CloudSignal:
    """Return the share of what is fuller, calls or tokens; a model without texts has no tokens."""
    readings = (
        _of_server("slipway_queue_calls", "calls"),
        _of_server("slipway_queue_calls_limit", "calls_limit"),
        _of_server("slipway_queue_tokens", "tokens"),
        _of_server("slipway_queue_tokens_limit", "tokens_limit"),
    )
    steps = (
        Step("of_calls", "calls / calls_limit"),
        Step("of_tokens", "tokens / tokens_limit"),
        Step("share", "IF(FILL(of_tokens, 0) > of_calls, of_tokens, of_calls)"),
    )
    return CloudSignal("queue", readings, steps, shown=_with_server)


def _connections() -> CloudSignal:
    readings = (
        _of_server("slipway_open_connections", "open"),
        _of_server("slipway_open_connections_limit", "limit"),
    )
    return CloudSignal("connections", readings, (Step("share", "open / limit"),), shown=_with_server)


# A balancer of the service's own counts what all of its target groups get. A balancer's answers are counted
# for the balancer alone, so on a shared one they could be another service's.
CLOUD_SIGNALS: tuple[CloudSignal, ...] = (
    _requests(_own_balancer, OF_BALANCER),
    _requests(_shared_balancer, OF_TARGETS),
    CloudSignal(
        "instances",
        (_of_service("CPUUtilization", "tasks", "SampleCount", "instances"),),
        title="Instances that run",
        meaning="No instance runs.",
        missing=MissingData.BAD,
    ),
    *_hosts("ready", "UnHealthyHostCount", "not ready", scaled=_not_ready, inverted=True),
    *_hosts("capacity", "HealthyHostCount", "ready", scaled=_of_maximum, alarms=_grows),
    _failures(
        _own_balancer, OF_BALANCER, targets="HTTPCode_Target_5XX_Count", balancer="HTTPCode_ELB_5XX_Count"
    ),
    _failures(_shared_balancer, OF_TARGETS, targets="HTTPCode_Target_5XX_Count"),
    _causes(_own_balancer, OF_BALANCER),
    _causes(_shared_balancer, OF_TARGETS),
    _slowness(_own_balancer, OF_BALANCER),
    _slowness(_shared_balancer, OF_TARGETS),
    _seconds(_own_balancer, OF_BALANCER),
    _seconds(_shared_balancer, OF_TARGETS),
    CloudSignal("memory", (_of_service("MemoryUtilization", "memory", "Maximum"),), scaled=_in_percent),
    CloudSignal(
        "cpu-use",
        (_of_service("CPUUtilization", "cpu", "Average"),),
        scaled=_in_percent,
        assumed=0.9,
        alarms=_does_not_grow,
    ),
    _queue(),
    _from_server("wait", "slipway_queue_oldest_seconds"),
    _from_server("active", "http_server_active_requests"),
    _connections(),
    _from_server("threads", "slipway_dead_threads"),
    _from_server("turn", "slipway_longest_turn_seconds"),
    _from_server("drift", "slipway_drift"),
    _from_server("log", "slipway_dropped_log_lines_total", "Sum"),
)


def _job_signals(spec: FargateSpec) -> Iterator[CloudSignal]:
    """Yield what is known of jobs by the log's lines, and the number of workers.

    Jobs do not tell a bad version from a good one: the old version's workers run them during a rollout.
    """

    def of(metric: str, id_: str, legend: str = "") -> Reading:
        return Reading(id_, namespace_of(spec.name), metric, STATISTIC, (), legend)

    open_jobs = (of(WAITING, "waiting", "waiting"), of(RUNNING, "running", "running"))
    yield CloudSignal("jobs", (*open_jobs, of(SET_ASIDE, "aside", "set aside")), judges=False)
    yield CloudSignal("jobs-oldest", (of(OLDEST, "oldest"),), judges=False)
    yield CloudSignal("jobs-set-aside", (of(SET_ASIDE, "aside"),), judges=False)
    tasks = Reading("tasks", ECS, "CPUUtilization", "SampleCount", OF_WORKERS, "workers")
    yield CloudSignal("workers", (tasks,), title="Workers that run", judges=False)


def cloud_signals(spec: FargateSpec) -> Iterator[CloudSignal]:
    """Yield the signals that CloudWatch shows of a service."""
    yield from (signal for signal in CLOUD_SIGNALS if signal.shown(spec))
    if spec.jobs.jobs:
        yield from _job_signals(spec)
