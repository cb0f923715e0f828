"""What a batch costs: the time of its instances at the price of the stack's instances. Pure; USD."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from slipway.components.sizes import MIB_OF_A_GIB
from slipway.infra.cost.charge import Charge
from slipway.infra.cost.money import Money
from slipway.infra.cost.prices import PriceTable, price_table
from slipway.infra.cost.stack import PricingNotes, line_of, money_of, row_notes
from slipway.infra.resources.aws import TASK_DEFINITION
from slipway.infra.resources.google import CLOUD_RUN, NODE_POOL
from slipway.infra.resources.reading import UNKNOWN, Resource, at, cores, items_at, memory_gib, number


@dataclass(frozen=True, slots=True)
class InstancePrice:
    """The price of one instance. what: it, in words. hour: USD an hour. notes: of the price rows.

    cpu: how many vCPU a container has, where the instance is the container's alone; else None.
    """

    what: str
    hour: Money
    notes: tuple[str, ...] = ()
    cpu: float | None = None

    def of(self, instance_seconds: float) -> Money:
        """Return the price of so much time of instances, all together."""
        return Money(self.hour.usd * instance_seconds / 3600, self.hour.unknown)


FREE = InstancePrice("this machine", Money())


def instance_price(
    resources: Sequence[Resource], spot: bool, today: date, prices: PriceTable | None = None
) -> InstancePrice:
    """Return the price of an instance as large as the stack's, while a batch runs on it."""
    for resource in resources:
        if resource.type == CLOUD_RUN:
            return _priced(_of_cloud_run(resource), today, prices)
    tasks = [one for one in resources if one.type == TASK_DEFINITION]
    if tasks:  # of the workers, where there are some: their size is that of a batch's tasks
        workers = [one for one in tasks if _text(one, "family").endswith("-workers")]
        return _priced(_of_fargate((workers or tasks)[0], resources, spot), today, prices)
    pools = [one for one in resources if one.type == NODE_POOL]
    if pools:  # a service with a GPU, and so its batch, runs in the pool that has them
        with_gpu = [one for one in pools if items_at(one.inputs, "nodeConfig", "guestAccelerators")]
        return _priced(_of_node((with_gpu or pools)[0]), today, prices)
    unknown = "the cluster's nodes are not of this stack"
    return InstancePrice("a pod on the cluster's nodes", Money(0.0, (unknown,)))


@dataclass(frozen=True, slots=True)
class _Hour:
    what: str
    region: str
    charges: tuple[Charge, ...]
    cpu: float | None = None


def _priced(hour: _Hour, today: date, prices: PriceTable | None) -> InstancePrice:
    table, notes = prices or price_table(), PricingNotes()
    lines = [line_of(charge, hour.region, table, notes) for charge in hour.charges]
    rows = [row for line in lines for row in (line.price, line.share) if row is not None]
    words = (*notes.notes(), *row_notes(rows, today))
    return InstancePrice(hour.what, money_of(lines, "expected"), words, hour.cpu)


def _of_cloud_run(resource: Resource) -> _Hour:
    """Charge a job for its instances' time: cloud.google.com/run/pricing, jobs.

    A task of a job has at least what a worker has, however small an instance of the service is.
    """
    from slipway.components.cloud_run.limits import WORKER_CPU, WORKER_MIB  # needs the cloud's SDK

    containers = items_at(resource.inputs, "template", "containers")[:1]
    cpu = max(_sum(_limits(containers, "cpu", "1")), WORKER_CPU)
    memory = max(_sum(_limits(containers, "memory", "512Mi")), WORKER_MIB / MIB_OF_A_GIB)
    charges = [
        Charge("cloud-run/instance-cpu", expected=3600 * cpu),
        Charge("cloud-run/instance-memory", expected=3600 * memory),
    ]
    gpu = at(resource.inputs, "template", "nodeSelector", "accelerator")
    if isinstance(gpu, str) and gpu != UNKNOWN:
        charges.append(Charge(f"cloud-run/gpu/{gpu}", expected=3600))
    what = f"Cloud Run, {cpu:g} vCPU and {memory:g} GiB"
    return _Hour(what, _text(resource, "location"), tuple(charges), cpu)


def _of_fargate(task: Resource, resources: Iterable[Resource], spot: bool) -> _Hour:
    cpu, memory = number(task.inputs.get("cpu"), 0) / 1024, number(task.inputs.get("memory"), 0) / 1024
    arm = at(task.inputs, "runtimePlatform", "cpuArchitecture") == "ARM64"
    family = f"fargate/{'arm64' if arm else 'x86_64'}"
    share = "fargate/spot-share" if spot else ""
    charges = (
        Charge(f"{family}/cpu", expected=cpu, share=share),
        Charge(f"{family}/memory", expected=memory, share=share),
    )
    regions = [_text(one, "region") for one in (task, *resources) if _text(one, "region")]
    kind = "Fargate Spot" if spot else "Fargate"
    region = regions[0] if regions else ""
    return _Hour(f"{kind}, {cpu:g} vCPU and {memory:g} GB", region, charges, cpu)


def _of_node(pool: Resource) -> _Hour:
    """Charge a node for each instance, which is the most that it can cost: on Spot where the pool is."""
    spot = at(pool.inputs, "nodeConfig", "spot") is True
    machine = str(at(pool.inputs, "nodeConfig", "machineType") or "e2-medium")
    suffix = "/spot" if spot else ""
    charges = [Charge(f"compute/{machine}{suffix}", expected=1)]
    if not machine.startswith(("g2-", "a2-", "a3-")):
        charges += [
            Charge(f"compute/gpu/{at(one, 'type')}{suffix}", expected=number(at(one, "count"), 1))
            for one in items_at(pool.inputs, "nodeConfig", "guestAccelerators")
        ]
    region = "-".join(_text(pool, "location").split("-")[:2])
    return _Hour(f"a node {machine}{' on Spot' if spot else ''}", region, tuple(charges))


def _limits(containers: Iterable[object], name: str, default: str) -> Iterator[float]:
    for one in containers:
        value = at(one, "resources", "limits", name) or default
        yield (cores(value) if name == "cpu" else memory_gib(value)) or 0.0


def _sum(values: Iterator[float]) -> float:
    return sum(values)


def _text(resource: Resource, name: str) -> str:
    value = resource.inputs.get(name)
    return value if isinstance(value, str) and value != UNKNOWN else ""
