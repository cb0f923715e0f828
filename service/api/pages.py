"""The pages a person opens: / to try the model, /docs to read the API. No file comes from another host."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..tasks import Operation
from .auth import Gate
from .fields import fields_html, main_field
from .page_session import TOKEN, PageSession

HERE = Path(__file__).parent
INLINE = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)
# Swagger UI's files come inside this package, so that /docs works without a network.
SWAGGER_PACKAGE, SWAGGER_FOLDER = "fastapi_offline", "static"
SWAGGER_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
FIELDS_HERE = b"<!-- fields -->"
LINK_TO_DOCS = b'<a href="docs">API reference</a>'
# Asked by `slipway up`, with the key.
PAGE_LINK = "/page-link"
KEY_NEEDED, KEYLESS = b'data-key="needed"', b'data-key="not-needed"'
LIVE_ON, LIVE_OFF = b'data-live="on"', b'data-live="off"'
HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def try_routes(
    session: PageSession | None, gate: Gate, operation: Operation, has_docs: bool, has_live: bool
) -> list[Route]:
    """Return the routes of the page at / and its session.

    operation: what the page lets a person try. has_live: whether /live is there for its live view.
    """
    page = _try_page(operation)
    if not has_live:
        page = page.replace(LIVE_ON, LIVE_OFF, 1)
    if not has_docs:
        page = page.replace(LINK_TO_DOCS, b"", 1)

    async def try_page(request: Request) -> Response:
        content, sent = page, dict(request.scope["headers"])
        if session is None:
            return Response(content, headers=HEADERS | _policy(content), media_type="text/html")
        token = request.query_params.get(TOKEN)
        if token is not None and request.method == "GET":
            # Elsewhere than in the address bar, so that it is in no history, bookmark or screenshot.
            cookie = {"Set-Cookie": session.set_cookie} if session.redeems(token, request.scope, sent) else {}
            return Response(status_code=303, headers=HEADERS | {"Location": "/"} | cookie)
        if session.admits(request.scope, sent):
            content = content.replace(KEY_NEEDED, KEYLESS, 1)
        return Response(content, headers=HEADERS | _policy(content), media_type="text/html")

    async def page_link(request: Request) -> Response:
        gate.check_key(dict(request.scope["headers"]))
        return JSONResponse({"link": cast(PageSession, session).new_link()}, headers=HEADERS)

    routes = [Route("/", try_page)]
    return routes if session is None else [*routes, Route(PAGE_LINK, page_link, methods=["POST"])]


def docs_routes() -> list[Route]:
    """Return the routes of /docs and the files that it loads."""

    async def docs_page(request: Request) -> Response:
        del request
        content = _page("docs.html")
        # Swagger UI writes style attributes and draws its icons from data: URLs.
        policy = _policy(content, scripts="'self'", styles="'self' 'unsafe-inline'")
        return Response(content, headers=HEADERS | policy, media_type="text/html")

    async def docs_file(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        headers = {"Cache-Control": "max-age=86400"}
        return Response(_swagger_file(name), headers=headers, media_type=SWAGGER_FILES[name])

    return [Route("/docs", docs_page)] + [Route(f"/docs/{name}", docs_file) for name in SWAGGER_FILES]


def _try_page(operation: Operation) -> bytes:
    """Return the page for this operation, with its path and what a person fills in."""
    content = _page("try.html")
    content = content.replace(b'data-route="predict"', f'data-route="{operation.path[1:]}"'.encode(), 1)
    content = content.replace(b'data-field="text"', f'data-field="{main_field(operation)}"'.encode(), 1)
    return content.replace(FIELDS_HERE, fields_html(operation).encode(), 1)


@cache
def _page(name: str) -> bytes:
    return (HERE / name).read_bytes()


@cache
def _swagger_file(name: str) -> bytes:
    return (files(SWAGGER_PACKAGE) / SWAGGER_FOLDER / name).read_bytes()


@cache
def _policy(page: bytes, scripts: str = "", styles: str = "") -> dict[str, str]:
    """Return headers that allow the page's inline blocks, by their hash, and the named sources only."""
    allowed = {b"script": scripts, b"style": styles}
    for kind, block in INLINE.findall(page):
        if "'unsafe-inline'" not in allowed[kind]:  # a hash would switch it off
            digest = base64.b64encode(hashlib.sha256(block).digest()).decode()
            allowed[kind] += f" 'sha256-{digest}'"
    policy = (
        f"default-src 'none'; script-src {allowed[b'script']}; style-src {allowed[b'style']}; "
        "connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {"Content-Security-Policy": policy, "X-Frame-Options": "DENY"}
