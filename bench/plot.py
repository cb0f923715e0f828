"""The plot of a comparison, as SVG: each server's throughput at 64 connections, relative to the bare model.

Clean text, no dependency: bars, labels and one line at 1.0. Colours follow the reader's light or dark theme.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.results import SLIPWAY, Row, point_key

WIDTH, LEFT, RIGHT, TOP, LINE, BAR = 860, 250, 60, 64, 40, 14
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 11px; fill: #59636e }
  .title { font-size: 15px; font-weight: 600 }
  .short { fill: #9db4cc } .mixed { fill: #d3c3a3 }
  .ours.short { fill: #0969da } .ours.mixed { fill: #bf8700 }
  .limit { stroke: #cf222e; stroke-dasharray: 4 3 } .grid { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 }
    .short { fill: #4d6a8a } .mixed { fill: #7d6c45 }
    .ours.short { fill: #4493f8 } .ours.mixed { fill: #d29922 }
    .limit { stroke: #f85149 } .grid { stroke: #3d444d }
  }
"""


def svg(every: Sequence[Row], title: str) -> str:
    """Return the plot: Slipway first, then the peers by their short texts, the best on top."""
    short, mixed = point_key("short", 64), point_key("mixed", 64)
    ordered = sorted(every, key=lambda row: (row.name != SLIPWAY, -row.over_limit[short]))
    most = max([1.0, *(row.over_limit[key] for row in every for key in (short, mixed))])
    scale = (WIDTH - LEFT - RIGHT) / most
    height = TOP + LINE * len(ordered) + 34
    bars = "\n".join(_bars(row, TOP + LINE * place, scale, short, mixed) for place, row in enumerate(ordered))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{_quoted(title)}">\n<style>{STYLE}</style>\n'
        f'<text class="title" x="16" y="24">{escape(title)}</text>\n{_legend()}\n'
        f"{_axis(scale, most, height)}\n{bars}\n</svg>\n"
    )


def _legend() -> str:
    return (
        '<rect class="ours short" x="16" y="36" width="12" height="12"/>'
        '<text class="small" x="33" y="46">short texts</text>'
        '<rect class="ours mixed" x="110" y="36" width="12" height="12"/>'
        '<text class="small" x="127" y="46">mixed lengths</text>'
    )


def _axis(scale: float, most: float, height: int) -> str:
    ticks = [tick / 4 for tick in range(int(most * 4) + 1)]
    lines = [
        f'<line class="{"limit" if tick == 1 else "grid"}" x1="{LEFT + tick * scale:.1f}" '
        f'x2="{LEFT + tick * scale:.1f}" y1="{TOP - 6}" y2="{height - 24}"/>'
        f'<text class="small" text-anchor="middle" x="{LEFT + tick * scale:.1f}" y="{height - 8}">{tick:g}'
        f"{' raw limit' if tick == 1 else ''}</text>"
        for tick in ticks
    ]
    return "\n".join(lines)


def _bars(row: Row, top: int, scale: float, short: str, mixed: str) -> str:
    ours = "ours " if row.name == SLIPWAY else ""
    label = f"{row.name} ({row.variant})"
    parts = [f'<text text-anchor="end" x="{LEFT - 10}" y="{top + BAR + 5}">{escape(label)}</text>']
    for kind, key, y in (("short", short, top), ("mixed", mixed, top + BAR + 2)):
        share = row.over_limit[key]
        width = share * scale
        parts.append(
            f'<rect class="{ours}{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}"/>'
            f'<text class="small" x="{LEFT + width + 6:.1f}" y="{y + BAR - 3}">{share:.2f}</text>'
        )
    return "\n".join(parts)


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})
