"""A plot of some lines as SVG, readable without colours and on light and dark grounds."""

import math
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import NamedTuple

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 540, 50, 345  # of the lines; their labels stand right of them
LABEL = 17  # from one label to the next
DASHES = ("none", "9 4", "2 4", "10 4 2 4", "5 3", "14 4 2 4 2 4")
STYLE = """
  svg { color: #222; --a: #0b5cad; --b: #b3430a; }
  @media (prefers-color-scheme: dark) { svg { color: #ddd; --a: #74b3f5; --b: #f5a06b; } }
  text { font: 13px system-ui, sans-serif; fill: currentColor; }
  .title { font-weight: 600; font-size: 15px; }
  .grid { stroke: currentColor; stroke-opacity: 0.2; fill: none; }
  .line { stroke-width: 2; fill: none; }
"""


class Line(NamedTuple):
    """`points` are (x, y) from left to right; `colour` is a or b."""

    label: str
    points: list[tuple[float, float]]
    colour: str = "a"


def draw(path: Path, title: str, x_title: str, lines: list[Line], log: bool = True) -> None:
    """Write a plot with both axes logarithmic, or both linear from 0. `title` is of the y axis."""
    points = [point for line in lines for point in line.points]
    x, x_ticks = axis([point[0] for point in points], LEFT, RIGHT, log)
    y, y_ticks = axis([point[1] for point in points], BOTTOM, TOP, log)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
        text((LEFT + RIGHT) / 2, HEIGHT - 12, x_title, "middle"),
    ]
    for tick in x_ticks:
        parts.append(f'<path class="grid" d="M{x(tick):.1f} {TOP}V{BOTTOM}"/>')
        parts.append(text(x(tick), BOTTOM + 20, f"{tick:,.0f}", "middle"))
    for tick in y_ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{RIGHT}"/>')
        parts.append(text(LEFT - 8, y(tick) + 4, f"{tick:,g}", "end"))
    labels = apart([y(line.points[-1][1]) for line in lines])
    for line, dash, label in zip(lines, DASHES, labels, strict=False):
        d = " L".join(f"{x(size):.1f} {y(value):.1f}" for size, value in line.points)
        stroke = f'style="stroke: var(--{line.colour})" stroke-dasharray="{dash}"'
        parts.append(f'<path class="line" {stroke} d="M{d}"/>')
        end, value = line.points[-1]
        lead = f"M{x(end) + 3:.1f} {y(value):.1f}H{RIGHT + 4}L{RIGHT + 16} {label:.1f}"
        parts.append(f'<path class="grid" d="{lead}"/>')
        parts.append(text(RIGHT + 20, label + 4, line.label, "start"))
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")


def axis(
    values: list[float], start: float, end: float, log: bool
) -> tuple[Callable[[float], float], list[float]]:
    """Where a value stands between `start` and `end`, and the values to be marked."""
    scale: Callable[[float], float] = math.log10 if log else float
    if log:
        low, high = math.floor(scale(min(values))), math.ceil(scale(max(values)))
        # Two powers at least: what is flat must look flat.
        ticks = [10.0**power for power in range(min(low, high - 2), high + 1)]
    else:
        power = 10 ** math.floor(math.log10(max(values)))
        step = next(power * part for part in (0.2, 0.5, 1, 2) if power * part * 6 >= max(values))
        ticks = [step * nth for nth in range(math.ceil(max(values) / step) + 1)]
    least, most = scale(ticks[0]), scale(ticks[-1])
    return lambda value: start + (end - start) * (scale(value) - least) / (most - least or 1), ticks


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def apart(places: list[float]) -> list[float]:
    """`places` moved as little down as keeps them LABEL apart, in their own order."""
    moved, last = list(places), -math.inf
    for nth in sorted(range(len(places)), key=places.__getitem__):
        last = moved[nth] = max(places[nth], last + LABEL)
    return [place - max(0, last - BOTTOM) for place in moved]
