"""Every kind of picture and page that viz makes, each from a label and a theme; test_pictures.py tests their laws."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule import viz
from chainrule.engine import Value
from chainrule.nn import MLP, Dataset, fit, mse

NOT_PICTURES = {"trace", "load_numbers", "walk"}  # what makes no picture, and what moves

HOSTILE_LABELS = [
    "</title><script>alert(1)</script>", "</script><script>alert(1)</script>", "</pre></svg></style><b>", "<!--", "-->",
    "]]>", '" onload="alert(1)', "' onload='x", "a & b < c > d", "&lt;", "&amp;", "&#0;", "{}{0}{name}", "%s",
    "\\u003c", "\\", "\\N", "} | { x", '"]; evil [label="', "<port> x", "\x00\x01\x1b\x7f", "\x85", "\ud800", "\ufffe",
    "\ufeff", "\u202eabc", "\u2066abc", "\u200fabc", "\u2028\u2029", "many\nlines\r\nhere", "\t", " ", "",
    "x" * 5000, "名前", "שלום", "v1", "loss", "train", "test accuracy",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of picture. `function` is its name in viz.__all__; `make` takes a label, and {} or {"theme": …}."""

    function: str
    make: Callable[[str, dict[str, str]], Any]
    endings: tuple[str, ...] = (".svg", ".html", ".dot")  # the endings of the texts that .save() writes
    needs: str = ""  # a program without which the picture cannot be made

    @property
    def has_themes(self) -> bool:
        return "theme" in inspect.signature(getattr(viz, self.function)).parameters

    @property
    def has_view(self) -> bool:
        """Whether its page shows one picture, which is zoomed and moved."""
        return self.has_common_page and self.function not in ("report", "explain")

    @property
    def has_common_page(self) -> bool:
        return self.has_themes and self.function not in ("live", "replay")

    @property
    def is_ours(self) -> bool:
        """Whether a class of chainrule saves and shows the picture, and not one of the package graphviz."""
        return ".gv" not in self.endings

    @property
    def images(self) -> tuple[str, ...]:
        """The endings of the files that .save() writes where a program is installed that converts pictures."""
        return (".png", ".pdf") if ".svg" in self.endings else ()

    @property
    def can_be_made(self) -> bool:
        return not self.needs or shutil.which(self.needs) is not None

    def picture(self, label: str, theme: str | None = None) -> Any:
        return self.make(label, {"theme": theme} if theme and self.has_themes else {})

    def saved(self, picture: Any, folder: Path) -> dict[str, str]:
        """For each ending, the text of the file that the picture writes."""
        paths = {ending: Path(picture.save(folder / f"picture{ending}")) for ending in self.endings}
        return {ending: path.read_bytes().decode("utf-8") for ending, path in paths.items()}


def labelled(label: str) -> Value:
    """a × a after backward(), with the label on both values."""
    a = Value(2.0, label=label)
    product = a * a
    product.label = label
    product.backward()
    return product


def made_by_hand(label: str) -> Value:
    """A node that was made by hand, with the label in the name of its operation."""
    product = labelled(label)
    return Value(product.data, (product,), f"op {label}", label=label)


def in_neurons(label: str) -> Value:
    """The product of two neurons of a layer; all names have the label in them."""
    a = Value(2.0, label=label)
    outputs = []
    for number in (1, 2):
        weight = Value(0.5 * number, label=label)
        output = weight * a + 1.0
        for value in (weight, *output._prev, output):
            value.unit = (f"layer {label}", f"{number} {label}")
        a.unit = None
        outputs.append(output)
    result = outputs[0] * outputs[1]
    result.label = label
    result.backward()
    return result


def in_a_table(label: str) -> Value:
    """The sum of ten neurons of one layer, twice: for two examples; all names have the label in them."""
    weights = [Value(0.25 * number, label=label) for number in range(10)]
    parts = []
    for _ in range(4):
        a, outputs = Value(2.0, label=label), []
        for number, weight in enumerate(weights):
            output = weight * a + 1.0
            output.label = f"{number} {label}"
            for value in (weight, *output._prev, output):
                value.unit = (f"layer {label}", f"{number} {label}")
            a.unit = None
            outputs.append(output)
        parts.append(sum(outputs[1:], outputs[0]) * 2.0)
    result = sum(parts[1:], parts[0])
    result.label = label
    result.backward()
    return result


