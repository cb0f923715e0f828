"""The body of `POST /jobs`: what a caller hands in, and its check by the route's own rules, at once.

A job that is accepted can be computed: a fault in a body is found here, with its place in the list, and not
by a worker an hour later.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic_core import to_json

from ..faults import FieldFault, InvalidInput, RequestFault
from ..job_settings import JobVariables, listed
from ..jobs import FileInput, Input, ListInput, NewJob, OneInput
from ..jobs.prefixes import Prefixes
from ..tasks import Operation
from ..tasks.bounds import Bounds
from ..tasks.requests import MAX_FAULTS_SHOWN, parsed
from ..tasks.streams import StreamableWork
from ..webhooks.address import webhook_fault

MAX_ADDRESS_CHARACTERS = 2000
MAX_PRIORITY = 100
_INPUTS = ("request", "requests", "file")
Address = Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS_CHARACTERS)]
# What a file or a webhook may be; returns what is wrong with an address, '' if nothing is.
AddressFault = Callable[[str], str]


class JobRequest(BaseModel):
    """A job: one request of a route, a list of them, or a file with one in each row."""

    model_config = ConfigDict(strict=True, extra="forbid")

    path: str | None = Field(
        default=None, description="Route whose requests these are; by default the model's first."
    )
    request: dict[str, Any] | None = Field(default=None, description="One request of the route.")
    requests: list[dict[str, Any]] | None = Field(
        default=None, min_length=1, description="Several requests, answered in their order."
    )
    file: Address | None = Field(
        default=None,
        description="Address of a file with a request in each row, below a prefix that the service names.",
        examples=["gs://texts/inbox/monday.jsonl"],
    )
    output: Address | None = Field(
        default=None,
        description="Address of the file for the answers, below such a prefix; JSON Lines, one answer for "
        "each row in its order. Required with `file`.",
        examples=["gs://texts/answers/monday.jsonl"],
    )
    format: Literal["jsonl", "csv"] | None = Field(
        default=None,
        description="What `file` is: JSON Lines, or CSV in UTF-8 whose header names the request's fields. "
        "By default as its name ends.",
    )
    priority: int = Field(default=0, ge=0, le=MAX_PRIORITY, description="The smaller goes first; 0 is usual.")
    webhook: Address | None = Field(
        default=None,
        description="https address, on a host that the service names, that is called when the job has ended.",
        examples=["https://hooks.example.com/slipway"],
    )


class JobReader:
    """Reads bodies of `POST /jobs` for the operations of one task."""

    def __init__(
        self,
        operations: Sequence[Operation],
        max_requests: int,
        file_fault: AddressFault,
        webhook_fault: AddressFault,
    ) -> None:
        """Read jobs of these operations.

        max_requests: in one list. file_fault, webhook_fault: return what is wrong with an address, or ''.
        """
        self._operations: Mapping[str, Operation] = {each.path: each for each in operations}
        self._first = operations[0].path
        self._max_requests = max_requests
        self._file_fault = file_fault
        self._webhook_fault = webhook_fault
        self._bounds = Bounds.for_items(16 * max_requests, "values")

    def job(self, body: bytes, caller: str, idempotency_key: str | None) -> NewJob:
        """Return the job. Raises InvalidJson, or InvalidInput with the place of each fault."""
        request = parsed(JobRequest, body, self._bounds)
        operation = self._operation(request.path)
        if request.webhook and (fault := self._webhook_fault(request.webhook)):
            raise _fault_at("webhook", fault)
        return NewJob(
            caller=caller,
            route=operation.path,
            input=self._input(request, operation),
            priority=request.priority,
            idempotency_key=idempotency_key,
            webhook=request.webhook,
        )

    def _operation(self, path: str | None) -> Operation:
        found = self._operations.get(path or self._first)
        if found is None:
            raise _fault_at("path", f"is no route of this model; allowed: {', '.join(self._operations)}")
        return found

    def _input(self, request: JobRequest, operation: Operation) -> Input:
        given = [name for name in _INPUTS if getattr(request, name) is not None]
        if len(given) != 1:
            got = " and ".join(given) or "none of them"
            raise InvalidInput(f"send one of {', '.join(_INPUTS)}; got {got}")
        if request.file is None and (request.output or request.format):
            name = "output" if request.output else "format"
            raise _fault_at(name, "is only for a job with `file`")
        if request.file is not None:
            return self._file(request, request.file)
        if request.requests is not None:
            return ListInput(self._checked_list(request.requests, operation))
        return OneInput(_checked(request.request or {}, operation, ("request",)))

    def _file(self, request: JobRequest, source: str) -> FileInput:
        if request.output is None:
            raise _fault_at("output", "is required with `file`")
        for name, address in (("file", source), ("output", request.output)):
            if fault := self._file_fault(address):
                raise _fault_at(name, fault)
        if source == request.output:
            raise _fault_at("output", "is the same address as `file`")
        return FileInput(source, request.output, request.format or _format_of(source))

    def _checked_list(self, requests: Sequence[dict[str, Any]], operation: Operation) -> list[bytes]:
        """Check every request of a list. Raises InvalidInput with the faults of all, up to a limit."""
        if len(requests) > self._max_requests:
            count, most = len(requests), self._max_requests
            detail = f"has {count} requests; at most {most} are allowed in one list: use a file for more"
            raise _fault_at("requests", detail)
        bodies: list[bytes] = []
        faults: list[RequestFault] = []
        for place, request in enumerate(requests):
            try:
                bodies.append(_checked(request, operation, ("requests", place)))
            except RequestFault as fault:
                faults.append(fault)
                if len(faults) >= MAX_FAULTS_SHOWN:
                    break
        if faults:
            raise _together(faults)
        return bodies


def job_reader(settings: JobVariables, operations: Sequence[Operation], max_requests: int) -> JobReader:
    """Return the reader that the settings ask for."""
    hosts = listed(settings.jobs_webhook_hosts)
    files = Prefixes(listed(settings.jobs_file_prefixes))
    return JobReader(operations, max_requests, files.fault, lambda address: webhook_fault(address, hosts))


def job_request_model(operations: Sequence[Operation]) -> type[JobRequest]:
    """Return the request's model with the models of the routes in it, for the OpenAPI document."""
    models = tuple(dict.fromkeys(each.request_model for each in operations))
    one: Any = models[0]
    for model in models[1:]:
        one = one | model
    declared = JobRequest.model_fields
    fields: dict[str, Any] = {
        "request": (one | None, declared["request"]),
        "requests": (list[one] | None, declared["requests"]),
    }
    return create_model("JobRequest", __base__=JobRequest, __doc__=JobRequest.__doc__, **fields)


