"""Every setting of a stack: key, type, unit, default and check. Pulumi.yaml and README are made from it."""

from slipway.components.load_time import MAX_LOAD_SECONDS
from slipway.components.sizes import gib
from slipway.components.tasks import TASKS
from slipway.infra.settings import values
from slipway.infra.settings.fargate import FARGATE
from slipway.infra.settings.gke import GKE
from slipway.infra.settings.kubernetes import KUBERNETES
from slipway.infra.settings.readers import DECISIONS
from slipway.infra.settings.setting import Setting

# The one list of targets: a module of this name is in infra/targets and in stacks.
TARGETS = ("local", "cloud-run", "fargate", "gke", "kubernetes")
_CLOUDS = tuple(target for target in TARGETS if target != "local")
_WITH_REGIONS = ("cloud-run", "fargate", "gke")
# cloud.google.com/resource-manager/docs/creating-managing-projects: 6 to 30 characters.
_PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
_REGION = r"[a-z]+(-[a-z]+)+-?[0-9]"
# A name with a tag or a digest, or an image's id.
_IMAGE = r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,254}(@sha256:[0-9a-f]{64})?"
_DOMAIN = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}"


DEFAULT_MODEL = "bundled:sms-spam"

TABLE = (
    Setting(
        "target",
        "choice",
        "",
        "",
        ", ".join(TARGETS),
        "Where the service runs.",
        values.one_of(*TARGETS),
        required=TARGETS,
    ),
    Setting(
        "task", "choice", "", "classify", ", ".join(TASKS), "What the model does.", values.one_of(*TASKS)
    ),
    Setting(
        "model",
        "text",
        "",
        "",
        "`bundled:<name>`, `file:<folder>` with model.onnx, tokenizer.json and manifest.json, or in the "
        "clouds `hf:<owner>/<name>@<commit>`, `s3://<bucket>/<folder>@<versionId>` and `gs://<bucket>/<folder>@<generation>`",
        f"Where the model comes from; unset: `{DEFAULT_MODEL}`, or what an `image` holds that is given.",
        values.model,
    ),
    Setting(
        "loadSeconds",
        "number",
        "seconds",
        "",
        "0.1 to 3600",
        "Time from the start of a process until its model is ready, of which every start gets three times as "
        "much; unset: as `slipway fit --write` measured it, else estimated from the model's size.",
        values.number(0.1, MAX_LOAD_SECONDS),
        field="load_seconds",
    ),
    Setting(
        "backend",
        "choice",
        "",
        "",
        "onnx, torch",
        "What runs the model; unset: onnx, but torch where a GPU is set or the task writes text.",
        values.one_of("onnx", "torch"),
        targets=_CLOUDS,
    ),
    Setting("cpu", "number", "vCPU", "1", "0.08 to 64", "CPU of one instance.", values.number(0.08, 64)),
    Setting(
        "memory",
        "quantity",
        "bytes",
        "2Gi",
        "a Kubernetes quantity from 64Mi to 1Ti, such as 512Mi or 2Gi",
        "Memory limit of one instance.",
        gib,
        field="memory_gib",
    ),
    Setting(
        "gpu",
        "text",
        "",
        "",
        "the cloud's name of an accelerator, such as nvidia-l4",
        "Accelerator of one instance.",
        values.like(r"[a-z][a-z0-9-]+"),
        targets=_CLOUDS,
    ),
    Setting(
        "minInstances",
        "integer",
        "instances",
        "0",
        "0 to 1000",
        "Instances that always run.",
        values.whole(0, 1000),
        field="min_instances",
        elsewhere=(("fargate", "1"), ("gke", "1"), ("kubernetes", "1")),
    ),
    Setting(
        "maxInstances",
        "integer",
        "instances",
        "3",
        "1 to 1000",
        "Instances at most.",
        values.whole(1, 1000),
        field="max_instances",
    ),
    Setting(
        "concurrency",
        "integer",
        "requests",
        "",
        "1 to 1000",
        "Requests at once per instance; unset: 8 for each vCPU, 1 below one.",
        values.whole(1, 1000),
        targets=_CLOUDS,
    ),
    Setting(
        "timeout",
        "integer",
        "seconds",
        "60",
        "1 to 3600",
        "Time a request may take.",
        values.whole(1, 3600),
        field="timeout_seconds",
    ),
    Setting(
        "port",
        "integer",
        "",
        "8000",
        "1024 to 65535",
        "Port on 127.0.0.1.",
        values.whole(1024, 65535),
        targets=("local",),
    ),
    Setting(
        "runtime",
        "choice",
        "",
        "process",
        "process, container",
        "How the server runs: as a process, or in a container by `pulumi up` and Docker.",
        values.one_of("process", "container"),
        targets=("local",),
    ),
    Setting(
        "project",
        "text",
        "",
        "",
        "a Google Cloud project ID",
        "Project that everything is made in.",
        values.like(_PROJECT),
        targets=("cloud-run", "gke"),
        required=("cloud-run", "gke"),
    ),
    Setting(
        "region",
        "text",
        "",
        "",
        "a region's name, such as europe-west4 or eu-west-1",
        "Region that everything is made in.",
        values.like(_REGION),
        targets=_WITH_REGIONS,
        required=_WITH_REGIONS,
    ),
    Setting(
        "image",
        "text",
        "",
        "",
        "a reference with its digest, `host/repository@sha256:<64 hex digits>`; with `runtime: container` "
        "also a name that Docker has, such as slipway:1",
        "Image to run instead of building one; with `runtime: container` unset is `slipway`.",
        values.like(_IMAGE),
    ),
    Setting(
        "public",
        "flag",
        "",
        "false",
        "true, false",
        "Whether anybody may call it; the API key is asked for all the same.",
        values.flag,
        targets=_CLOUDS,
    ),
    Setting(
        "invokers",
        "list",
        "",
        "",
        'members of Google Cloud IAM, such as ["user:ada@example.com"]',
        "Who may call it while it is private.",
        values.texts,
        targets=("cloud-run",),
    ),
    Setting(
        "env",
        "map",
        "",
        "",
        "a map of environment name to plain text",
        "Plain environment of the server.",
        values.text_map,
        targets=_CLOUDS,
    ),
    Setting(
        "secrets",
        "secret map",
        "",
        "",
        "a map of environment name to an encrypted value (`pulumi config set --secret --path secrets.NAME`), "
        "or to the cloud's reference to a secret, its version pinned",
        "Secret environment of the server.",
        values.references,
        targets=_CLOUDS,
    ),
    Setting(
        "labels",
        "map",
        "",
        "",
        "a map of lowercase names to lowercase values",
        "Labels on what is made.",
        values.text_map,
        targets=_CLOUDS,
    ),
    Setting(
        "cpuAlways",
        "flag",
        "",
        "false",
        "true, false",
        "Whether an instance has its CPU between requests too; a GPU needs it.",
        values.flag,
        field="cpu_always",
        targets=("cloud-run",),
    ),
    Setting(
        "ingress",
        "choice",
        "",
        "all",
        "all, internal, internal-and-load-balancer",
        "Where requests may come from.",
        values.one_of("all", "internal", "internal-and-load-balancer"),
        targets=("cloud-run",),
    ),
    Setting(
        "domain",
        "text",
        "",
        "",
        "a domain name that the project has verified",
        "Domain to serve under, beside the cloud's own.",
        values.like(_DOMAIN),
        targets=_CLOUDS,
    ),
    Setting(
        "deletionProtection",
        "flag",
        "",
        "true",
        "true, false",
        "Whether `destroy` is refused until this is false.",
        values.flag,
        field="deletion_protection",
        targets=_CLOUDS,
    ),
    *FARGATE,
    *GKE,
    *KUBERNETES,
    *DECISIONS,
    Setting(
        "apiKey",
        "secret",
        "",
        "",
        "16 to 512 printable ASCII characters without spaces",
        "Bearer key of the service; one is created when it is unset.",
        values.api_key,
    ),
)
BY_KEY = {row.key: row for row in TABLE}
