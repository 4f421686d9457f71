"""draw_dot() and trace(): the picture of micrograd's notebooks, in Graphviz's language DOT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.engine import Value
from chainrule.engine.graph import trace

from .common.choices import check_choice
from .common.text import clean, in_record
from .common.values import values_of

if TYPE_CHECKING:
    import graphviz

__all__ = ["draw_dot", "trace"]


def draw_dot(
    root: Value,
    format: str = "svg",  # noqa: A002 - micrograd's name for it
    rankdir: str = "LR",
) -> graphviz.Digraph:
    """micrograd's picture, a record for each value and a node for each operation; to show it needs Graphviz's `dot`.

    `format` is the one that .render() writes, such as "svg" or "png"; `rankdir` is "LR" (left to right) or "TB".

    Errors: ValueError for any other `rankdir` and for an unknown `format`; TypeError for what is not a Value.

    >>> from chainrule import Value
    >>> a = Value(2.0, label="a")
    >>> draw_dot(a * a).source.count("->")  # twice into the product's node, and out of it
    3
    """
    import graphviz  # here, for those who never call this

    check_choice("rankdir", rankdir, ("LR", "TB"))
    if not (isinstance(format, str) and format.lower() in graphviz.FORMATS):
        raise ValueError(f"format={format!r} is none that Graphviz writes, such as 'svg', 'png' and 'pdf'")
    order = values_of(root)
    dot = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    number = {id(value): str(index) for index, value in enumerate(order)}  # so that the DOT is the same at each run
    for value in order:
        name = number[id(value)]
        record = f"{{ {in_record(value.label)} | data {value.data:.4f} | grad {value.grad:.4f} }}"
        dot.node(name, record, shape="record")
        if value._op:
            dot.node(f"{name}op", graphviz.escape(clean(value._op)))
            dot.edge(f"{name}op", name)
        for parent in value._prev:
            dot.edge(number[id(parent)], f"{name}op" if value._op else name)
    return dot
