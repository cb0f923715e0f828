"""Reads metrics pages: a sample's value by its name and labels."""

import shutil
import subprocess
from collections.abc import Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families


class Page:
    """A scraped page."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float:
        """Sum up the samples that have these labels; 0 without any."""
        return sum(each.value for each in self.samples if each.name == name and _has(each.labels, labels))

    def labels(self, name: str) -> dict[str, str]:
        """Return the labels of the only sample of this name."""
        [found] = [each.labels for each in self.samples if each.name == name]
        return found


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return labels.items() >= wanted.items()


def scraped(url: str) -> Page:
    answer = httpx.get(url, timeout=20)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return Page(answer.text)


def require_promtool_accepts(text: str) -> None:
    """Have Prometheus's own tool check a page; skip where it is not installed."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
