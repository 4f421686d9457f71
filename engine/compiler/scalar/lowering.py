"""From traced Values to Code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...graph import needs_row, topological_order
from ...op import Op
from ...value import Value
from ..trace.tape import stored_number
from .code import Argument, Code, Ref, Scalar

MANY = 8  # arguments


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
    put, sources = code.put, code.sources
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

    where: tuple[Argument, ...]
    for node, op, arguments, line in _reached(outputs, tape, lines):
        try:
            if len(arguments) == 2:  # as most have; a list would take twice the time
                a, b = arguments
                where = a if a.__class__ is float else found[id(a)], b if b.__class__ is float else found[id(b)]
            elif len(arguments) > MANY:  # without a line of Python for each, which takes longer for a few
                where = tuple(map(found.__getitem__, map(id, arguments)))
            else:
                where = tuple([a if a.__class__ is float else found[id(a)] for a in arguments])
        except KeyError:  # one of them is on no tape, or a number among many
            where = tuple(map(find, arguments))
        place = found[id(node)] = put(op, where, node.label or op.micrograd or op.name)
        if place.__class__ is int:
            sources.setdefault(place, line)
    where = tuple([find(output) for output in outputs])
    return code, [Ref(code, each) if each.__class__ is int else each for each in where], constants


def _reached(
    outputs: Sequence[Value], tape: Sequence[Any], lines: Sequence[tuple[str, int]]
) -> list[tuple[Value, Op, tuple[Any, ...], tuple[str, int]]]:
    """The nodes on the tape that the outputs depend on, with their operations, arguments and lines."""
    wanted = {id(output) for output in outputs}
    two = {op for op in {node.operation for node in tape} if op.arity == 2}
    found = []
    arguments: tuple[Any, ...]
    for node, line in zip(reversed(tape), reversed(lines)):
        if id(node) in wanted:
            op = node.operation
            if op in two:
                a, b = arguments = node._left, node._right
                wanted.add(id(a))
                wanted.add(id(b))
            else:
                arguments = (node._left,) if node._more is None else node._more
                wanted.update(map(id, arguments))
            found.append((node, op, arguments, line))
    return found[::-1]
