"""The panels of the live page as pictures that stand still: boundary, confusion_table, wish_bars, landscape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Program, Value
from chainrule.engine.numeric import counted
from chainrule.nn.checks import check_loss, check_model, checked_examples
from chainrule.nn.data.examples import examples_of
from chainrule.nn.modes import in_mode
from chainrule.nn.wishes import wishes

from ..common.choices import check_choice, check_kind, list_of_texts
from ..common.colours import DARK, STEPS, THEMES, Theme, colour_of, mixed, shade_class
from ..common.picture import Drawing
from ..common.shapes import SHAPES, hatching
from ..common.svg import drawing_id, svg_document, themed_rules
from ..common.text import clean, markup, short, shortened, text_width
from ..common.ticks import round_ticks
from .page import CLASSES

Floats = NDArray[np.float64]
SIZE, LEFT, TOP, BOTTOM = 360.0, 56.0, 44.0, 40.0
CELLS = 60  # of the field, along each side
MOST_CLASSES = 10
FEW_NAMES, LINE = 4, 20.0  # names of classes in a line below the field, and the height of a line
SPAN = 31  # losses of a landscape, along each side
LEVELS = 16  # shades of a landscape, besides that of its least loss
MOST_WALKS = 4
MOST_DOTS = 80  # steps of a walk that are marked one by one


def boundary(model: Any, X: Any, y: Any = None, *, theme: str = "auto") -> Drawing:
    """What the model answers everywhere in the plane of its two inputs, with the examples.

    Each class has a colour, a hatching of its area and a shape of its marks. Of a model of one output, the area is
    hatched where it answers with the larger of two numbers, or with a positive one.

    Shapes: X (n, 2), y (n,): labels for a model of several outputs, else two numbers or any numbers.
    Errors: ValueError if X has not two columns.

    >>> from chainrule import MLP
    >>> boundary(MLP(2, [2], rng=0), [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    <Drawing: what the model answers, and 2 examples>
    """
    check_choice("theme", theme, THEMES)
    X, y, names = _examples(model, X, y)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"boundary is a picture of a plane: X has to be (n, 2), and is {X.shape}")
    low, high = X.min(axis=0), X.max(axis=0)
    room = np.where(high > low, (high - low) * 0.1, 1.0)
    low, high = low - room, high + room
    step = (high - low) / CELLS
    grid = [[low[0] + (i + 0.5) * step[0], high[1] - (j + 0.5) * step[1]] for j in range(CELLS) for i in range(CELLS)]
    answers = _outputs(model, np.array(grid))
    body = [_title("what the model answers")]
    if answers.ndim == 1:
        levels = np.unique(y)
        middle = float(levels.mean()) if len(levels) == 2 else 0.0
        scale = float(np.abs(answers - middle).max()) or 1.0
        shades = [shade_class(round(STEPS * max(-1.0, min(1.0, a)))) for a in ((answers - middle) / scale).tolist()]
        kinds, areas = (y > middle).astype(int), (answers > middle).astype(int).tolist()
        names = names or ([short(level) for level in levels.tolist()] if len(levels) == 2 else [])
    else:
        best = answers.argmax(axis=1)
        shades, kinds = [f"f{k % MOST_CLASSES}" for k in best.tolist()], y.astype(int)
        areas = best.tolist()
        names = names or [str(i) for i in range(answers.shape[1])]
    cell = SIZE / CELLS
    body += _runs(shades)
    body += [hatching(areas[j * CELLS : (j + 1) * CELLS], j, LEFT, TOP + j * cell, cell, cell) for j in range(CELLS)]
    for place, kind in zip(((X - low) / (high - low)).tolist(), kinds.tolist()):
        x, up = LEFT + place[0] * SIZE, TOP + (1 - place[1]) * SIZE
        colour = f"k{kind % MOST_CLASSES}" if answers.ndim > 1 else ("kn", "kp")[kind]
        body.append(f'<path class="point {colour}" transform="translate({x:.4g} {up:.4g})" d="{SHAPES[kind % 10]}"/>')
    (left, below), (right, above) = [
        [short(number, 3) for number in corner] for corner in (low.tolist(), high.tolist())
    ]
    body += [_label(LEFT, TOP + SIZE + 16, left), _end(LEFT + SIZE, TOP + SIZE + 16, right)]
    body += [_end(LEFT - 6, TOP + SIZE, below), _end(LEFT - 6, TOP + 10, above)]
    height = TOP + SIZE + BOTTOM
    for i, name in enumerate(names[:MOST_CLASSES]):
        x, y_ = LEFT + (i % FEW_NAMES) * 90, height + i // FEW_NAMES * LINE
        field, mark = (f"f{i}", f"k{i}") if answers.ndim > 1 else (("n4", "kn"), ("p4", "kp"))[min(i, 1)]
        body.append(_rect(field, x, y_ - 3, 5 * cell, 2 * cell))
        body += [hatching([i] * 5, j, x, y_ - 3 + j * cell, cell, cell) for j in range(2)]
        body.append(f'<path class="point {mark}" transform="translate({x + 40:.1f} {y_ + 3:.1f})" d="{SHAPES[i]}"/>')
        body.append(_label(x + 50, y_ + 7, shortened(name, 38.0, 12)))
    height += LINE * math.ceil(min(len(names), MOST_CLASSES) / FEW_NAMES)
    return _drawing(f"what the model answers, and {counted(len(X), 'example')}", body, theme, LEFT + SIZE + 20, height)


def confusion_table(model: Any, X: Any, y: Any = None, *, theme: str = "auto") -> Drawing:
    """How many examples of each class the model takes for each class: rows are true, columns predicted.

    Shapes: X (n, features), y (n,) labels; the model has an output for each class.
    Errors: ValueError for a model of one output, or labels that are no classes.

    >>> from chainrule import MLP
    >>> confusion_table(MLP(2, [2], rng=0), [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    <Drawing: confusion of 2 examples: 1 right>
    """
    check_choice("theme", theme, THEMES)
    X, y, names = _examples(model, X, y)
    answers = _outputs(model, X)
    if answers.ndim == 1 or y.dtype.kind == "f":
        raise ValueError("confusion needs labels of classes, and a model with an output for each class")
    count = answers.shape[1]
    if y.min() < 0 or y.max() >= count:
        raise ValueError(f"label {int(y.max() if y.max() >= count else y.min())} is not a class: there are {count}")
    table = np.zeros((count, count), dtype=int)
    np.add.at(table, (y.astype(int), answers.argmax(axis=1)), 1)
    names = [shortened(name, 70.0, 12) for name in (names + [str(i) for i in range(len(names), count)])]
    cell = min(46.0, SIZE / count)
    wide = max(cell, min(SIZE / count, 10.0 + max([text_width(name, 12) for name in names])))
    heads = [shortened(name, wide - 4.0, 12) for name in names]
    body = [_title("rows: true, columns: predicted")]
    for row in range(count):
        whole = max(1, int(table[row].sum()))
        body.append(_end(LEFT + 24, TOP + 34 + (row + 0.6) * cell, names[row]))
        body.append(_middle(LEFT + 30 + (row + 0.5) * wide, TOP + 24, heads[row]))
        for column in range(count):
            found = int(table[row, column])
            x, up = LEFT + 30 + column * wide, TOP + 30 + row * cell
            size = math.ceil(STEPS * 0.7 * found / whole)
            shade = shade_class(size if row == column else -size)
            body.append(_rect(shade, x, up, wide - 2, cell - 2, 4))
            body.append(_middle(x + wide / 2 - 1, up + cell / 2 + 4, str(found) if found else "·"))
    right = int(np.trace(table))
    width, height = max(LEFT + 50 + count * wide, 360.0), TOP + 46 + count * cell
    return _drawing(f"confusion of {counted(len(X), 'example')}: {right} right", body, theme, width, height)


def wish_bars(
    model: Any, loss: Any, X: Any, y: Any = None, *, parameter: str | None = None, theme: str = "auto"
) -> Drawing:
    """What each example asks of one parameter, sorted, with the mean that plain gradient descent follows.

    `parameter` is a label such as "w2_11", which other pictures show, too, or a name of model.named_parameters();
    without it, it is the one of which most is asked.
    Errors: those of nn.wishes; KeyError for a name that no parameter has, or a label that several have.

    >>> from chainrule import MLP, mse
    >>> wish_bars(MLP(1, [1], rng=0), mse, [0.0, 1.0], [1.0, 0.0])
    <Drawing: what 2 examples ask of w1_11>
    """
    check_choice("theme", theme, THEMES)
    check_kind("parameter", parameter, parameter is None or isinstance(parameter, str), "the name of a parameter")
    found = wishes(model, loss, X, y)
    labels = [value.label for value in model.parameters()]
    labels = [label if labels.count(label) == 1 else "" for label in labels]
    name = found.names[int(np.abs(found.mean).argmax())] if parameter is None else parameter
    if name and name not in found.names and name in labels:
        name = found.names[labels.index(name)]
    asked = np.sort(found.of(name))
    shown = clean(labels[found.names.index(name)] or name)
    largest, half, middle = float(np.abs(asked).max()) or 1.0, 90.0, TOP + 96.0
    wide = SIZE / len(asked)

    def high(number: float) -> float:
        return math.copysign(math.sqrt(abs(number) / largest) * half, number)

    body = [_title(shown), _label(LEFT, TOP - 2, "what each example asks of it")]
    for i, number in enumerate(asked.tolist()):
        size = high(number)
        shade = "n8" if number < 0 else "p8"
        body.append(_rect(shade, LEFT + i * wide, middle - max(size, 0), max(0.5, wide * 0.9), abs(size)))
    mean = float(found.mean[found.names.index(name)])
    body.append(f'<path class="axis" d="M{LEFT} {middle:.1f}h{SIZE}"/>')
    body.append(f'<path class="mean" d="M{LEFT} {middle - high(mean):.1f}h{SIZE}"/>')
    body.append(_label(LEFT, middle + half + 22, f"dashed: the mean, {short(mean)}, which is minus the gradient"))
    return _drawing(f"what {len(asked)} examples ask of {shown}", body, theme, LEFT + SIZE + 20, middle + half + 40)


def landscape(
    model: Any, loss: Any, X: Any, y: Any = None, *, parameters: tuple[str, str] | None = None,
    walks: Mapping[str, Any] | None = None, theme: str = "auto",
) -> Drawing:  # fmt: skip
    """The mean loss over two parameters, all others held fixed; the arrow goes downhill from where they are.

    `parameters` are two labels; without them, the two with the largest gradients. `walks` are up to four ways over the
    surface, by name: what the model's parameters were before and after each step. They are on the surface where only
    these two parameters moved; otherwise one sees their shadows.

    Shapes: each of the walks (steps, P), in the order of model.parameters().
    Errors: TypeError for walks that are no dictionary; ValueError for walks that do not fit the model, for labels that
    no parameter has, or for a model of one parameter.

    >>> from chainrule import Neuron, mse
    >>> landscape(Neuron(1, nonlin=False, rng=0), mse, [0.0, 1.0], [1.0, 3.0])
    <Drawing: loss over b and w1>
    """
    check_choice("theme", theme, THEMES)
    check_loss(loss)
    X, y, _ = _examples(model, X, y)
    values: list[Value] = model.parameters()
    with in_mode(model, training=False):
        program = Program(lambda x, t: loss(model(x), t), values, True, False)
        _, gradient = program.value_and_grad(X, y)
    pair = _chosen(values, gradient, parameters)
    check_kind("walks", walks, walks is None or isinstance(walks, Mapping), "a dictionary of arrays by name")
    ways = {clean(name): _walked(name, way, len(values))[:, pair] for name, way in (walks or {}).items()}
    if len(ways) > MOST_WALKS:
        raise ValueError(f"landscape shows at most {MOST_WALKS} walks, got {len(ways)}")
    theta = program.parameters()
    at = theta[list(pair)].copy()
    low, high = _extent(at, list(ways.values()))
    reach = (high - low) / 2
    losses = np.empty((SPAN, SPAN))
    for j, i in np.ndindex(SPAN, SPAN):
        theta[list(pair)] = low[0] + 2 * reach[0] * i / (SPAN - 1), high[1] - 2 * reach[1] * j / (SPAN - 1)
        losses[j, i] = float(np.mean(program(X, y, at=theta)))
    body = _surface(losses) + _axes(low, high) + _ways_drawn(ways, low, high)
    [[x, up]] = _on_the_map(at[None], low, high)
    length = math.hypot(gradient[pair[0]] / reach[1], gradient[pair[1]] / reach[0]) or 1.0
    dx, dy = -gradient[pair[0]] / reach[1] / length * 60, gradient[pair[1]] / reach[0] / length * 60
    body.append(f'<path class="down" d="M{x:.1f} {up:.1f}l{dx:.1f} {dy:.1f}{_arrowhead(dx, dy)}"/>')
    body.append(f'<circle class="here" cx="{x:.1f}" cy="{up:.1f}" r="6"/>')
    names = [clean(values[k].label or f"parameter {k + 1}") for k in pair]
    body += [
        _middle(LEFT + SIZE / 2, TOP + SIZE + 36, f"{names[0]} = {short(float(at[0]))}; arrow: downhill"),
        _label(8, TOP - 6, names[1]),
    ]
    height = TOP + SIZE + BOTTOM + 20 + 18 * len(ways)
    return _drawing(f"loss over {names[0]} and {names[1]}", body, theme, LEFT + SIZE + 100, height)


def _surface(losses: Floats) -> list[str]:
    """A cell for each loss, the larger the stronger, and the scale. Shapes: (SPAN, SPAN), the top row first."""
    low, high = float(np.nanmin(losses)), float(np.nanmax(losses))
    cell = SIZE / SPAN
    found = [_title(f"mean loss, {short(low, 3)} to {short(high, 3)}")]
    for j, i in np.ndindex(SPAN, SPAN):
        share = (losses[j, i] - low) / (high - low) if high > low else 0.0
        shade = f"l{round(math.sqrt(share) * LEVELS)}" if math.isfinite(share) else "none"
        found.append(_rect(shade, LEFT + i * cell, TOP + j * cell, cell + 0.4, cell + 0.4))
    left, step = LEFT + SIZE + 18, SIZE / (LEVELS + 1)
    found += [_rect(f"l{k}", left, TOP + (LEVELS - k) * step, 14, step + 0.4) for k in range(LEVELS + 1)]
    for k in (0, LEVELS // 2, LEVELS):  # a shade stands for the losses around that of its number
        number = short(low + (k / LEVELS) ** 2 * (high - low), 3)
        found.append(_label(left + 20, TOP + (LEVELS - k + 0.5) * step + 4, number))
    return found


def _axes(low: Floats, high: Floats) -> list[str]:
    """Round numbers along the two sides. Shapes: (2,) and (2,)."""
    found = []
    for axis in (0, 1):
        for tick in round_ticks(float(low[axis]), float(high[axis])):
            if low[axis] <= tick <= high[axis]:
                point = low.copy()
                point[axis] = tick
                x, up = _on_the_map(point[None], low, high)[0]
                if axis:
                    found.append(f'<path class="axis" d="M{LEFT - 4} {up:.1f}h4"/>')
                    found.append(_end(LEFT - 7, up + 4, short(tick, 3)))
                else:
                    below = TOP + SIZE
                    found += [f'<path class="axis" d="M{x:.1f} {below}v4"/>', _middle(x, below + 17, short(tick, 3))]
    return found


def _arrowhead(dx: float, dy: float) -> str:
    """The two strokes at the end of an arrow that came by (dx, dy)."""
    size = math.hypot(dx, dy) or 1.0
    ux, uy = 8 * dx / size, 8 * dy / size
    back = [(-ux - uy / 2, -uy + ux / 2), (-ux + uy / 2, -uy - ux / 2)]
    return "".join([f"l{x:.1f} {y:.1f}m{-x:.1f} {-y:.1f}" for x, y in back])


def _on_the_map(points: Floats, low: Floats, high: Floats) -> list[list[float]]:
    """Where points are drawn; low and high are in the middles of the outermost cells. Shapes: (n, 2) -> (n, 2)."""
    half = SIZE / SPAN / 2
    shares: Floats = (points - low) / (high - low) * (SIZE - 2 * half) + half
    found: list[list[float]] = (np.array([LEFT, TOP + SIZE]) + shares * [1.0, -1.0]).tolist()
    return found


def _ways_drawn(ways: Mapping[str, Floats], low: Floats, high: Floats) -> list[str]:
    """The walks over the surface, each with a mark at its end, and below it what each is called."""
    found, marks = list[str](), list[str]()
    ends = _on_the_map(np.array([way[-1] for way in ways.values()]), low, high) if ways else []
    for k, (name, way) in enumerate(ways.items()):
        points = _on_the_map(way, low, high)
        steps = "L".join([f"{x:.1f} {up:.1f}" for x, up in points])
        found.append(f'<path class="halo" d="M{steps}"/><path class="way w{k}" d="M{steps}"/>')
        below = TOP + SIZE + BOTTOM + 20 + 18 * k
        hidden = any(math.dist(ends[k], other) < 9 for other in ends[k + 1 :])  # its mark is larger than that upon it
        found.append(f'<path class="way w{k}" d="M{LEFT} {below:.1f}h28"/>')
        if len(points) <= MOST_DOTS:
            found += [f'<circle class="s{k}" cx="{x:.1f}" cy="{up:.1f}" r="2"/>' for x, up in points]
        for (x, up), scale in ((points[-1], " scale(2)" * hidden), ([LEFT + 36, below], "")):
            marks.append(f'<path class="point s{k}" transform="translate({x:.1f} {up:.1f}){scale}" d="{SHAPES[k]}"/>')
        count = "1 step" if len(way) == 2 else f"{len(way) - 1:,} steps"
        found.append(_label(LEFT + 50, below + 4, f"{shortened(name, 220.0, 12)}: {count}"))
    return found + marks


def _walked(name: str, way: Any, count: int) -> Floats:
    """The parameters along a walk. Shapes: (steps, count)."""
    try:
        found = np.asarray(way, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"the walk {clean(name)!r} is {type(way).__name__} {way!r:.60}; it has to be an array of numbers, (steps, "
            f"{count})"
        ) from None
    if found.ndim != 2 or len(found) < 1 or found.shape[1] != count or not np.isfinite(found).all():
        raise ValueError(
            f"the walk {clean(name)!r} has the shape {found.shape}; it has to be (steps, {count}), finite numbers: the "
            "parameters before and after each step, such as [theta for _, theta in history.snapshots]"
        )
    return found


def _extent(at: Floats, ways: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The corners of the map: around the point, or around all walks and the point. Shapes: (2,) and (2,)."""
    if not ways:
        reach = np.maximum(1.0, np.abs(at))
        return at - reach, at + reach
    points = np.vstack([at, *ways])
    middle, span = (points.min(axis=0) + points.max(axis=0)) / 2, float(np.ptp(points, axis=0).max())
    reach = np.full(2, 0.6 * span or 1.0)  # one scale for both: a step of plain descent crosses the shades squarely
    return middle - reach, middle + reach


def _chosen(values: Sequence[Value], gradient: Floats, names: tuple[str, str] | None) -> tuple[int, int]:
    if len(values) < 2:
        raise ValueError("a landscape is over two parameters, and this model has one")
    if names is None:
        first, second = np.argsort(-np.abs(gradient), kind="stable")[:2].tolist()
        return first, second
    labels, wanted = [p.label for p in values], list_of_texts("parameters", names)
    missing = [name for name in wanted if name not in labels]
    if missing or len(set(wanted)) != 2:
        raise ValueError(f"parameters={names!r}: two different labels are needed, such as {', '.join(labels[:4])}")
    return labels.index(wanted[0]), labels.index(wanted[1])


def _examples(model: Any, X: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any], list[str]]:
    """Inputs, targets, and the names of the classes, where they have any."""
    check_model(model)
    inputs, targets, preparation = examples_of(X, y, getattr(model, "preparation", None))
    inputs, targets = checked_examples(inputs, targets)
    if targets.ndim != 1:
        raise ValueError(f"y has to be one target for each example, (n,), and is {targets.shape}")
    names = getattr(preparation, "class_names", None)
    return inputs, targets, [clean(name) for name in names or ()]


def _outputs(model: Any, X: NDArray[Any]) -> Floats:
    """The outputs for rows as the model takes them. Shapes: (n,) or (n, outputs)."""
    with in_mode(model, training=False):
        found: Floats = Program(lambda x: model(x), model.parameters(), True, False)(X)
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found


def _runs(shades: Sequence[str]) -> list[str]:
    """The cells of the field, those of one shade side by side as one rectangle."""
    cell, found = SIZE / CELLS, []
    for j in range(CELLS):
        start = 0
        row = shades[j * CELLS : (j + 1) * CELLS]
        for i in range(1, CELLS + 1):
            if i == CELLS or row[i] != row[start]:
                x, wide = LEFT + start * cell, (i - start) * cell
                found.append(_rect(row[start], x, TOP + j * cell, wide + 0.3, cell + 0.3))
                start = i
    return found


def _rect(kind: str, x: float, y: float, width: float, height: float, round_: float = 0) -> str:
    rim = f' rx="{round_:g}"' if round_ else ""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.1f}"{rim}/>'


def _title(text: str) -> str:
    return f'<text class="title" x="{LEFT}" y="26">{markup(shortened(text, SIZE - 40, 14, bold=True))}</text>'


def _label(x: float, y: float, text: str, anchor: str = "") -> str:
    return f'<text class="label{anchor}" x="{x:.1f}" y="{y:.1f}">{markup(text)}</text>'


def _end(x: float, y: float, text: str) -> str:
    return _label(x, y, text, " end")


def _middle(x: float, y: float, text: str) -> str:
    return _label(x, y, text, " middle")


def _drawing(title: str, body: list[str], theme: str, width: float, height: float = TOP + SIZE + BOTTOM) -> Drawing:
    text = f'<rect class="paper" width="{width:g}" height="{height:g}" rx="10"/>\n' + "\n".join(body) + "\n"
    drawing = drawing_id(title + text + theme)
    svg = svg_document(drawing, width, height, title, themed_rules(drawing, theme, _rules), text)
    return Drawing(svg, width, height, title, theme)


def _rules(colours: Theme) -> dict[str, str]:
    scheme = CLASSES["dark" if colours is DARK else "light"]
    rules = {
        ".paper": f"fill:{colours.paper}",
        "text": "font-family:system-ui,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif",
        ".title": f"font-size:14px;font-weight:700;fill:{colours.ink}",
        ".label": f"font-size:12px;fill:{colours.ink}",
        ".end": "text-anchor:end",
        ".middle": "text-anchor:middle",
        "rect": "shape-rendering:crispEdges",
        ".point": f"stroke:{colours.paper};stroke-width:1.3px",
        ".hatch": f"fill:none;stroke:{colours.soft_ink};stroke-width:.7px;stroke-opacity:.55",
        ".axis": f"stroke:{colours.line};stroke-width:1px",
        ".mean": f"stroke:{colours.ink};stroke-width:2px;stroke-dasharray:6 4;fill:none",
        ".down": f"stroke:{colours.receiver};stroke-width:2px;fill:none",
        ".none": f"fill:{colours.tint_odd}",
        ".halo": f"stroke:{colours.paper};stroke-width:3px;stroke-linejoin:round;fill:none",
        ".way": "stroke-width:1.3px;stroke-linejoin:round;fill:none",
        ".here": f"fill:{colours.receiver};stroke:{colours.paper};stroke-width:2px",
        ".kn": f"fill:{mixed(colours.edge_below, colours.edge_below, 1, 1)}",
        ".kp": f"fill:{mixed(colours.edge_above, colours.edge_above, 1, 1)}",
    }
    for shade in range(-STEPS, STEPS + 1):
        end = colours.tint_above if shade > 0 else colours.tint_below
        rules[f".{shade_class(shade)}"] = f"fill:{mixed(colours.zero, end, abs(shade), STEPS)}"
    for level in range(LEVELS + 1):
        rules[f".l{level}"] = f"fill:{mixed(colours.zero, colours.edge_zero, level, LEVELS)}"
    for i, colour in enumerate(scheme):
        rules[f".k{i}"] = f"fill:{colour}"
        rules[f".f{i}"] = f"fill:{mixed(colour_of(colours.paper), colour_of(colour), 3, 10)}"
    for i, (colour, dashes) in enumerate(
        zip((colours.ink, colours.odd, colours.receiver, colours.giver), ("none", "7 3", "2 3", "9 3 2 3"))
    ):
        rules[f".w{i}"] = f"stroke:{colour};stroke-dasharray:{dashes}"
        rules[f".s{i}"] = f"fill:{colour}"
    return rules
