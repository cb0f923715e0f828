"""The server's settings, read once from the environment. All faults are reported at once, by name."""

import ipaddress
import re
from pathlib import Path
from types import NoneType
from typing import Any, Literal, cast, get_args

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .caller_settings import CallerSettings
from .callers import KEY_ALLOWED
from .clients import networks
from .cpus import usable_cpus
from .device import DeviceKind
from .faults import BadSettings
from .job_settings import JobSettings
from .machine import usable_memory_bytes

BUNDLED_MODEL = Path(__file__).parent / "models" / "sms-spam"
PATH = re.compile(r"/[A-Za-z0-9_./-]{0,253}")
COLLECTOR = re.compile(r"https?://[!-~]+")
COLLECTOR_ALLOWED = "an address that begins with http:// or https://"
PATH_ALLOWED = "a path of letters, digits and _ . / -, such as /metrics"
# Of service/manifest.py, a name and a version of 100 characters each, and the hash; of the Hub less.
MAX_EXPECTED_CHARACTERS = 300
MIB = 1 << 20
# The faults whose message says what is allowed.
CUSTOM = frozenset(
    (
        "key",
        "session",
        "source",
        "path",
        "proxies",
        "collector",
        "payload",
        "database",
        "prefixes",
        "hosts",
        "callers",
    )
)
# The memory that a waiting token may need: of short texts, whose answers weigh most, an embedding each.
BYTES_PER_QUEUED_TOKEN = 4096
MAX_DEFAULT_QUEUE_TOKENS = 1 << 20


