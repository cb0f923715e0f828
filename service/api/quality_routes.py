"""/quality reports what the model predicts; /feedback takes the true label of one. Both need the key."""

from collections.abc import Callable
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..faults import BodyTooLarge, FieldFault, InvalidInput, InvalidJson
from ..metrics.instruments import Answers
from .auth import Gate
from .ended import EndedRequests

MOST_BODY_BYTES = 4096


class GivenLabel(BaseModel):
    """The true label of a prediction."""

    model_config = ConfigDict(strict=True, extra="forbid")

    request_id: str = Field(min_length=1, max_length=64)
    """The X-Request-ID of the answer."""
    label: str
    index: int = Field(default=0, ge=0)
    """Which text of the request, the first being 0."""


def quality_routes(
    ended: EndedRequests, gate: Gate, model_version: str, answers: Callable[[], Answers] | None
) -> list[Route]:
    """Return the two routes. answers: of the model's own routes; None where they are not counted."""
    quality = ended.quality

    async def report(request: Request) -> Response:
        gate.check_key(dict(request.scope["headers"]))
        ended.record()
        requests = None if answers is None else answers()._asdict()
        return _json({"model_version": model_version, "answers": requests, **quality.report()})

    async def feedback(request: Request) -> Response:
        gate.check_key(dict(request.scope["headers"]))
        given = _parsed(await _body(request))
        if given.label not in quality.labels:
            allowed = ", ".join(quality.labels[:20]) or "none: this model has no labels"
            detail = f"is none of the model's labels; allowed: {allowed}"
            raise InvalidInput(f"label {detail}", errors=[FieldFault("#/label", detail)])
        ended.record()  # the request that this is about may be among the last
        predicted = quality.feedback.give(given.request_id, given.index, given.label)
        return _json({"predicted": predicted, "label": given.label})

    return [Route("/quality", report), Route("/feedback", feedback, methods=["POST"])]


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise BodyTooLarge(f"the body has more than {MOST_BODY_BYTES} bytes")
    return body


def _parsed(body: bytes) -> GivenLabel:
    try:
        return GivenLabel.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        raise InvalidJson("the body is not valid JSON")
    names = sorted(
        {str(fault["loc"][0]) for fault in faults if fault["loc"]} & GivenLabel.model_fields.keys()
    )
    detail = "send request_id (1 to 64 characters), label, and index where the request had several texts"
    raise InvalidInput(detail, errors=[FieldFault(f"#/{name}", "is missing or not valid") for name in names])


def _json(content: Any) -> Response:
    return Response(
        orjson.dumps(content), media_type="application/json", headers={"Cache-Control": "no-store"}
    )
