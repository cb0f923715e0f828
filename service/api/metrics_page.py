"""The metrics page on the public port, for whoever holds the key; otherwise it has a port of its own."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..metrics.page import page_of
from .auth import Gate
from .ended import EndedRequests


def metrics_routes(path: str, gate: Gate, ended: EndedRequests) -> list[Route]:
    """Return the route of the page. Its text is made on another thread than the event loop's."""

    async def metrics(request: Request) -> Response:
        gate.check_key(dict(request.scope["headers"]))
        accepted = request.headers.get("accept", "")
        ended.record()
        body, media_type = await asyncio.to_thread(page_of, ended.instruments.registry, accepted)
        return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return [Route(path, metrics)]
