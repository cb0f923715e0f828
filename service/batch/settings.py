"""The settings of a container with ROLE=batch, from the environment; the model's are a server's own.

Columns, fields and kept columns are JSON, because names may hold any character.
"""

from typing import Any, Literal, Self

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..faults import BadSettings

FileFormat = Literal["csv", "jsonl", "parquet"]
PART_ROWS = 5000
# What the clouds name the number of an instance, and how many there are:
# cloud.google.com/run/docs/container-contract#jobs-env-vars,
# kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode.
SHARD_NAMES = ("BATCH_SHARD", "CLOUD_RUN_TASK_INDEX", "JOB_COMPLETION_INDEX")
SHARDS_NAMES = ("BATCH_SHARDS", "CLOUD_RUN_TASK_COUNT")


class BatchSettings(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    batch_input: str = Field(
        min_length=1, description="File, folder, glob, or prefix of a bucket (`s3://…`, `gs://…`) to read."
    )
    batch_output: str = Field(
        min_length=1, description="Folder or prefix of a bucket that the results go to; no part of the input."
    )
    batch_format: FileFormat | None = Field(
        default=None, description="Format of the input; by default as the names of its files end."
    )
    batch_output_format: FileFormat | None = Field(
        default=None, description="Format of the parts; by default the input's."
    )
    batch_shard: int = Field(
        default=0,
        ge=0,
        validation_alias=AliasChoices(*SHARD_NAMES),
        description="Number of this instance, from 0; also read from CLOUD_RUN_TASK_INDEX and "
        "JOB_COMPLETION_INDEX.",
    )
    batch_shards: int = Field(
        default=1,
        ge=1,
        le=10_000,
        validation_alias=AliasChoices(*SHARDS_NAMES),
        description="Number of instances that share the input; also read from CLOUD_RUN_TASK_COUNT.",
    )
    batch_route: str = Field(
        default="", description="Route of the model whose requests the rows are; by default its first."
    )
    batch_columns: dict[str, str] = Field(
        default={},
        description="Fields of a request, or columns of a table's model, to the columns they come from: "
        '`{"text": "message"}`.',
    )
    batch_fields: dict[str, Any] = Field(
        default={}, description='Fields that every request has: `{"truncate": true}`.'
    )
    batch_keep: list[str] = Field(
        default=[], description='Columns that results have as well: `["id"]`, or `["*"]` for all.'
    )
    batch_delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="Character between the cells of a CSV file."
    )
    batch_encoding: str = Field(default="utf-8", description="Encoding of a CSV or JSON Lines file.")
    batch_max_failed: int = Field(
        default=0, ge=0, description="Failed rows above which a complete run ends with exit code 3."
    )
    batch_part_rows: int = Field(
        default=PART_ROWS, ge=1, le=1_000_000, description="Rows of a part; its results fit into memory."
    )
    batch_piece_seconds: float = Field(
        default=30, ge=0.1, le=3600, description="Seconds between checkpoints within a part."
    )
    batch_progress_seconds: float = Field(
        default=10, ge=0.1, le=3600, description="Seconds between lines of progress in the log."
    )
    batch_retry_seconds: float = Field(
        default=180, ge=1, le=3600, description="Seconds in which a request to a bucket is repeated."
    )
    batch_overwrite: bool = Field(
        default=False, description="Delete what an earlier run wrote to the output, and begin anew."
    )
    batch_lifeline_fd: int | None = Field(
        default=None,
        ge=3,
        description="Inherited descriptor of a pipe; the run stops when its other end is closed.",
    )

    @field_validator("batch_delimiter")
    @classmethod
    def _delimiter_separates(cls, value: str) -> str:
        if value in '"\r\n\0':
            raise PydanticCustomError("delimiter", "a quote and a line end separate no cells")
        return value

    @model_validator(mode="after")
    def _shard_is_one_of_the_shards(self) -> Self:
        if self.batch_shard >= self.batch_shards:
            counts = {"shard": self.batch_shard, "most": self.batch_shards - 1}
            raise PydanticCustomError("shard", "BATCH_SHARD: got {shard}; allowed: 0 to {most}", counts)
        return self


def batch_settings() -> BatchSettings:
    """Read the settings. Raises BadSettings with all their faults."""
    try:
        return BatchSettings()  # pyright: ignore[reportCallIssue] - the required values come from the environment
    except ValidationError as error:
        faults = [_fault(each) for each in error.errors(include_url=False)]
        raise BadSettings(f"The environment needs fixing. {' '.join(faults)}") from None
    except ValueError as error:  # JSON that is none, of which pydantic-settings says only the field
        raise BadSettings(f"The environment needs fixing. {error}.") from None


def _fault(details: Any) -> str:
    if not details["loc"]:
        return f"{details['msg']}."
    name = ".".join(str(part) for part in details["loc"]).upper()
    if details["type"] == "missing":
        return f"{name}: not set; allowed: {BatchSettings.model_fields[str(details['loc'][0])].description}"
    return f"{name}: got {str(details['input'])[:100]!r}; {details['msg'].lower()}."
