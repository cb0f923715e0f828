import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, RunningServer, running_server

ASSET = re.compile(r"""(?:src|href)="([^"]+)"|url\(["']?([^"')]+)""")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_names_no_other_host_and_has_no_inline_handler(stranger: httpx.Client, path: str):
    page = stranger.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assets = [first or second for first, second in ASSET.findall(page.text)]
    assert assets
    assert not [asset for asset in assets if asset.startswith(("http:", "https:", "//"))]
    assert not re.search(r"<[^>]+\son[a-z]+=", page.text)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_runs_only_the_scripts_its_policy_names(stranger: httpx.Client, path: str):
    page = stranger.get(path)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    for script in re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy["script-src"]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_carries_the_security_headers(stranger: httpx.Client, path: str):
    headers = stranger.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


def test_the_style_of_the_page_is_the_one_its_policy_names_with_and_without_a_key(
    stranger: httpx.Client, local_server: RunningServer
):
    for url in (str(stranger.base_url), local_server.url):
        page = httpx.get(url)
        for style in re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "content_type"), [("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")]
)
def test_the_reference_page_brings_its_own_files(stranger: httpx.Client, name: str, content_type: str):
    file = stranger.get(f"/docs/{name}")
    assert file.status_code == 200
    assert file.headers["content-type"].startswith(content_type)
    assert len(file.content) > 10_000


@pytest.mark.parametrize(
    ("closed", "gone", "served"),
    [
        ("SERVE_DOCS", ["/docs", "/docs/swagger-ui.css", "/openapi.json"], ["/", "/ready"]),
        ("SERVE_PAGE", ["/", "/page-link"], ["/docs", "/openapi.json", "/ready"]),
    ],
)
def test_a_setting_closes_the_pages(tmp_path: Path, closed: str, gone: list[str], served: list[str]):
    settings: dict[str, Any] = {"LOCAL_PAGE_SESSION": "true", closed: "false"}
    with running_server(tmp_path / "log", **settings) as server:
        statuses = {path: httpx.get(server.url + path).status_code for path in (*gone, *served)}
        assert statuses == dict.fromkeys(gone, 404) | dict.fromkeys(served, 200)
        assert httpx.post(f"{server.url}/predict", json={"text": "a"}, headers=AUTHORIZED).status_code == 200
        if closed == "SERVE_DOCS":
            assert "docs" not in httpx.get(f"{server.url}/nothing").json()["detail"]
            assert 'href="docs"' not in httpx.get(server.url).text
