"""A line chart as SVG text: small, the same on every machine, readable in a browser and in a diff."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

__all__ = ["Line", "line_chart"]

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 60, 56
COLORS = ("#0b5fa5", "#c2410c", "#15803d", "#7c3aed")


@dataclass(frozen=True)
class Line:
    """A curve; `dots` draws its points and no line."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    marks: Sequence[tuple[float, str]] = (),
) -> str:
    """The chart; `marks` are vertical lines with a word beside them."""
    xs = np.concatenate([np.asarray(line.x, dtype=float) for line in lines])
    ys = np.concatenate([np.asarray(line.y, dtype=float) for line in lines])
    low, high = float(xs.min()), float(xs.max())
    top = float(ys.max()) * 1.05 or 1.0

    def at_x(x: float) -> float:
        share = math.log(x / low) / math.log(high / low) if log_x else (x - low) / (high - low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    view = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="13"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" fill="#111827">{escape(title)}</text>',
    ]
    for tick in _ticks(0.0, top):
        y = at_y(tick)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e7eb"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#374151">{tick:g}</text>')
    for tick in _log_ticks(low, high) if log_x else _ticks(low, high):
        x = at_x(tick)
        out.append(f'<path d="M{x:.1f} {HEIGHT - BOTTOM}v5" stroke="#374151"/>')
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#374151">{tick:g}</text>')
    for place, word in marks:
        x = at_x(place)
        out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#6b7280" stroke-dasharray="4 4"/>')
        out.append(
            f'<text x="{x - 6:.1f}" y="{HEIGHT - BOTTOM - 60}" text-anchor="end" fill="#374151">{escape(word)}</text>'
        )
    for number, line in enumerate(lines):
        color = COLORS[number % len(COLORS)]
        points = [(at_x(x), at_y(y)) for x, y in zip(line.x, line.y, strict=True)]
        if line.dots:
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        x = LEFT + number * (WIDTH - LEFT - RIGHT) / len(lines)
        out.append(f'<rect x="{x:.1f}" y="35" width="12" height="10" fill="{color}"/>')
        out.append(f'<text x="{x + 18:.1f}" y="45" fill="#111827">{escape(line.name)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle" fill="#111827">{escape(x_label)}</text>')
    height = (TOP + HEIGHT - BOTTOM) / 2
    out.append(
        f'<text transform="translate(16 {height}) rotate(-90)" text-anchor="middle" fill="#111827">'
        f"{escape(y_label)}</text></svg>"
    )
    return "\n".join(out) + "\n"


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    first = math.ceil(low / step)
    return [round(n * step, 10) for n in range(first, int(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [d * 10.0**e for e in decades for d in (1, 2, 5) if low <= d * 10.0**e <= high]
