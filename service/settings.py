"""The server's settings, read once from the environment. All faults are reported at once, by name."""

import ipaddress
from pathlib import Path
from typing import Any, Literal, cast

from annotated_types import Ge, Le, MinLen
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.cpus import usable_cpus
from service.faults import BadSettings

BUNDLED_MODEL = Path(__file__).parent / "models" / "sms-spam"
KEY_ALLOWED = "16 to 4096 printable ASCII characters without spaces"
MIB = 1 << 20


class Settings(BaseSettings):
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
    model_api_key: SecretStr = Field(description="The key callers send as `Authorization: Bearer <key>`.")
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one and logs it."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line to write."
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
    max_texts: int = Field(default=1000, ge=1, le=100_000, description="Most texts in one call.")
    max_queue_texts: int = Field(
        default=4000, ge=1, le=1_000_000, description="Most texts waiting at once; above it calls get 429."
    )
    request_timeout_seconds: float = Field(
        default=60, ge=0.01, le=3600, description="Seconds a request may take, its body's arrival included."
    )
    drain_seconds: float = Field(
        default=25, ge=1, le=3600, description="Seconds requests under way get to finish after SIGTERM."
    )
    inference_threads: int = Field(
        default_factory=usable_cpus,
        ge=1,
        le=256,
        description="Texts computed at once; by default the CPUs this process may use.",
    )
    service_version: str = Field(
        default="dev", max_length=200, description="Version of this deployment, shown in /health and the log."
    )
    local_page_session: bool = Field(
        default=False,
        description="Let the page at / use the model without a key; only with HOST on this machine.",
    )

    @field_validator("model_source")
    @classmethod
    def _source_is_pinned(cls, source: str) -> str:
        if source:
            from service.sources.address import Address

            try:
                Address.parse(source)
            except ValueError as error:
                raise PydanticCustomError("source", "{allowed}", {"allowed": str(error)}) from None
        return source

    @field_validator("model_api_key")
    @classmethod
    def _key_fits_a_header(cls, key: SecretStr) -> SecretStr:
        value = key.get_secret_value()
        if not (16 <= len(value) <= 4096 and value.isascii() and value.isprintable() and " " not in value):
            raise PydanticCustomError("key", "{allowed}", {"allowed": KEY_ALLOWED})
        return key

    @field_validator("max_queue_texts")
    @classmethod
    def _queue_holds_one_call(cls, texts: int, info: ValidationInfo) -> int:
        if texts < info.data.get("max_texts", 0):
            raise PydanticCustomError(
                "queue", "at least MAX_TEXTS, {texts}", {"texts": info.data["max_texts"]}
            )
        return texts

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
    """`host` is a name or an IP address; an IPv4 address inside IPv6 counts as itself."""
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
    custom = details["type"] in ("key", "queue", "session", "source")
    allowed = KEY_ALLOWED if name == "model_api_key" else details["msg"] if custom else _allowed(field)
    return f"{name.upper()}: {_got(name, details)}; allowed: {allowed}."


def _got(name: str, details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return "not set"
    if name == "model_api_key":
        return f"got {len(str(details['input']))} characters"
    return f"got {str(details['input'])[:100]!r}"


def _allowed(field: FieldInfo) -> str:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    if low is not None:
        kind = "a whole number" if field.annotation is int else "a number"
        return f"{kind} from {low} to {high}"
    if field.annotation is bool:
        return "true or false"
    if choices := cast("tuple[Any, ...]", getattr(field.annotation, "__args__", ())):
        return ", ".join(map(str, choices))
    shortest = any(isinstance(rule, MinLen) for rule in field.metadata)
    return "a text that is not empty" if shortest else "a text of at most 200 characters"
