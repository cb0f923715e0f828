import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.plot import svg
from bench.report import BEGIN, END, into_document, markdown, number, table
from bench.results import SLIPWAY, Results, rows
from tests.bench.made_results import measured, results

DOCS = Path(__file__).resolve().parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_report_holds_facts_goals_and_every_server():
    text = markdown(results())
    assert "- Date: 2026-01-01" in text
    goal = next(
        line for line in text.splitlines() if line.startswith("| short texts, 64 connections / raw limit")
    )
    assert [cell.strip() for cell in goal.split("|")[2:5]] == [">= 0.9", "0.95", "met"]
    assert "**missed**" in text
    assert "not measured" in text
    assert {"Slipway 1.0", "Peer 1.0"} <= {
        line.split("|")[1].strip() for line in text.splitlines() if "|" in line
    }


def test_what_was_left_out_is_told():
    skipped = results()
    skipped.skipped = {"mosec": "it did not install"}
    assert "- mosec: it did not install" in markdown(skipped)


def test_columns_line_up():
    lines = table(("a", "b"), [("long cell", "1"), ("c", "22")]).splitlines()
    assert len({len(line) for line in lines}) == 1


def test_a_number_has_as_many_digits_as_it_deserves():
    assert [number(value) for value in (None, 0.123, 12.34, 1234.5)] == ["-", "0.12", "12.3", "1234"]


def test_the_plot_is_svg_with_two_bars_a_server_as_long_as_its_ratios():
    root = ET.fromstring(svg(rows(results()), 'Over "the" limit <1>'))
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("height") == "14"]
    lengths = [float(bar.get("width", "")) for bar in bars]
    assert len(bars) == 6
    assert round(lengths[0] / lengths[2], 2) == round(0.95 / 0.6, 2)
    assert root.get("aria-label") == 'Over "the" limit <1>'


def test_the_plot_begins_with_slipway_and_goes_from_the_fastest_peer_to_the_slowest():
    texts = [text.text for text in ET.fromstring(svg(rows(results()), "t")).iter(f"{SVG}text")]
    labels = [text for text in texts if text and text.startswith((SLIPWAY, "Peer"))]
    assert labels == [f"{SLIPWAY} (default)", "Peer (tuned)", "Peer (batching)"]


def test_a_server_beyond_the_limit_stays_within_the_plot():
    beyond = results()
    beyond.blocks["peer"].measured.append(measured("Fast", "default", [3000, 1500]))
    root = ET.fromstring(svg(rows(beyond), "t"))
    width = float(root.get("viewBox", "").split(" ")[2])
    ends = [float(bar.get("x", "")) + float(bar.get("width", "")) for bar in root.iter(f"{SVG}rect")]
    assert max(ends) <= width


def test_results_replace_what_stood_between_the_marks_and_nothing_else():
    document = into_document(f"before\n{BEGIN}\nold\n{END}\nafter\n", results())
    assert document.startswith(f"before\n{BEGIN}\n- Date: 2026-01-01")
    assert document.endswith(f"{END}\nafter\n")
    assert "old" not in document
    assert into_document(document, results()) == document
    with pytest.raises(ValueError, match="has no"):
        into_document("no marks", results())


def test_the_published_tables_are_those_of_the_published_results():
    document = (DOCS / "benchmarks.md").read_text()
    assert into_document(document, Results.read(DOCS / "benchmarks.json")) == document
