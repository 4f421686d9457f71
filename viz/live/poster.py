"""The network as a picture that stands still: what is seen of a live page where no script runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..common.colours import STEPS, class_of, mixed, shade_class
from ..common.picture import Drawing
from ..common.svg import drawing_id, svg_document, themed_rules
from ..common.text import markup, text_width

SIZE, GAP, COLUMN = 26, 8, 170
MOST = 24  # neurons of a column
STRONGEST = 100  # lines


def poster(neurons: Sequence[dict[str, Any]], weights: Sequence[float], theme: str, title: str) -> Drawing:
    """The neurons in their columns, with the strongest of the weights between them."""
    columns: dict[int, list[int]] = {}
    for i, neuron in enumerate(neurons):
        columns.setdefault(neuron["column"], []).append(i)
    shown = {column: members[:MOST] for column, members in columns.items()}
    rows = max([len(members) for members in shown.values()], default=1)
    height = 60.0 + rows * (SIZE + GAP)
    width = max(80.0 + COLUMN * max(1, len(shown)), 32.0 + text_width(title, 15))
    at: dict[int, tuple[float, float]] = {}
    for column, members in enumerate(shown.values()):
        for k, i in enumerate(members):
            at[i] = 50.0 + column * COLUMN, height / 2 + 14 + (k - (len(members) - 1) / 2) * (SIZE + GAP)
    weights = [w if math.isfinite(w) else 0.0 for w in weights]
    largest = max([abs(w) for w in weights], default=1.0) or 1.0
    made = {neuron["output"]: i for i, neuron in enumerate(neurons)}
    body = [f'<rect class="paper" width="{width:g}" height="{height:g}" rx="10"/>']
    body += [f'<text class="title" x="16" y="24">{markup(title)}</text>']
    sizes = sorted([abs(weights[w]) for i in at for w, source in neurons[i]["terms"] if source in made], reverse=True)
    least = sizes[min(STRONGEST, len(sizes)) - 1] if sizes else 0.0
    for i, (x, y) in at.items():
        for weight, source in neurons[i]["terms"]:
            if abs(weights[weight]) < least:
                continue
            start = at.get(made.get(source, -1))
            if start:
                line = f"M{start[0] + SIZE / 2:.0f} {start[1]:.0f}L{x - SIZE / 2:.0f} {y:.0f}"
                body.append(f'<path class="line {class_of(weights[weight], largest)}" d="{line}"/>')
    for i, (x, y) in at.items():
        shade = class_of(weights[neurons[i]["bias"]] if neurons[i]["bias"] >= 0 else 0.0, largest)
        corner = f'x="{x - SIZE / 2:.0f}" y="{y - SIZE / 2:.0f}"'
        body.append(f'<rect class="neuron {shade}" {corner} width="{SIZE}" height="{SIZE}" rx="6"/>')

    def rules(colours: Any) -> dict[str, str]:
        found = {".paper": f"fill:{colours.paper}", ".title": f"fill:{colours.ink};font:15px system-ui,sans-serif",
                 ".line": "fill:none;stroke-width:1.2", ".neuron": f"stroke:{colours.line}"}  # fmt: skip
        for shade in range(-STEPS, STEPS + 1):
            end = colours.edge_above if shade > 0 else colours.edge_below
            colour = mixed(colours.edge_zero, end, abs(shade), STEPS)
            name = shade_class(shade)
            found[f".line.{name}"], found[f".neuron.{name}"] = f"stroke:{colour}", f"fill:{colour}"
        return found

    text = "\n".join(body) + "\n"
    drawing = drawing_id(text)
    svg = svg_document(drawing, width, height, title, themed_rules(drawing, theme, rules), text)
    return Drawing(svg, width, height, title, theme)
