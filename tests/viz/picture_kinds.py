"""Every kind of picture and page that viz makes, each from a label and a theme; test_pictures.py tests their laws."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chainrule import viz
from chainrule.engine import Value

NOT_PICTURES = {"trace"}  # functions of viz that make no picture: trace() gives two sets

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


def history(label: str) -> SimpleNamespace:
    """The history of a training, with a metric of that name."""
    return SimpleNamespace(epochs=[1, 2, 3], train_loss=[1.0, 0.5, 0.25], test_loss=[1.0, 0.75, 0.5],
                           metrics={label: [0.25, 0.5, 0.75]})  # fmt: skip


KINDS = {
    "draw": Kind("draw", lambda label, theme: viz.draw(made_by_hand(label), **theme)),
    "draw by neurons": Kind("draw", lambda label, theme: viz.draw(in_neurons(label), fold="neurons", **theme)),
    "draw by layers": Kind("draw", lambda label, theme: viz.draw(in_neurons(label), fold="layers", **theme)),
    "draw with dot": Kind("draw", lambda label, theme: viz.draw(labelled(label), engine="dot", **theme), needs="dot"),
    "steps": Kind("steps", lambda label, theme: viz.steps(labelled(label), **theme)),
    "curves": Kind("curves", lambda label, theme: viz.curves(history(label), **theme), (".svg", ".html")),
    "explain": Kind("explain", lambda label, theme: viz.explain(labelled(label)), (".txt", ".html", ".md", ".tex")),
    "draw_dot": Kind("draw_dot", lambda label, theme: viz.draw_dot(made_by_hand(label)), (".gv",)),
}
