"""Walks over the graph of a Value: orders, backward, refresh; and what nodes made by hand have. None recurses.

backpropagate and refresh stand here as in a textbook. fast/ has quicker ones with the same results, which Values use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .node import AnyNode, Node
from .numeric import number, runs_operations
from .op import Op
from .recording import enable_grad


def topological_order(root: AnyNode) -> list[AnyNode]:
    """All Values that `root` was made of, and `root` itself; arguments come before their users.

    >>> from chainrule import Value
    >>> a, b = Value(1.0, label="a"), Value(2.0, label="b")
    >>> [value.data for value in topological_order(a * b + a)]
    [1.0, 2.0, 2.0, 3.0]
    """
    order: list[AnyNode] = []
    seen: set[int] = set()
    stack: list[AnyNode | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all arguments of the next node are in the order
            order.append(stack.pop())  # type: ignore[arg-type]
        elif id(node) not in seen:
            seen.add(id(node))
            stack += (node, None)
            stack += reversed(node._prev)
    return order


def trace(root: AnyNode) -> tuple[set[AnyNode], set[tuple[AnyNode, AnyNode]]]:
    """The nodes and the (argument, result) edges, as sets, as in micrograd's notebooks.

    Errors: TypeError for what is not a Value.

    >>> from chainrule import Value
    >>> a = Value(2.0)
    >>> nodes, edges = trace(a * a)
    >>> len(nodes), len(edges)
    (2, 1)
    """
    if not hasattr(root, "_prev"):
        raise TypeError(f"trace starts from one Value, got {type(root).__name__} {root!r:.60}")
    nodes = topological_order(root)
    return set(nodes), {(argument, node) for node in nodes for argument in node._prev}


def backpropagate(root: Any) -> None:
    """The chain rule at every node, in reverse topological order: users pass their gradient on before arguments do."""
    nodes, below = [], {root}  # the inner nodes to visit; one that requires no gradient passes none on
    for node in reversed(topological_order(root)):
        if node in below and node.operation is not None and node.requires_grad:
            nodes.append(node)
            below.update(node._prev)
    for node in nodes:
        node.grad = 0.0
    root.grad = 1.0
    reached = {root}
    for node in nodes:
        if node in reached:  # otherwise it stands behind the side of a where that was not taken
            node._backward()
            reached.update(argument for _, (argument, _) in walked_edges(node) if argument.__class__ is not float)


def has_own_backward(node: Any) -> bool:
    """Whether somebody has written `node._backward = ...`: then nothing else knows what the node passes on."""
    return "_backward" in node.__dict__


def leaves_out(node: Any, local_derivative: float) -> bool:
    """Whether a row that chooses (`where`, `pick`, `maximum`) did not choose the argument with this local derivative.

    The result is not made of that argument: nothing at all goes back to it, not even 0 · inf.
    """
    op = node.operation
    return local_derivative == 0.0 and isinstance(op, Op) and op.chooses and not has_own_backward(node)


def walked_edges(node: Any) -> list[tuple[int, tuple[Any, float]]]:
    """Place and (argument, local derivative) of each argument to which the node passes its gradient on."""
    return [(place, edge) for place, edge in enumerate(node._edges) if not leaves_out(node, edge[1])]


def check_gradients_are_numbers(root: Any) -> None:
    """Raise a TypeError that names the first node whose `.grad` is not a number."""
    for node in topological_order(root):
        if not isinstance(node.grad, (int, float)):
            raise TypeError(f"the .grad of {node.name()} is {node.grad!r}; to clear a gradient, set it to 0.0")


def refresh(root: Any) -> None:
    """Compute the graph of `root` anew, in place, from its leaves' data; if that fails, the graph stays as it was."""
    inner = [(node, needs_row(node, "refresh")) for node in topological_order(root) if node.operation is not None]
    before = [(n._data, n.requires_grad, n._d_left, n._d_right, n._more) for n, _ in inner]
    try:
        with enable_grad():
            for node, op in inner:
                node._compute(op, node.arguments)
    except BaseException:
        for (n, _), state in zip(inner, before):
            n._data, n.requires_grad, n._d_left, n._d_right, n._more = state
        raise


# --- nodes made by hand


def edges_by_hand(children: Any, slopes: Any) -> tuple[tuple[Any, float], ...]:
    """(argument, local derivative) for Value(data, children, operation or local derivatives)."""
    if isinstance(children, str) or not isinstance(children, Iterable):
        raise TypeError(f"children {children!r}: a tuple of Values is needed, as in Value(3.0, (a, b), '+'); "
                        "a name is label=...")  # fmt: skip
    arguments = [a if runs_operations(a) else number(a, "a node made by hand") for a in children]
    slopes = [0.0] * len(arguments) if isinstance(slopes, str) else [number(s, "a local derivative") for s in slopes]
    if len(slopes) != len(arguments):
        raise ValueError(f"{len(arguments)} children need as many local derivatives, got {len(slopes)}")
    return tuple(zip(arguments, slopes))


def needs_row(node: Node, what: str) -> Op:
    """The row of an inner node; an error for one that was made by hand."""
    if isinstance(node.operation, Op) and not has_own_backward(node):
        return node.operation
    made = "has a hand-written _backward" if has_own_backward(node) else "was made by hand"
    raise TypeError(f"cannot {what} {node.name()}: it {made}; add a row (chainrule.register) to get this")
