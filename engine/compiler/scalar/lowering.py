"""From traced Values to Code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...graph import needs_row, topological_order
from ...value import Value
from ..trace.tape import stored_number
from .code import Argument, Code, Ref, Scalar


def lower(
    outputs: Sequence[Value],
    inputs: Sequence[Value],
    parameters: Sequence[Value],
    tape: Sequence[Value] = (),
    lines: Sequence[tuple[str, int]] = (),
) -> tuple[Code, list[Scalar], list[Value]]:
    """The code that computes the outputs, the outputs in it, and the Values that are constants in it.

    The code begins with the inputs, and then the parameters. The tape holds the nodes that were made while tracing, in
    order, and `lines` the line of the user's own code for each; a Value that is not on it was computed before.
    """
    code, constants = Code(), list[Value]()
    put = code.put
    found: dict[int, Argument] = {}
    for prefix, batched, leaves in (("x", True, inputs), ("p", False, parameters)):
        names = [f"{prefix}{i}" for i in range(len(leaves))]
        found.update(zip(map(id, leaves), code.leaves(names, batched, [value.label for value in leaves])))

    def find(value: Any) -> Argument:
        """Where a number is, or a Value that may be on no tape."""
        if value.__class__ is float:
            return value
        for node in () if id(value) in found else topological_order(value):
            if id(node) not in found and node.operation is None:
                constants.append(node)
                found[id(node)] = stored_number(node)
            elif id(node) not in found:
                op = needs_row(node, "compile")
                found[id(node)] = put(op, tuple(map(find, node.arguments)), node.label or op.micrograd or op.name)
        return found[id(value)]

    operations: Any = {node.operation for node in tape}
    two = {op for op in operations if op.arity == 2}
    where: tuple[Argument, ...]
    for node, line in _reached(outputs, tape, lines):
        op = node.operation
        try:
            if op in two:  # as most are; a list would take twice the time
                a, b = node._left, node._right
                where = a if a.__class__ is float else found[id(a)], b if b.__class__ is float else found[id(b)]
            elif node._more is None:
                where = (found[id(node._left)],)
            else:
                where = tuple(map(found.__getitem__, map(id, node._more)))
        except KeyError:  # one of them is on no tape, or a number among many
            where = tuple(map(find, node.arguments))
        found[id(node)] = put(op, where, node.label or op.micrograd or op.name, line)
    where = tuple([find(output) for output in outputs])
    return code, [Ref(code, each) if each.__class__ is int else each for each in where], constants


def _reached(
    outputs: Sequence[Value], tape: Sequence[Any], lines: Sequence[tuple[str, int]]
) -> list[tuple[Any, tuple[str, int]]]:
    """The nodes on the tape that the outputs depend on, with their lines."""
    wanted, found = {id(output) for output in outputs}, []
    for pair in zip(reversed(tape), reversed(lines)):
        node = pair[0]
        if id(node) in wanted:
            wanted.add(id(node._left))
            wanted.add(id(node._right))  # where there is none, it is a number
            if node._more is not None:
                wanted.update(map(id, node._more))
            found.append(pair)
    return found[::-1]
