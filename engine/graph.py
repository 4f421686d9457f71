"""Walks over the graph of a Value: orders, backward, refresh, copying and pickling. None of them recurses."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .numeric import number, runs_operations
from .op import Op, operation
from .ops import add
from .recording import enable_grad

if TYPE_CHECKING:
    from .value import Value

LEAF, NEVER = 1 << 28, -(1 << 62)  # added to a Value's `_uses`: it is a leaf, it requires no gradient


def topological_order(root: Value) -> list[Value]:
    """All Values that `root` was made of, and itself; arguments come before what is made of them.

    >>> from chainrule import Value
    >>> a, b = Value(1.0, label="a"), Value(2.0, label="b")
    >>> [value.data for value in topological_order(a * b + a)]
    [1.0, 2.0, 2.0, 3.0]
    """
    order: list[Value] = []
    seen: set[int] = set()
    stack: list[Value | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all below the next one are in
            order.append(stack.pop())  # type: ignore[arg-type]
        elif id(node) not in seen:
            seen.add(id(node))
            stack += (node, None)
            stack += reversed(node._prev)
    return order


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """The nodes and the (argument, result) edges, as sets, as in micrograd's notebooks."""
    nodes = topological_order(root)
    return set(nodes), {(argument, node) for node in nodes for argument in node._prev}


def backpropagate(root: Value) -> None:
    """`for node in reversed(topological_order(root)): node._backward()`, from clean inner gradients, but fast.

    A node's turn comes when all nodes that were made of it have had theirs: it knows how many those are.
    """
    waiting: dict[Value, int] = {}  # so many of its users are still to come
    try:
        root.grad = 1.0
        _pass_back([root], waiting, {})
        if waiting:  # for users that are no part of this graph
            uses = _uses_below(waiting)
            _pass_back([node for node in waiting if not uses[node]], uses, None)
    except TypeError as problem:
        for node in topological_order(root):
            if not isinstance(node.grad, (int, float)):
                raise TypeError(f"{node.name()}.grad is {node.grad!r}; to clear a gradient, set it to 0.0") from problem
        raise


def _pass_back(stack: list[Value], waiting: dict[Value, int], groups: dict[int, Any] | None) -> None:
    """The chain rule, users first: argument.grad += local derivative * node.grad. groups: of neurons, see sums.py."""
    following = None
    while True:  # not `while stack`: CPython 3.11 would run it unspecialised, at half the speed, until the eighth call
        if following is None:
            if not stack:
                return
            following = stack.pop()
        node, following = following, None
        upstream = node.grad
        # Written out for the left and the right argument: a loop over the two takes half as long again.
        sum_of_two = node.operation is add  # the slopes are 1: no new numbers
        child, other = node._left, node._right  # both at once: another thread may unfold the node
        if child.__class__ is not float:
            uses = child._uses
            if uses == 1:  # as most have
                child.grad = upstream if sum_of_two else node._d_left * upstream or 0.0  # no -0.0
                following = child  # along a sum, whose nodes lie side by side in memory
            elif uses >= LEAF:
                child.grad += node._d_left * upstream
            elif uses > 0:  # `pass_to_shared`, written out
                left = waiting.pop(child, None)
                if left is None:
                    child.grad, left = node._d_left * upstream or 0.0, uses
                else:
                    child.grad += node._d_left * upstream
                if left > 1:
                    waiting[child] = left - 1
                else:
                    stack.append(child)
        elif other.__class__ is float and node._more is not None:
            _pass_back_by_method(node, stack, waiting)
        child = other
        if child.__class__ is not float:
            uses = child._uses
            if uses == 1:
                child.grad = upstream if sum_of_two else node._d_right * upstream or 0.0
                stack.append(child)
            elif uses >= LEAF:
                child.grad += node._d_right * upstream
            elif uses > 0:  # the same
                left = waiting.pop(child, None)
                if left is None:
                    child.grad, left = node._d_right * upstream or 0.0, uses
                else:
                    child.grad += node._d_right * upstream
                if left > 1:
                    waiting[child] = left - 1
                else:
                    stack.append(child)
            elif uses == 0:  # no Value: the products of a neuron, folded
                child.pass_back(upstream, stack, waiting, groups)


def pass_to_shared(child: Value, part: float, stack: list[Value], waiting: dict[Value, int]) -> None:
    """Add to a gradient; when the last part is there, it is this node's turn."""
    left = waiting.pop(child, None)
    if left is None:
        child.grad, left = 0.0, child._uses
    child.grad += part
    if left > 1:
        waiting[child] = left - 1
    else:
        stack.append(child)


def _pass_back_by_method(node: Value, stack: list[Value], waiting: dict[Value, int]) -> None:
    inner = [child for child in node._prev if 0 < child._uses < LEAF]
    for child in inner:
        if child not in waiting:
            child.grad, waiting[child] = 0.0, child._uses
    node._backward()
    for child in inner:
        pass_to_shared(child, 0.0, stack, waiting)


