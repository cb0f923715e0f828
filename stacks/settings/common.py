"""The settings of every target, and those of every cloud. '' and None: unset; memory in GiB."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway.components.google.limits import LOG_DAYS
from slipway.components.load_time import MAX_LOAD_SECONDS
from slipway.components.log_retention import DEFAULT_DAYS, KINDS
from slipway.components.service_name import NAME
from slipway.components.tasks import DEFAULT_TASK, TASKS
from slipway.stacks.settings import checks
from slipway.stacks.settings.readers import KEYS, LEVELS, RULES, policy_levels, usage_values
from slipway.stacks.settings.setting import Declared, setting

# Every target, in the order in which they are named.
TARGETS = ("local", "cloud-run", "fargate", "gke", "kubernetes")
DEFAULT_MODEL = "bundled:sms-spam"
_MODEL = (
    "`bundled:<name>`, `file:<folder>` with manifest.json and the files it lists, or in the clouds "
    "`hf:<owner>/<name>@<commit>`, `s3://<bucket>/<folder>@<versionId>` and `gs://<bucket>/<folder>@<generation>`"
)
# A name with a tag or a digest, or an image's id.
_IMAGE = checks.like(
    r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,254}(@sha256:[0-9a-f]{64})?",
    "a reference with its digest, `host/repository@sha256:<64 hex digits>`; with `runtime: container` "
    "also a name that Docker has, such as slipway:1",
)
_DOMAIN = checks.like(
    r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]",
    "a domain name that the project has verified",
)
# A VPC network and a subnetwork of Google Cloud, of another project in full.
NETWORK = r"(projects/[a-z0-9:.-]+/global/networks/)?[a-z][a-z0-9-]*"
SUBNETWORK = r"[a-z][a-z0-9:./-]+"
SUBNETWORKS = "a subnetwork's name, or projects/<project>/regions/<region>/subnetworks/<name>"
_SECRETS = checks.references(
    "a map of environment name to an encrypted value (`pulumi config set --secret --path secrets.NAME`), "
    "or to the cloud's reference to a secret, with or without a pinned version"
)
_POLICY = checks.Check(
    "map", f"a map of rule to {', '.join(LEVELS)}; the rules are {', '.join(RULES)}", policy_levels, {}
)
_USAGE = checks.Check("map", f"a map with numbers of any of {', '.join(KEYS)}", usage_values, {})


@dataclass(frozen=True, kw_only=True)
class Settings(Declared):
    """The checked settings of one stack, without its secrets, which are handled as Pulumi secrets."""

    target: str = setting("target", checks.choice(*TARGETS), "Where the service runs.", required=True)
    task: str = setting("task", checks.choice(*TASKS), "What the model does.", default=DEFAULT_TASK)
    model: str = setting(
        "model",
        checks.model(_MODEL),
        "Where the model comes from.",
        default=DEFAULT_MODEL,
        unset=f"`{DEFAULT_MODEL}`, or the model in the given `image`",
    )
    load_seconds: float | None = setting(
        "loadSeconds",
        checks.number(0.1, MAX_LOAD_SECONDS),
        unit="seconds",
        description="Time from the start of a process until its model is ready; every start may take "
        "three times as long.",
        unset="as `slipway fit --write` measured it, else estimated from the model's size",
    )
    cpu: float | None = setting("cpu", checks.number(0.08, 64), "CPU of one instance.", unit="vCPU")
    memory_gib: float | None = setting(
        "memory",
        checks.size("a Kubernetes quantity from 64Mi to 1Ti, such as 512Mi or 2Gi"),
        "Memory limit of one instance.",
        unit="bytes",
    )
    min_replicas: int | None = setting(
        "minInstances", checks.whole(0, 1000), "Instances that always run.", unit="instances"
    )
    max_replicas: int | None = setting(
        "maxInstances", checks.whole(1, 1000), "Maximum number of instances.", unit="instances"
    )
    request_timeout_seconds: int | None = setting(
        "timeout", checks.whole(1, 3600), "Time a request may take.", unit="seconds"
    )
    image: str = setting(
        "image",
        _IMAGE,
        "Image to run instead of building one; `slipway` for `runtime: container`.",
    )
    policy: Mapping[str, str] = setting(
        "policy",
        _POLICY,
        "How strictly each rule is enforced: a preview that breaks a mandatory rule fails.",
        silent="the policy check reads it, not the program",
    )
    budget_usd: float | None = setting(
        "budget",
        checks.number(0.01, 1e9),
        "Maximum cost of the stack with every instance busy.",
        unit="USD a month",
        unset="any amount",
        silent="the policy check reads it, not the program",
    )
    usage: Mapping[str, float] = setting(
        "usage",
        _USAGE,
        "Usage that cost estimates assume; docs/guides/cost-and-policy.md lists the units.",
        silent="the cost estimate reads it, not the program",
    )
    smoke_tests: str = setting(
        "smokeTests",
        checks.like(r"[^\0-\x1f]+", "the path of a file, such as smoke.jsonl"),
        "File of requests and expected answers, one JSON object in each line, that `slipway up` sends to the "
        "service; a wrong answer is a failed rollout.",
        unset="the model's own example alone",
        silent="the command reads it, not the program",
    )
    api_key: str = setting("apiKey", checks.api_key(), "Bearer key of the service.", unset="one is created")

    def service_name(self, project: str, stack: str) -> str:
        """Return the name of the service, from which those of all its resources are made."""
        return f"{project}-{stack}"

    @property
    def is_public(self) -> bool:
        """Return whether the service is open to everyone."""
        return False

    @property
    def names_model(self) -> bool:
        """Return whether `model` is set; if not, an image that is given brings its own model."""
        return "model" in self.given


@dataclass(frozen=True, kw_only=True)
class CloudSettings(Settings):
    """The settings of every cloud."""

    name: str = setting(
        "name",
        checks.like(
            NAME.pattern, "1 to 40 lowercase letters, digits and hyphens, a letter first, no hyphen last"
        ),
        "Name of the service and the start of every other name. Set it before the first `up`: another one "
        "makes all anew, also what can exist only once, such as a domain's mapping or a given `namespace`.",
        unset="`<project>-<stack>`",
    )
    backend: str = setting(
        "backend",
        checks.choice("onnx", "ctranslate2", "torch"),
        "Engine that runs the model: onnx and ctranslate2 compute on a CPU, ctranslate2 the tasks that write "
        "text.",
        unset="torch with a GPU; else the one that a model folder is made for, or ctranslate2 if the task "
        "writes text, or onnx",
    )
    gpu: str = setting(
        "gpu",
        checks.like(r"[a-z][a-z0-9-]+", "the cloud's name of an accelerator, such as nvidia-l4"),
        "Accelerator of one instance.",
    )
    concurrency: int | None = setting(
        "concurrency",
        checks.whole(1, 1000),
        "Concurrent requests per instance.",
        unit="requests",
        unset="8 per vCPU, 1 below one vCPU",
    )
    public: bool | None = setting(
        "public", checks.flag(), "Whether everyone may call the service; the API key is required even so."
    )
    env: Mapping[str, str] = setting(
        "env", checks.text_map("a map of environment name to plain text"), "Plain environment of the server."
    )
    plain_env: tuple[str, ...] = setting(
        "plainEnv",
        checks.texts('names in `env`, such as ["CACHE_KEY"]'),
        "Names in `env` that look like secrets but are not.",
        silent="it allows a name, and creates nothing",
    )
    secrets: Mapping[str, str] = setting("secrets", _SECRETS, "Secret environment of the server.")
    labels: Mapping[str, str] = setting(
        "labels",
        checks.text_map("a map of lowercase names to lowercase values"),
        "Labels of everything that is created.",
    )
    traces: str = setting(
        "traces",
        checks.like(
            r"off|cloud|https?://[!-~]{1,1990}",
            "off, cloud (Cloud Trace, X-Ray), or the address of an OTLP collector, such as http://tempo:4318",
        ),
        "Where spans of traces go; the image is built with the client for it.",
    )
    domain: str = setting("domain", _DOMAIN, "Domain of the service, in addition to the cloud's own.")
    deletion_protection: bool | None = setting(
        "deletionProtection", checks.flag(), "Whether `destroy` is refused until this is false."
    )
    python_image: str = setting(
        "baseImage",
        checks.like(r"[A-Za-z0-9][A-Za-z0-9_./:@-]*", "a reference to an image with Python 3.11"),
        "Base of the image that is built.",
        unset="the one that the Dockerfile pins",
    )
    build_args: Mapping[str, str] = setting(
        "buildArgs",
        checks.text_map("a map of build argument to value"),
        "Further arguments of the image's build; they are readable in the image.",
    )
    ca: str = setting(
        "buildCa",
        checks.like(r"[^\0-\x1f]+", "the path of a file of PEM certificates"),
        "CA certificates that a build behind a TLS proxy trusts; no layer of the image keeps them.",
        unset="none",
        silent="the build is handed it as a secret, and the image is the same",
    )
    objective: Mapping[str, float] = setting(
        "objective",
        checks.number_map(
            "a map with numbers of any of availability and latency (percent), seconds, and days (28 or 30)",
            ("availability", "latency", "seconds", "days"),
        ),
        "What the service promises, which alarms hold it to.",
        unset="99.5 % of the requests in 30 days, and 99 % of the answers within 1 s",
    )
    thresholds: Mapping[str, Mapping[str, float]] = setting(
        "thresholds",
        checks.number_maps(
            'a map of signal to a map with ticket, page or both, such as {"memory": {"page": 0.9}}',
            ("ticket", "page"),
        ),
        "Where signals raise an alarm; docs/reference/signals.md lists them.",
        unset="as listed there",
    )
    runbooks_url: str = setting(
        "runbooks",
        checks.like(
            r"https?://[!$-z|~]+",
            "the address of a page, without an anchor, such as https://docs.example.com/runbooks",
        ),
        "Your page of runbooks, to whose sections alerts lead.",
        unset="the page in Slipway's guides",
    )
    computed: ClassVar[Mapping[str, str]] = {"image_ref": "image", "secret_values": "secrets"}

    def service_name(self, project: str, stack: str) -> str:
        return self.name or super().service_name(project, stack)

    @property
    def is_public(self) -> bool:
        """Return whether the service is open to everyone."""
        return bool(self.public)


def region_setting(example: str) -> Any:
    """Declare the required setting of a cloud's region."""
    check = checks.like(r"[a-z]+(-[a-z]+)+-?[0-9]{1,2}", f"a region's name, such as {example}")
    return setting("region", check, "Region of everything that is created.", required=True)


