"""Copying and pickling a graph as flat lists, so that graphs may be of any depth."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from .graph import needs_row, topological_order
from .op import operation
from .reads import held, in_derivative, ticket

Rows = list[tuple[Any, ...]]  # for each inner node: the name of its row, its edges, its state

MADE_ANEW = {"_more", "_reads", "_unfolded", "_variable", "label"}  # rows and states hold what a copy needs of these


def flatten(root: Any) -> tuple[list[Any], Rows]:
    """The leaves, and for each inner node what makes it again; an argument is a float, or the number of a node."""
    order = topological_order(root)
    leaves = [node for node in order if node.operation is None]
    inner = [node for node in order if node.operation is not None]
    index = {id(node): i for i, node in enumerate(leaves + inner)}
    rows = []
    for node in inner:
        op = needs_row(node, "copy or pickle")
        edges = [(a if a.__class__ is float else index[id(a)], slope) for a, slope in node._edges]
        rows.append((op.name, edges, (*_state(node)[:-1], None)))
    return leaves, rows


def attributes_of(root: Any) -> list[Any] | None:
    """The attributes of the inner nodes, in the order of their rows; None if there are none."""
    found = [_attributes(node) for node in topological_order(root) if node.operation is not None]
    return found if any(found) else None


def set_state(node: Any, state: Any) -> None:
    """Give a copy its attributes, and if it is a root, those of its graph: they may refer to the copy itself."""
    inner = [one for one in topological_order(node) if one.operation is not None]
    for one, attributes in zip(inner or [node], state if isinstance(state, list) else [state]):
        one.__dict__.update(attributes or {})


def rebuild(kind: Any, leaves: Sequence[Any], rows: Rows) -> Any:
    """The root of a graph that was flattened."""
    nodes = list(leaves)
    for name, edges, state in rows:
        node = restore(kind, state)
        arguments = [a if a.__class__ is float else nodes[a] for a, _ in edges]
        node._record(operation(name), arguments, [slope for _, slope in edges])
        nodes.append(node)
    return nodes[-1]


def restore(kind: Any, state: tuple[Any, ...]) -> Any:
    """A node with this state, and without arguments."""
    node = kind.__new__(kind)
    data, grad, label, requires_grad, attributes = state
    node._clear()  # not __init__: a subclass may want other arguments there
    node._data, node.grad, node.label, node.requires_grad = data, grad, label, requires_grad
    node.__dict__.update(attributes or {})
    return node


def _attributes(node: Any) -> dict[str, Any]:
    """What people have hung on a node."""
    return {name: kept for name, kept in node.__dict__.items() if name not in MADE_ANEW}


def _state(node: Any) -> tuple[Any, ...]:
    return node._data, node.grad, node.label, node.requires_grad, _attributes(node) or None


def reduce(root: Any, kind: Any) -> tuple[Any, ...]:
    """What __reduce__ returns to pickle; `kind` is the class of the copy.

    Leaves are pickled as themselves, so that those of one pickle keep their identity.
    """
    if in_derivative(root):
        made = (restore, (kind, _state(root))) if root.operation is None else (rebuild, (kind, *flatten(root)))
        return _same_node, (ticket(root), *made)
    if root.operation is None:  # its attributes are restored after it, since they may refer to it
        *state, attributes = _state(root)
        return restore, (kind, (*state, None)), attributes
    return rebuild, (kind, *flatten(root)), attributes_of(root)


def _same_node(ticket: tuple[str, int], make: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    """What was pickled while a derivative was taken: the node itself as long as it is being taken, later a copy."""
    node = held(ticket)
    return make(*given) if node is None else node


def deep_copy(root: Any, kind: Any, memo: dict[int, Any]) -> Any:
    """The copy of a graph, whose root gets the class `kind`.

    While a derivative to the root is being taken, it is the root itself, so that no path is lost.
    """
    if in_derivative(root):
        return root
    if root.operation is None:
        make, given, attributes = reduce(root, kind)
        memo[id(root)] = twin = make(*given)
        twin.__dict__.update(copy.deepcopy(attributes, memo) or {})
        return twin
    leaves, rows = flatten(root)
    memo[id(root)] = twin = rebuild(kind, [copy.deepcopy(leaf, memo) for leaf in leaves], rows)
    set_state(twin, copy.deepcopy(attributes_of(root), memo) or [])
    return twin
