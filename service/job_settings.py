"""The settings of jobs; `settings` has them with the server's."""

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

DATABASE_ALLOWED = (
    "sqlite:////absolute/path.sqlite, or postgresql://user[:password]@host[:port]/name with "
    "?sslmode=require or ?host=/folder where needed"
)
_SQLITE, _POSTGRESQL = re.compile(r"sqlite:////[^?#\x00-\x1f]+"), re.compile(r"postgresql://[!-~]+/[!-~]+")
_PASSWORD = re.compile(r"[^/]+//[^:/@]*:([^@]+)@.*")
_PREFIX = re.compile(r"(?:gs|s3)://[a-z0-9._-]+/(?:[^\x00-\x20,]*/)?|file:/(?:[^\x00-\x1f,]*/)?")
PREFIX_ALLOWED = "gs://bucket/folder/, s3://bucket/folder/ or file:/folder/, each ending in a slash"
_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}", re.IGNORECASE
)
HOSTS_ALLOWED = "host names separated by commas, such as hooks.example.com"


def listed(text: str) -> list[str]:
    """Return the entries of a setting that separates them by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


class JobSettings(BaseSettings):
    role: Literal["server", "worker", "batch"] = Field(
        default="server",
        description="What the process does: answer requests, compute jobs (`worker`), or compute files and "
        "exit (`batch`).",
    )
    jobs_database: SecretStr = Field(
        default=SecretStr(""),
        description="Database of jobs, a SQLite file on a local disk or PostgreSQL; where set, jobs are on. "
        f"Allowed: {DATABASE_ALLOWED}.",
    )
    jobs_database_password: SecretStr = Field(
        default=SecretStr(""), description="Password of the database of jobs, where its address has none."
    )
    jobs_ttl_seconds: int = Field(
        default=604_800,
        ge=60,
        le=31_536_000,
        description="Seconds after its end that a job is kept with its input and result.",
    )
    jobs_per_caller: int = Field(
        default=1000, ge=1, le=1_000_000, description="Maximum open jobs of a caller; above it jobs get 429."
    )
    jobs_max_attempts: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Tries of a job before it is set aside or fails.",
    )
    jobs_file_prefixes: str = Field(
        default="",
        max_length=10_000,
        description=f"Where jobs may name files, separated by commas: {PREFIX_ALLOWED}. By default nowhere.",
    )
    jobs_result_prefix: str = Field(
        default="",
        max_length=1000,
        description="Where results go that are too large for the database, such as gs://bucket/results/. By "
        "default nowhere: such a job fails.",
    )
    jobs_webhook_hosts: str = Field(
        default="",
        max_length=10_000,
        description="Hosts that webhooks may go to, separated by commas. By default none.",
    )
    jobs_webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="Key of the signature of webhooks, HMAC-SHA256."
    )

    def job_secrets(self) -> list[str]:
        """Return what no line of the log may hold."""
        secrets = (self.jobs_database, self.jobs_database_password, self.jobs_webhook_secret)
        found = _PASSWORD.fullmatch(self.jobs_database.get_secret_value())
        return [*(secret.get_secret_value() for secret in secrets), found[1] if found else ""]

    @property
    def takes_jobs(self) -> bool:
        return bool(self.jobs_database.get_secret_value())

    @field_validator("jobs_database")
    @classmethod
    def _database_is_known(cls, address: SecretStr) -> SecretStr:
        text = address.get_secret_value()
        if text and not (_SQLITE.fullmatch(text) or _POSTGRESQL.fullmatch(text)):
            raise PydanticCustomError("database", "{allowed}", {"allowed": DATABASE_ALLOWED})
        return address

    @field_validator("jobs_file_prefixes", "jobs_result_prefix")
    @classmethod
    def _prefixes_are_whole(cls, prefixes: str) -> str:
        if not all(_PREFIX.fullmatch(prefix) for prefix in listed(prefixes)):
            raise PydanticCustomError("prefixes", "{allowed}", {"allowed": PREFIX_ALLOWED})
        return prefixes

    @field_validator("jobs_webhook_hosts")
    @classmethod
    def _hosts_are_names(cls, hosts: str) -> str:
        if not all(_HOST.fullmatch(host) for host in listed(hosts)):
            raise PydanticCustomError("hosts", "{allowed}", {"allowed": HOSTS_ALLOWED})
        return hosts
