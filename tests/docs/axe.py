"""Runs axe-core on pages in a browser and prints its findings as JSON, in the environment of `make axe`.

    python axe.py BROWSER WIDTH:SCHEME:ADDRESS...

WIDTH: of the window, in pixels. SCHEME: light or dark. A page that scrolls sideways is a finding too.
"""

# pyright: basic, reportMissingImports=false

import json
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

# Of scripts that give names to what the theme makes, and of the first values of the live view.
SETTLE_MS = 500


def main() -> None:
    browser_path, *views = sys.argv[1:]
    found: list[dict[str, object]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for view in views:
            width, scheme, address = view.split(":", 2)
            window = {"width": int(width), "height": 900}
            context = browser.new_context(viewport=window, color_scheme=scheme, bypass_csp=True)
            page = context.new_page()
            page.goto(address, wait_until="load")
            page.wait_for_timeout(SETTLE_MS)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found.append({"view": view, "id": "sideways-scrolling"})
            for violation in Axe().run(page).response["violations"]:
                nodes = [node["html"][:200] for node in violation["nodes"]]
                found.append(
                    {"view": view, "id": violation["id"], "help": violation["help"], "nodes": nodes[:5]}
                )
            context.close()
        browser.close()
    json.dump(found, sys.stdout, indent=2)


main()
