"""Writes every generated page and part of a page: `make reference`. A test fails where one is out of date."""

from slipway.infra.reference.pages import ROOT, files

for path, text in files().items():
    (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / path).write_text(text)
