"""/live: the last minutes for the page's live view, behind the page's session or the key."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..metrics.live import Live
from .auth import Gate

LIVE = "/live"


def live_routes(live: Live, gate: Gate) -> list[Route]:
    """Return the route."""

    async def report(request: Request) -> Response:
        gate.check(request.scope, dict(request.scope["headers"]))
        headers = {"Cache-Control": "no-store"}
        return Response(orjson.dumps(live.report()), media_type="application/json", headers=headers)

    return [Route(LIVE, report)]