def _queue_tokens() -> int:
    return min(MAX_DEFAULT_QUEUE_TOKENS, usable_memory_bytes() // BYTES_PER_QUEUED_TOKEN)


class Settings(CallerSettings, JobSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    model_dir: Path = Field(
        default=BUNDLED_MODEL, description="Folder with manifest.json and the files it lists."
    )
    model_source: str = Field(
        default="",
        description="Model in a bucket, fetched at start, in place of MODEL_DIR: "
        "`s3://bucket/folder@<versionId>` or `gs://bucket/folder@<generation>`, of its manifest.json.",
    )
    model_cache_dir: Path | None = Field(
        default=None,
        description="Writable folder that keeps a fetched model; by default one in the temporary folder.",
    )
    device: DeviceKind | None = Field(
        default=None,
        description="What the model computes on: `cuda`, the first NVIDIA GPU, or the start fails; or `cpu`. "
        "By default a GPU where torch serves the model and sees one, else the CPU.",
    )
    expected_model: str = Field(
        default="",
        max_length=MAX_EXPECTED_CHARACTERS,
        description="The only model to serve: its version as /health shows it, or for a model of the Hub "
        "`hf:<owner>/<name>@<commit>`. The server does not start with another. By default any.",
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one and logs it."
    )
    listen_fd: int | None = Field(
        default=None,
        ge=3,
        description="Inherited descriptor of a socket that listens already, instead of HOST and PORT.",
    )
    control_fd: int | None = Field(
        default=None,
        ge=3,
        description="Inherited descriptor of a Unix socket that listens, by which another version of the "
        "service takes over; no connection is accepted before a message there says so.",
    )
    metrics: Literal["own-port", "public-port", "off"] = Field(
        default="own-port",
        description="Where the metrics page is: `own-port`, METRICS_PORT, without a key; `public-port`, "
        "PORT, with the key; or nowhere.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="TCP port of the metrics page; 0 takes a free one and logs it. By default 9464, or a "
        "free one where another process has it. Whoever reaches it may read the page.",
    )
    metrics_path: str = Field(default="/metrics", max_length=254, description="Path of the metrics page.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line to write."
    )
    log_level_field: Literal["level", "severity"] = Field(
        default="level",
        description="Name of a log line's level; Google's clouds read `severity`, in upper case.",
    )
    log_client_address: Literal["network", "full", "none"] = Field(
        default="network",
        description="What the log shows of a client's address: its network, /24 or /48; all; or nothing.",
    )
    trusted_proxies: str = Field(
        default="",
        max_length=4000,
        description="Addresses or networks, separated by commas, whose X-Forwarded-For is believed.",
    )
    max_body_bytes: int = Field(
        default=2 * MIB, ge=1024, le=256 * MIB, description="Largest request body, in bytes."
    )
    max_text_characters: int = Field(
        default=20_000,
        ge=1,
        le=10_000_000,
        description="Longest single text, in characters; bounds the time tokenising can take.",
    )
    max_texts: int = Field(default=1000, ge=1, le=100_000, description="Maximum number of texts in one call.")
    max_queue_calls: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Maximum number of calls in the queue, which bounds the wait; above it calls get 429. "
        "By default 96, or 24 for each CPU if that is more; 512 on a GPU.",
    )
    max_queue_tokens: int = Field(
        default_factory=_queue_tokens,
        ge=1,
        le=1_000_000_000,
        description="Maximum tokens of the calls in the queue, estimated; above it calls get 429. "
        "An empty queue takes any call. By default one for each 4 KiB of the memory limit, at most 1048576.",
    )
    max_batch_size: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Maximum texts of a batch, of near-equal length. By default 64 on a GPU, else 8; "
        "1 for an ONNX model whose manifest does not say fp32: company changes an int8 one's answers.",
    )
    max_batch_tokens: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="Maximum tokens of a batch, padding included; a text that has more is computed alone. "
        "By default 256, 16384 on a GPU.",
    )
    max_padding_share: float = Field(
        default=0.15, ge=0, le=1, description="Maximum share of a batch's tokens that may be padding."
    )
    max_wait_ms: float | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Milliseconds a text waits for others to share its batch; by default 0, 2 on a GPU.",
    )
    request_timeout_seconds: float = Field(
        default=60, ge=0.01, le=3600, description="Seconds a request may take, its body's arrival included."
    )
    head_timeout_seconds: float = Field(
        default=30, ge=0.1, le=3600, description="Seconds that the head of a request may take to arrive."
    )
    write_timeout_seconds: float = Field(
        default=60,
        ge=0.1,
        le=3600,
        description="Seconds in which a client must take 64 KiB of its answer, or the rest of it.",
    )
    max_connections: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="Maximum number of connections; one that has waited longest for a request makes room. "
        "By default one for each 256 KiB of the memory limit, as far as the open files go.",
    )
    drain_seconds: float = Field(
        default=25, ge=1, le=3600, description="Seconds for requests in progress to finish after SIGTERM."
    )
    listen_on_seconds: float = Field(
        default=0.5,
        ge=0,
        le=3600,
        description="Seconds for which new requests are still answered after SIGTERM, within DRAIN_SECONDS; "
        "`/ready` answers 503 meanwhile, so that a load balancer stops sending.",
    )
    inference_threads: int = Field(
        default_factory=usable_cpus,
        ge=1,
        le=256,
        description="Threads that tokenise and compute; by default the CPUs this process may use.",
    )
    forward_threads: int | None = Field(
        default=None,
        ge=0,
        le=256,
        description="Threads that only compute batches; those of INFERENCE_THREADS then only tokenise. "
        "By default 1 on a GPU, so that it has one forward at a time, else 0: each does both.",
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        max_length=2000,
        description="Collector that gets spans of traces over OTLP's HTTP, such as http://tempo:4318. "
        "By default none.",
    )
    trace_share: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of the requests that are traced where the caller's traceparent does not decide.",
    )
    payload_share: float = Field(
        default=0,
        ge=0,
        le=1,
        description="Share of the requests whose texts are written to the log, anonymised. Names that a text "
        "has are found in part: read the guide first. By default none.",
    )
    payload_spacy_model: str = Field(
        default="",
        max_length=200,
        description="Model of spaCy that finds names and places in sampled texts: an installed package or a "
        "folder. By default none.",
    )
    feedback_predictions: int = Field(
        default=5000,
        ge=0,
        le=1_000_000,
        description="Maximum number of predictions that wait for their true label.",
    )
    feedback_seconds: float = Field(
        default=86_400, ge=1, le=2_592_000, description="Seconds that a prediction waits for its true label."
    )
    service_version: str = Field(
        default="dev", max_length=200, description="Version of this deployment, shown in /health and the log."
    )
    local_page_session: bool = Field(
        default=False,
        description="Let the page at / use the model without a key where it was opened by a link that works "
        "once, as `slipway up` prints it; only with HOST on this machine.",
    )
    serve_page: bool = Field(default=True, description="Serve the page at / that tries the model.")
    serve_docs: bool = Field(default=True, description="Serve /docs and /openapi.json, which need no key.")

    @field_validator("model_source")
    @classmethod
    def _source_is_pinned(cls, source: str) -> str:
        if source:
            from .sources.address import Address

            try:
                Address.parse(source)
            except ValueError as error:
                raise PydanticCustomError("source", "{allowed}", {"allowed": str(error)}) from None
        return source

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, proxies: str) -> str:
        try:
            networks(proxies)
        except ValueError:
            allowed = {"allowed": "addresses and networks separated by commas, such as 10.0.0.0/8"}
            raise PydanticCustomError("proxies", "{allowed}", allowed) from None
        return proxies

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _collector_is_http(cls, endpoint: str) -> str:
        if endpoint and not COLLECTOR.fullmatch(endpoint):
            raise PydanticCustomError("collector", "{allowed}", {"allowed": COLLECTOR_ALLOWED})
        return endpoint

    @field_validator("metrics_path")
    @classmethod
    def _path_is_one(cls, path: str) -> str:
        if not PATH.fullmatch(path):
            raise PydanticCustomError("path", "{allowed}", {"allowed": PATH_ALLOWED})
        return path

    @field_validator("payload_share")
    @classmethod
    def _samples_can_be_logged(cls, share: float, info: ValidationInfo) -> float:
        level = info.data.get("log_level", "info")
        if share and level not in ("debug", "info"):
            raise PydanticCustomError(
                "payload", "0, or LOG_LEVEL info or debug (LOG_LEVEL is {level})", {"level": level}
            )
        return share

    @field_validator("local_page_session")
    @classmethod
    def _session_stays_on_this_machine(cls, on: bool, info: ValidationInfo) -> bool:
        host = info.data.get("host", "localhost")
        if on and not is_loopback(host):
            raise PydanticCustomError(
                "session",
                "false, or HOST on this machine (127.0.0.1, ::1 or localhost; HOST is {host})",
                {"host": host},
            )
        return on

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, init_settings, dotenv_settings, file_secret_settings
        return (env_settings,)


