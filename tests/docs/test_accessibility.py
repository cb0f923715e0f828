"""axe-core finds nothing on the pages of the site, nor on the server's own page with its live view."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.conftest import a_free_port, project_in
from tests.infra.command import report, slipway

pytestmark = pytest.mark.long

VIEWS = [f"{width}:{scheme}" for width, scheme in product((1280, 390), ("light", "dark"))]
# One page of each kind is looked at in every view, the others in one each.
KINDS = ("", "start/owner/", "reference/http-api/")


def python_with_axe() -> str:
    own = os.environ.get("SLIPWAY_AXE_PYTHON") or str(ROOT / ".venv-docs/bin/python")
    if not Path(own).exists() or subprocess.run([own, "-c", "import axe_playwright_python"]).returncode:
        pytest.skip("axe is not installed: `make axe` installs it, and then this test runs")
    return own


def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium here: `apt-get install chromium`, and then this test runs")
    return found


def findings(views: list[str]) -> list[dict[str, Any]]:
    command = [python_with_axe(), str(Path(__file__).with_name("axe.py")), browser(), *views]
    done = subprocess.run(command, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_site_has_no_finding(site: Path, address: str) -> None:
    pages = sorted(f"{path.parent.relative_to(site)}/" for path in site.rglob("index.html"))
    others = [page for page in pages if page.removeprefix("./") not in KINDS and not page.startswith("adr/")]
    assert len(others) > 20
    views = [f"{view}:{address}{page}" for page in KINDS for view in VIEWS]
    views += [f"{VIEWS[place % 4]}:{address}{page}" for place, page in enumerate(others)]
    assert findings(views) == []


def test_the_servers_page_has_no_finding(tmp_path: Path) -> None:
    project = project_in(tmp_path, a_free_port())
    assert slipway(project, "up").returncode == 0
    try:
        views: list[str] = []
        for view in VIEWS:
            said = slipway(project, "up").stdout
            link = next(line.split()[1] for line in said.splitlines() if line.startswith("  Page "))
            views.append(f"{view}:{link}")  # opens once, and shows the live view
        url = report(project, "output")["url"]
        views += [f"{view}:{url}/" for view in VIEWS]  # as whoever has no session sees it
        assert findings(views) == []
    finally:
        slipway(project, "down")