def _uses_below(nodes: Iterable[Value]) -> dict[Value, int]:
    """How often these inner nodes, and all that they were made of, are used among themselves; clears what is below."""
    uses = dict.fromkeys(nodes, 0)
    stack = list(uses)
    while stack:
        for child in _made_of(stack.pop()):
            if 0 < child._uses < LEAF:
                if child not in uses:
                    child.grad, uses[child] = 0.0, 0
                    stack.append(child)
                uses[child] += 1
    return uses


def _made_of(node: Value) -> Iterable[Value]:
    """The arguments; of a neuron's sum those of its products, so that it can stay folded."""
    right = node._right
    return right.arguments() if getattr(right, "_uses", None) == 0 else node._prev


def edges_by_hand(children: Any, slopes: Any) -> tuple[tuple[Any, float], ...]:
    """(argument, local derivative) for Value(data, children, operation or local derivatives)."""
    if isinstance(children, str) or not isinstance(children, Iterable):
        raise TypeError(f"children {children!r}: a tuple of Values, as in Value(3.0, (a, b), '+'); a name is label=...")
    arguments = [a if runs_operations(a) else number(a, "a node made by hand") for a in children]
    slopes = [0.0] * len(arguments) if isinstance(slopes, str) else [number(s, "a local derivative") for s in slopes]
    if len(slopes) != len(arguments):
        raise ValueError(f"{len(arguments)} children need as many local derivatives, got {len(slopes)}")
    return tuple(zip(arguments, slopes))


def needs_row(node: Value, what: str) -> Op:
    """The row of an inner node; an error for one that was made by hand."""
    if isinstance(node.operation, Op) and "_backward" not in node.__dict__:
        return node.operation
    made = "has a hand-written _backward" if "_backward" in node.__dict__ else "was made by hand"
    raise TypeError(f"cannot {what} {node.name()}: it {made}; add a row (chainrule.register) to get this")


def refresh(root: Value) -> None:
    """Compute the graph of `root` anew, in place, from its leaves' data; if that fails, all stays as it was."""
    inner = [(node, needs_row(node, "refresh")) for node in topological_order(root) if node.operation is not None]
    before = [(n.data, n.requires_grad, n._d_left, n._d_right, n._more) for n, _ in inner]
    try:
        with enable_grad():
            for node, op in inner:
                node._compute(op, node.arguments)
    except BaseException:
        for (n, _), state in zip(inner, before):
            n.data, n.requires_grad, n._d_left, n._d_right, n._more = state
        raise


# --- copying and pickling: a graph as flat lists, so that no depth is too deep

Rows = list[tuple[Any, ...]]


def flatten(root: Value) -> tuple[list[Value], Rows]:
    """The leaves, and for each inner node what makes it again; an argument is a float, or the number of a node."""
    order = topological_order(root)
    leaves = [node for node in order if node.operation is None]
    inner = [node for node in order if node.operation is not None]
    index = {id(node): i for i, node in enumerate(leaves + inner)}
    rows = []
    for node in inner:
        op = needs_row(node, "copy or pickle")
        edges = [(a if a.__class__ is float else index[id(a)], slope) for a, slope in node._edges]
        rows.append((op.name, edges, _state(node)))
    return leaves, rows


def rebuild(kind: type[Value], leaves: Sequence[Value], rows: Rows) -> Value:
    """The root of a graph that was flattened."""
    nodes = list(leaves)
    for name, edges, state in rows:
        node = restore(kind, state)
        arguments = [a if a.__class__ is float else nodes[a] for a, _ in edges]
        node._record(operation(name), arguments, [slope for _, slope in edges])
        nodes.append(node)
    return nodes[-1]


def restore(kind: type[Value], state: tuple[Any, ...]) -> Value:
    """A leaf in that state."""
    node = kind.__new__(kind)
    data, grad, label, requires_grad, attributes = state
    node._clear()  # not __init__: a subclass may want other arguments there
    node.data, node.grad, node.label, node.requires_grad = data, grad, label, requires_grad
    node.__dict__.update(attributes or {})
    return node


def _state(node: Value) -> tuple[Any, ...]:
    return node.data, node.grad, node.label, node.requires_grad, node.__dict__ or None


def reduce(root: Value) -> tuple[Any, ...]:
    """For pickle. Leaves are pickled as themselves, so that those of one pickle keep their identity."""
    if root.operation is None:  # its attributes come when it is there: they may refer to it
        kind = getattr(root, "original", type(root))  # a parameter has another class while a function is traced
        return restore, (kind, (*_state(root)[:-1], None)), root.__dict__ or None
    return rebuild, (type(root), *flatten(root))


def deep_copy(root: Value, memo: dict[int, Any]) -> Value:
    if root.operation is None:
        make, given, attributes = reduce(root)
        memo[id(root)] = twin = make(*given)
        twin.__dict__.update(copy.deepcopy(attributes, memo) or {})
        return twin  # type: ignore[no-any-return]
    leaves, rows = flatten(root)
    rows = [(name, edges, (*state[:-1], copy.deepcopy(state[-1], memo))) for name, edges, state in rows]
    return rebuild(type(root), [copy.deepcopy(leaf, memo) for leaf in leaves], rows)
