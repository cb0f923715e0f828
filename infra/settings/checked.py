"""One stack's settings, checked against the table. Pure: no engine, no file is touched here.

The keys are flat and camelCase, so that `pulumi config set memory 4Gi` is the whole edit. A value is
text as the stack file holds it; '' means unset. Memory is a Kubernetes quantity outside, GiB inside.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from slipway.infra.errors import Refused
from slipway.infra.settings.common import BY_KEY, DEFAULT_MODEL, TABLE, TARGETS
from slipway.infra.settings.setting import Setting
from slipway.infra.settings.values import Schedule


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong setting: what it is, what it got, what is allowed, where to fix it."""

    key: str
    got: str
    allowed: str
    file: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" Did you mean {self.hint}?" if self.hint else ""
        return f"{self.key}: got {self.got}; allowed: {self.allowed}.{hint} Fix it in {self.file}."


class SettingsError(Refused):
    """All faults of one stack's settings together."""

    def __init__(self, stack: str, faults: list[Fault]) -> None:
        self.stack = stack
        self.faults = faults
        count = "1 setting is" if len(faults) == 1 else f"{len(faults)} settings are"
        super().__init__(f"Stack {stack}: {count} wrong.\n" + "\n".join(f"  {fault}" for fault in faults))


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings of one stack. What is secret is not here: it travels as Pulumi secrets.

    '' and None: unset. secrets: environment name -> reference. names_model: whether `model` is set.
    """

    target: str
    task: str
    cpu: float
    memory_gib: float
    min_instances: int
    max_instances: int
    timeout_seconds: int
    port: int
    runtime: str
    public: bool
    cpu_always: bool
    ingress: str
    deletion_protection: bool
    internal: bool
    architecture: str
    spot_percent: int
    ephemeral_storage_gib: float
    egress: str
    container_insights: str
    log_retention_days: int
    node_disk_gib: float
    spot: bool
    flex_start: bool
    gpu_driver: str
    release_channel: str
    private_nodes: bool
    serving: str
    model_delivery: str
    model: str = DEFAULT_MODEL
    names_model: bool = False
    load_seconds: float | None = None
    backend: str = ""
    gpu: str = ""
    concurrency: int | None = None
    project: str = ""
    region: str = ""
    image: str = ""
    domain: str = ""
    invokers: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    certificate: str = ""
    allowed_cidrs: tuple[str, ...] = ()
    schedule: Mapping[str, Schedule] = field(default_factory=dict[str, Schedule])
    zones: tuple[str, ...] = ()
    network: str = ""
    subnets: tuple[str, ...] = ()
    task_subnets: tuple[str, ...] = ()
    listener: str = ""
    listener_security_group: str = ""
    cluster: str = ""
    gpu_count: int | None = None
    machine_type: str = ""
    min_nodes: int | None = None
    min_nodes_per_zone: int | None = None
    max_nodes: int | None = None
    gpu_sharing: str = ""
    gpu_clients: int | None = None
    location: str = ""
    control_plane_cidrs: tuple[str, ...] = ()
    subnetwork: str = ""
    node_pool: str = ""
    kubeconfig: str = ""
    context: str = ""
    repository: str = ""
    namespace: str = ""
    model_gib: float | None = None
    model_storage_class: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    allowed_namespaces: tuple[str, ...] = ()
    requests_metric: str = ""
    requests_per_instance: float | None = None
    metrics_path: str = ""
    canary_percent: int | None = None
    ingress_class: str = ""
    tls_secret: str = ""
    cert_issuer: str = ""
    policy: Mapping[str, str] = field(default_factory=dict[str, str])
    budget_usd: float | None = None
    usage: Mapping[str, float] = field(default_factory=dict[str, float])


# The CLI hands on the defaults that Pulumi.yaml declares.
_EMPTY = ("{}", "[]")


def settings_of(
    stack: str,
    given: Mapping[str, str],
    where: Mapping[str, str] | None = None,
    in_clear: Iterable[str] = (),
) -> Settings:
    """Check the given values and fill the defaults. Raises SettingsError with every fault at once.

    given: key -> text, '', {}, [] or absent = unset; secret keys only where their text is known.
    where: key -> the file (or option) that set it, for the message.
    in_clear: secret keys whose value stands unencrypted in the file.
    """
    file = f"Pulumi.{stack}.yaml"
    where = where or {}
    given = {key: "" if text in _EMPTY else text for key, text in given.items()}
    faults: list[Fault] = [_unknown(key, where.get(key, file)) for key in given if key not in BY_KEY]
    faults += [_in_clear(key, where.get(key, file)) for key in in_clear]
    values: dict[str, object] = {}
    for row in TABLE:
        text = given.get(row.key, "") or row.default_on(given.get("target", ""))
        if not text:
            continue
        try:
            values[row.key] = row.parse(text)
        except ValueError as error:
            faults.append(_wrong(row, text, str(error), where.get(row.key, file)))
    faults += _target_faults(given, where, file)
    faults += _pair_faults(values, where, file)
    faults += _image_faults(values, where, file)
    if faults:
        raise SettingsError(stack, faults)
    fields = {row.field or row.key: values[row.key] for row in TABLE if row.key in values and not row.secret}
    fields["names_model"] = "model" in values
    return Settings(**fields)  # pyright: ignore[reportArgumentType]  each row's parse gives its field's type


def _wrong(row: Setting, text: str, hint: str, file: str) -> Fault:
    got = repr(text) if row.shown else f"a value of {len(text)} characters (not shown)"
    return Fault(row.key, got, row.allowed, file, hint)


def _unknown(key: str, file: str) -> Fault:
    near = difflib.get_close_matches(key, BY_KEY, 1, cutoff=0.5)
    return Fault(key, "an unknown key", "one of " + ", ".join(BY_KEY), file, near[0] if near else "")


def _in_clear(key: str, file: str) -> Fault:
    path = "--path " if "." in key else ""
    allowed = f"an encrypted value (`pulumi config set --secret {path}{key}`), or none"
    if key == "apiKey":
        allowed += ": then one is created"
    return Fault(key, "a value in clear (not shown)", allowed, file)


def _target_faults(given: Mapping[str, str], where: Mapping[str, str], file: str) -> Iterator[Fault]:
    """What the target needs and lacks, and what has no meaning on it: left alone, it would mislead."""
    target = given.get("target", "")
    for row in TABLE:
        place = where.get(row.key, file)
        if not given.get(row.key) and (target in row.required or (not target and row.key == "target")):
            yield Fault(row.key, "nothing", row.allowed, place)
        elif given.get(row.key) and target in TARGETS and row.targets and target not in row.targets:
            allowed = f"nothing with target {target}; it is for {', '.join(row.targets)}"
            yield Fault(row.key, "a value", allowed, place)


def _pair_faults(values: Mapping[str, object], where: Mapping[str, str], file: str) -> list[Fault]:
    low, high = values.get("minInstances"), values.get("maxInstances")
    if isinstance(low, int) and isinstance(high, int) and high < low:
        allowed = f"at least minInstances, which is {low}"
        return [Fault("maxInstances", repr(str(high)), allowed, where.get("maxInstances", file))]
    return []


def _image_faults(values: Mapping[str, object], where: Mapping[str, str], file: str) -> Iterator[Fault]:
    """A name moves on; only a container on this machine can say which image it stands for."""
    image, place = str(values.get("image", "")), where.get("image", file)
    if not image:
        return
    if values.get("target") != "local" and "@sha256:" not in image:
        yield Fault("image", repr(image), "a reference with its digest, `host/repository@sha256:…`", place)
    elif values.get("target") == "local" and values.get("runtime") == "process":
        yield Fault("image", "a value", "nothing with runtime process; it is for runtime container", place)
