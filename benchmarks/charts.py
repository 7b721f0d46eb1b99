"""Bar charts as SVG, without a library."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

ROW, LEFT, WIDTH, RIGHT, TOP = 24, 290, 420, 60, 40
OWN, OTHERS, INK = "#0b7285", "#adb5bd", "#495057"


def bars(title: str, values: Mapping[str, float], highlight: str) -> str:
    """Return horizontal bars in the order of their length, the shortest first.

    Args:
        title: Above the bars.
        values: Label -> length, above 0.
        highlight: The label that is drawn in another colour.
    """
    scale = WIDTH / max(values.values())
    height = TOP + ROW * len(values) + 12
    rows = sorted(values.items(), key=lambda item: item[1])
    drawn = "\n".join(
        _bar(number, label, value, scale, label == highlight) for number, (label, value) in enumerate(rows)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        f'font-family="sans-serif" font-size="13">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="12" y="24" fill="{INK}" font-weight="bold">{escape(title)}</text>\n{drawn}\n</svg>\n'
    )


def _bar(number: int, label: str, value: float, scale: float, own: bool) -> str:
    y = TOP + ROW * number
    weight = ' font-weight="bold"' if own else ""
    return (
        f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end" fill="{INK}"{weight}>{escape(label)}</text>'
        f'<rect x="{LEFT}" y="{y + 3}" width="{value * scale:.1f}" height="{ROW - 8}" fill="{OWN if own else OTHERS}"/>'
        f'<text x="{LEFT + value * scale + 6:.1f}" y="{y + 15}" fill="{INK}"{weight}>{value:.2f}</text>'
    )