def log_retention_setting(cloud: str, days: str, unset: str) -> Any:
    """Declare the setting of how long each kind of log line is kept. days: what the cloud offers."""
    kinds = ", ".join(KINDS)
    check = checks.whole_map(KINDS, f"a map with days of any of {kinds}; {cloud} offers {days}")
    description = "How long each kind of log line is kept."
    return setting("logRetention", check, description, unit="days", unset=unset)


def google_log_retention_setting() -> Any:
    defaults = ", ".join(f"{kind} {days}" for kind, days in DEFAULT_DAYS.items())
    return log_retention_setting("Cloud Logging", f"{LOG_DAYS[0]} to {LOG_DAYS[-1]}", defaults)


def kept_images_setting() -> Any:
    """Declare the setting of how many images a new repository keeps."""
    return setting(
        "keepImages",
        checks.whole(1, 1000),
        unit="images",
        description="Newest images that the clean-up of the repository keeps, whatever their age.",
    )


def scanned_images_setting() -> Any:
    """Declare the setting of whether a new repository scans its images."""
    return setting(
        "scanImages", checks.flag(), "Whether images are scanned for vulnerabilities when they are pushed."
    )


def observability_setting(cloud: str) -> Any:
    """Declare the setting of what the cloud's own monitoring does. cloud: its name there."""
    return setting(
        "observability",
        checks.choice("off", "basic", "full"),
        f"What {cloud} shows and alarms for: basic is a dashboard and alarms on what the platform measures, "
        "full adds the server's own metrics.",
        unset="basic where that costs less than a dollar a month, else off",
    )


def alert_email_setting() -> Any:
    """Declare the setting of who hears of alarms."""
    return setting(
        "alertEmail",
        checks.like(r"[^\0-\x1f]+", "an e-mail address, such as oncall@example.com"),
        "E-mail address that alarms are sent to.",
        unset="nobody: alarms show in the cloud's console only",
    )


def project_setting() -> Any:
    """Declare the required setting of a Google Cloud project."""
    # cloud.google.com/resource-manager/docs/creating-managing-projects: 6 to 30 characters, with or without a
    # domain before them.
    check = checks.like(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", "a Google Cloud project ID")
    return setting("project", check, "Project of everything that is created.", required=True)
