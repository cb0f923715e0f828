"""Makes the order of a batch from what the user wrote: the environment of its containers, and its name."""

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.infra.errors import Refused
from slipway.infra.targets.batch_run import BatchOrder

FORMATS = ("csv", "jsonl", "parquet")


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What the user wrote. columns, fields: `name=value` pairs, as they were given."""

    read: str
    write: str
    on: str = ""
    model: str = ""
    shards: int = 1
    spot: bool = False
    input_format: str = ""
    output_format: str = ""
    route: str = ""
    columns: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    delimiter: str = ""
    encoding: str = ""
    max_failed: int = 0
    part_rows: int | None = None
    overwrite: bool = False

    def order(self, local: bool) -> BatchOrder:
        """Return the order. local: whether it runs on this machine. Raises Refused."""
        self._refuse_mismatch(local)
        environment = self._environment(local)
        content = json.dumps([self.on, self.shards, environment], sort_keys=True)
        name = f"batch-{hashlib.sha256(content.encode()).hexdigest()[:10]}"
        return BatchOrder(name, environment, self.shards, self.spot, self.model)

    def command(self) -> str:
        """Return the command that goes on with the batch, to be pasted."""
        words = ["slipway", "batch", self.read, self.write]
        for option, value in self._given():
            words += [option, value]
        words += ["--spot"] if self.spot else []
        return shlex.join(words)

    def _given(self) -> Sequence[tuple[str, str]]:
        single = {
            "--on": self.on,
            "--model": self.model,
            "--shards": str(self.shards) if self.shards > 1 else "",
            "--input-format": self.input_format,
            "--output-format": self.output_format,
            "--route": self.route,
            "--delimiter": self.delimiter,
            "--encoding": self.encoding,
            "--max-failed": str(self.max_failed) if self.max_failed else "",
            "--part-rows": "" if self.part_rows is None else str(self.part_rows),
        }
        repeated = {"--column": self.columns, "--field": self.fields, "--keep": self.keep}
        return [
            *((option, value) for option, value in single.items() if value),
            *((option, value) for option, values in repeated.items() for value in values),
        ]

    def _environment(self, local: bool) -> dict[str, str]:
        found = {
            "ROLE": "batch",
            "BATCH_INPUT": _absolute(self.read) if local else self.read,
            "BATCH_OUTPUT": _absolute(self.write) if local else self.write,
            "BATCH_FORMAT": self.input_format,
            "BATCH_OUTPUT_FORMAT": self.output_format,
            "BATCH_ROUTE": self.route,
            "BATCH_COLUMNS": _json(dict(_pair("--column", each) for each in self.columns)),
            "BATCH_FIELDS": _json(
                {name: _value(text) for name, text in (_pair("--field", each) for each in self.fields)}
            ),
            "BATCH_KEEP": _json(list(self.keep)),
            "BATCH_DELIMITER": "\t" if self.delimiter == "\\t" else self.delimiter,
            "BATCH_ENCODING": self.encoding,
            "BATCH_MAX_FAILED": str(self.max_failed) if self.max_failed else "",
            "BATCH_PART_ROWS": "" if self.part_rows is None else str(self.part_rows),
            "BATCH_OVERWRITE": "true" if self.overwrite else "",
        }
        return {name: value for name, value in found.items() if value}

    def _refuse_mismatch(self, local: bool) -> None:
        for option, value in (("--input-format", self.input_format), ("--output-format", self.output_format)):
            if value and value not in FORMATS:
                raise Refused(f"{option} is {value!r}; allowed: {', '.join(FORMATS)}.")
        if local and (self.shards > 1 or self.spot):
            raise Refused("--shards and --spot are for a batch in a cloud: name its stack with --on.")
        if not local and self.model:
            raise Refused("--model is for a batch on this machine; on a stack its own model computes.")
        if not local and self.overwrite:
            raise Refused(
                "--overwrite is for a batch on this machine, because instances would delete each other's "
                f"parts. Delete {self.write} yourself, or take another output."
            )
        for name, address in (("IN", self.read), ("OUT", self.write)):
            if not local and not address.startswith(("s3://", "gs://")):
                raise Refused(
                    f"{name} is {address!r}, which a container of {self.on} cannot reach; give a bucket's "
                    "address, s3://… or gs://…."
                )


def _absolute(address: str) -> str:
    return address if "://" in address else str(Path(address).expanduser().absolute())


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise Refused(f"{option} is {text!r}; give a name, =, and a value, such as text=message.")
    return name, value


def _value(text: str) -> Any:
    """Return a field's value: what JSON says, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(value: Any) -> str:
    return json.dumps(value) if value else ""