def is_loopback(host: str) -> bool:
    """Return whether the name or IP address is loopback; an IPv4 address inside IPv6 counts as itself."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def settings_from_environment() -> Settings:
    try:
        return Settings()  # pyright: ignore[reportCallIssue] - the required values come from the environment
    except ValidationError as error:
        faults = [_fault(details) for details in error.errors(include_url=False)]
        raise BadSettings(f"The environment needs fixing. {' '.join(faults)}") from None


def _fault(details: ErrorDetails) -> str:
    name = str(details["loc"][0])
    field = Settings.model_fields[name]
    custom = details["type"] in CUSTOM
    allowed = KEY_ALLOWED if name == "model_api_key" else details["msg"] if custom else _allowed(field)
    return f"{name.upper()}: {_got(name, details)}; allowed: {allowed}."


def _got(name: str, details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return "not set"
    if Settings.model_fields[name].annotation is SecretStr:
        return f"got {len(str(details['input']))} characters"
    return f"got {str(details['input'])[:100]!r}"


def _allowed(field: FieldInfo) -> str:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    if low is not None:
        kind = "a whole number" if cast(Any, field.annotation) in (int, int | None) else "a number"
        return f"{kind} from {low} to {high}"
    if field.annotation is bool:
        return "true or false"
    if choices := _choices(field.annotation):
        return ", ".join(map(str, choices))
    shortest = any(isinstance(rule, MinLen) for rule in field.metadata)
    longest = next((rule.max_length for rule in field.metadata if isinstance(rule, MaxLen)), None)
    return "a string that is not empty" if shortest else f"a string of at most {longest} characters"


def _choices(annotation: Any) -> list[Any]:
    """Return the choices of a Literal, with or without None."""
    members = [member for member in get_args(annotation) if member is not NoneType]
    return [choice for member in members for choice in get_args(member) or (member,)]