def steps_alike(label: str) -> Value:
    """Twenty steps that are alike, each with the label."""
    state = Value(0.5, label=label)
    for _ in range(20):
        state = state * Value(0.5, label=label) + 1.0
        state.label = f"h {label}"
    state.backward()
    return state


def history(label: str) -> SimpleNamespace:
    """The history of a training, with a metric of that name."""
    return SimpleNamespace(epochs=[1, 2, 3], train_loss=[1.0, 0.5, 0.25], test_loss=[1.0, 0.75, 0.5],
                           metrics={label: [0.25, 0.5, 0.75]})  # fmt: skip


class Unlearned:
    """A model of two columns and two classes."""

    def predict(self, X):
        inputs = X.X if hasattr(X, "X") else X
        return np.column_stack([inputs[:, 0], inputs[:, 1]])


def report(label: str, theme: dict[str, str]) -> Any:
    """A report on a table with the label in its name, the names of its columns and of its classes."""
    names = [f"{label} {i}" for i in range(2)]
    X = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.25], [0.25, 0.5]]
    data = Dataset.from_arrays(label, X, [0, 1, 0, 1], names, [f"{label} a", f"{label} b"], label + " target")
    return viz.report(Unlearned(), history(label), data, data, **theme)


def trained(label: str) -> tuple[Any, ...]:
    """A model, a loss, data and a history; the names of the parameters have the label in them."""
    model = MLP(2, [2, 1], activation="tanh", rng=0)
    for p in model.parameters():
        p.label = f"{label} {p.label}"
    X, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, 0.5, 0.0]
    return model, mse, X, y, fit(model, mse, X, y, epochs=2, progress=False)


PLAIN = (".svg", ".html")  # the texts of a picture that is no graph


def classified(label: str) -> tuple[Any, ...]:
    """A model that was trained on classes with the label in their names, and examples."""
    model = MLP(2, [3], rng=0)
    model.preparation = SimpleNamespace(class_names=(label, "b", "c"), columns=None, learnt=lambda y, name: np.array(y))
    return model, [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 2]


KINDS = {
    "report": Kind("report", report, PLAIN),
    "draw": Kind("draw", lambda label, theme: viz.draw(made_by_hand(label), **theme)),
    "draw by neurons": Kind("draw", lambda label, theme: viz.draw(in_neurons(label), fold="neurons", **theme)),
    "draw by layers": Kind("draw", lambda label, theme: viz.draw(in_neurons(label), fold="layers", **theme)),
    "draw a table": Kind("draw", lambda label, theme: viz.draw(in_a_table(label), **theme)),
    "draw several": Kind("draw", lambda label, theme: viz.draw([labelled(label), made_by_hand(label)], **theme)),
    "draw steps": Kind("draw", lambda label, theme: viz.draw(steps_alike(label), **theme)),
    "draw with dot": Kind("draw", lambda label, theme: viz.draw(labelled(label), engine="dot", **theme), needs="dot"),
    "steps": Kind("steps", lambda label, theme: viz.steps(labelled(label), **theme)),
    "live": Kind("live", lambda label, theme: viz.live(labelled(label), **theme)),
    "replay": Kind("replay", lambda label, theme: viz.replay(*trained(label), names=[label, "b"], **theme), PLAIN),
    "curves": Kind("curves", lambda label, theme: viz.curves(history(label), **theme), PLAIN),
    "boundary": Kind("boundary", lambda label, theme: viz.boundary(*classified(label), **theme), PLAIN),
    "confusion_table": Kind(
        "confusion_table", lambda label, theme: viz.confusion_table(*classified(label), **theme), PLAIN
    ),
    "landscape": Kind("landscape", lambda label, theme: viz.landscape(*trained(label)[:4], **theme), PLAIN),
    "wish_bars": Kind("wish_bars", lambda label, theme: viz.wish_bars(*trained(label)[:4], **theme), PLAIN),
    "explain": Kind(
        "explain", lambda label, theme: viz.explain(labelled(label), **theme), (".txt", ".html", ".md", ".tex")
    ),
    "worksheet": Kind("worksheet", lambda label, theme: viz.worksheet(labelled(label)), (".txt", ".html")),
    "draw_dot": Kind("draw_dot", lambda label, theme: viz.draw_dot(made_by_hand(label)), (".gv",)),
}
