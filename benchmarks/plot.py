"""The plot of the benchmark as SVG, written by hand: a line a cell, a dot a tool.

Left: CPU of each peer / CPU of lazyimage. Right: growth of peak RSS in MB. Both logarithmic.
"""

import math
from typing import Any

COLOURS = {
    "lazyimage": "#d62728",
    "Pillow": "#1f77b4",
    "pyvips": "#2ca02c",
    "OpenCV": "#ff7f0e",
    "sharp": "#9467bd",
    "lazy-image": "#8c564b",
}
LABELS, PANEL, GAP, LINE, TOP = 370, 380, 40, 24, 78
RATIOS = (0.25, 0.5, 1, 2, 4, 8, 16, 32)
MEGABYTES = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


def place(value: float, ticks: tuple[float, ...]) -> float:
    """0..1 on the logarithmic axis; what is outside sits on its end."""
    low, high = math.log(ticks[0]), math.log(ticks[-1])
    return min(1.0, max(0.0, (math.log(max(value, 1e-9)) - low) / (high - low)))


def text(x: float, y: float, words: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{words}</text>'


def axis(left: float, ticks: tuple[float, ...], bottom: float, title: str) -> list[str]:
    """Grid lines with their values above."""
    parts = [text(left + PANEL / 2, TOP - 34, title, "middle", ' font-weight="bold"')]
    for tick in ticks:
        x = left + PANEL * place(tick, ticks)
        heavy = ' stroke-width="2"' if tick == 1 and ticks is RATIOS else ""
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{bottom}" stroke="#bbb"{heavy}/>'
        )
        parts.append(text(x, TOP - 14, f"{tick:g}", "middle"))
    return parts


def dot(x: float, y: float, who: str, words: str) -> str:
    radius = 6 if who == "lazyimage" else 4.5
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{COLOURS[who]}"'
        f' fill-opacity="0.85"><title>{words}</title></circle>'
    )


def legend() -> list[str]:
    parts, x = [], LABELS
    for who, colour in COLOURS.items():
        parts.append(f'<circle cx="{x}" cy="18" r="5" fill="{colour}"/>')
        parts.append(text(x + 10, 22, who))
        x += 110
    return parts


def svg(lines: list[Any]) -> str:
    """The plot of (cell, pace, our row, the peers' rows); cells that we cannot do have no dots
    of ours, and their left half is empty."""
    bottom = TOP + LINE * len(lines)
    right = LABELS + PANEL + GAP
    parts = legend()
    parts += axis(LABELS, RATIOS, bottom, "CPU, one thread: times that of lazyimage")
    parts += axis(right, MEGABYTES, bottom, "growth of peak RSS, MB")
    for index, (cell, pace, ours, peers) in enumerate(lines):
        y = TOP + LINE * (index + 0.5)
        title = cell["title"] + ("" if pace == "exact" else f", {pace}")
        parts.append(text(LABELS - 16, y + 4, title, "end"))
        for row in (*peers, ours):
            if "unsupported" in row or "unsupported" in ours:
                continue
            ratio = row["cpu_ms"] / ours["cpu_ms"]
            x = LABELS + PANEL * place(ratio, RATIOS)
            parts.append(dot(x, y, row["who"], f"{row['who']}: {row['cpu_ms']:.3g} ms"))
            if cell["op"] == "probe":  # it holds nothing worth a figure
                continue
            x = right + PANEL * place(row["growth_mb"], MEGABYTES)
            parts.append(dot(x, y, row["who"], f"{row['who']}: {row['growth_mb']:.3g} MB"))
    width, height = right + PANEL + 30, bottom + 16
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12">'
    )
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([head, ground, *parts, "</svg>", ""])