def _checked(request: dict[str, Any], operation: Operation, place: tuple[str | int, ...]) -> bytes:
    """Return the JSON of a request that the route accepts. Raises its fault, with its place in the job."""
    body = to_json(request, inf_nan_mode="constants")
    try:
        work = operation.work(body, time.perf_counter())
    except RequestFault as fault:
        raise _placed(fault, place) from None
    if isinstance(work, StreamableWork) and work.is_streamed:
        raise _placed(InvalidInput("stream is for a request that waits; a job has no stream"), place)
    return body


def _placed(fault: RequestFault, place: tuple[str | int, ...]) -> RequestFault:
    """Return the fault of one request as that of the whole body."""
    pointer = "#/" + "/".join(map(str, place))
    name = "".join(f"[{part}]" if isinstance(part, int) else part for part in place)
    errors = [FieldFault(pointer + each.pointer.removeprefix("#"), each.detail) for each in fault.errors]
    return type(fault)(f"{name}: {fault.detail}", errors=errors or [FieldFault(pointer, fault.detail)])


def _together(faults: Sequence[RequestFault]) -> RequestFault:
    errors = [error for fault in faults for error in fault.errors][:MAX_FAULTS_SHOWN]
    others = "" if len(faults) == 1 else f"; {len(faults)} requests are refused in all"
    if len(faults) >= MAX_FAULTS_SHOWN:
        others = f"; at least {len(faults)} requests are refused"
    return type(faults[0])(f"{faults[0].detail}{others}", errors=errors)


def _fault_at(field: str, detail: str) -> InvalidInput:
    return InvalidInput(f"{field} {detail}", errors=[FieldFault(f"#/{field}", detail)])


def _format_of(source: str) -> str:
    ending = source.rpartition(".")[2].lower()
    if ending in ("jsonl", "ndjson"):
        return "jsonl"
    if ending == "csv":
        return "csv"
    raise _fault_at("format", "is required where `file` ends neither in .jsonl nor in .csv")
