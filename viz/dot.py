"""draw_dot() and trace(): micrograd's pictures, for those who want DOT."""

from __future__ import annotations

import graphviz

from chainrule.engine import Value
from chainrule.engine.graph import trace

from .common.text import clean
from .stepper.chain import values_of

__all__ = ["draw_dot", "trace"]


def draw_dot(
    root: Value,
    format: str = "svg",  # noqa: A002 - micrograd's name for it
    rankdir: str = "LR",
) -> graphviz.Digraph:
    """micrograd's picture: a record for each value, a node for each operation; rendering it needs Graphviz's `dot`.

    Errors: ValueError for a direction other than LR and TB.
    """
    if rankdir not in ("LR", "TB"):
        raise ValueError(f"rankdir {rankdir!r}: there are 'LR' and 'TB'")
    order = values_of(root)
    dot = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    number = {id(value): str(index) for index, value in enumerate(order)}  # the same DOT at each run
    for value in order:
        name = number[id(value)]
        record = f"{{ {_in_record(value.label)} | data {value.data:.4f} | grad {value.grad:.4f} }}"
        dot.node(name, record, shape="record")
        if value._op:
            dot.node(f"{name}op", graphviz.escape(clean(value._op)))
            dot.edge(f"{name}op", name)
        for parent in value._prev:
            dot.edge(number[id(parent)], f"{name}op" if value._op else name)
    return dot


def _in_record(label: str) -> str:
    """A label for a field of a record: the signs that divide fields and start commands mean themselves."""
    text = clean(label).replace("&", "&amp;")  # Graphviz would read entities
    for sign in "\\{}|<> ":
        text = text.replace(sign, "\\" + sign)
    return text
