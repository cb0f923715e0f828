"""Asks a local server for a link that opens its page without the key, once."""

import http.client
import json
from typing import Any

_TIMEOUT_SECONDS = 5
# service/api/pages.py, PAGE_LINK.
_PATH = "/page-link"


def page_link(url: str, api_key: str) -> str | None:
    """Request a link that opens the page; None if its page is turned off or the server is an older one."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", _PATH, headers={"Authorization": f"Bearer {api_key}"})
        answer = connection.getresponse()
        content: Any = json.loads(answer.read()) if answer.status == 200 else None
        link = content.get("link") if isinstance(content, dict) else None  # pyright: ignore
        return f"{url}{link}" if isinstance(link, str) and link.startswith("/") else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
