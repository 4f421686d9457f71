"""Stage 3: one line for each scalar: Python on floats where there is no batch, NumPy on columns (examples,)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ...op import Op
from ..arrays.pack import SUMS, Array
from ..scalar.code import Code, Ref, Term
from .text import literal, needed, uses_of

OURS = re.compile(r"([xypuv]\d*|n|np|float|theta|value|value_and_grad|input_gradients|_\w*)_*")
SHORT = 60  # characters
BINDS = {"{} + {}": 1, "{} - {}": 1, "{} * {}": 2, "{} / {}": 2, "-{}": 3}  # in Python, the more the stronger
CALL = 4
MANY, WIDE = 500, 40  # work on arrays pays from some 40 operations side by side, in programs of many


def is_narrow(code: Code) -> bool:
    """Whether there is little that could run side by side, so that floats are faster than arrays."""
    if len(code.operations) < MANY:
        return True
    depths: list[int] = []
    for op, arguments in zip(code.operations, code.arguments):
        depth = 0
        for a in arguments:
            if a.__class__ is int and depths[a] > depth:
                depth = depths[a]
        depths.append(depth + (op not in SUMS))  # of arrays, a chain of additions is one sum
    return len(depths) < WIDE * max(depths)


def name_of(op: Op) -> str:
    """What a row's function is called in a text where v3, x0 and theta stand for numbers."""
    return f"{op.name}_" if OURS.fullmatch(op.name) else op.name


def functions(code: Code) -> dict[str, Callable[..., float]]:
    """The rows' functions on floats, by the names that they have in a text."""
    return {name_of(op): op.forward for op in set(code.operations) if isinstance(op, Op)}


def lines(code: Code, results: Sequence[Term], floats: bool) -> list[tuple[str, list[int]]]:
    """The instructions that the results need, and which ones a line holds; on floats, short ones that are used once
    stand inside others: that takes two thirds of the time."""
    said, spellings = list[tuple[str, list[int]]](), dict[Op, tuple[str, int, int]]()
    places, inside = needed(code, results), dict[int, tuple[str, list[int], int]]()
    uses = uses_of(code, places, results)
    for place in places:
        op = code.operations[place]
        if isinstance(op, str):
            continue
        spelling, binds, apart = spellings.get(op) or spellings.setdefault(op, _spelling(op, floats))
        arguments, held = [], [place]
        for a in code.arguments[place]:
            if a.__class__ is float:
                arguments.append(literal(a))
            elif a in inside:
                text, more, bound = inside.pop(a)  # type: ignore[arg-type]
                held += more  # parentheses only where they are needed: they take Python's parser a third of its time
                clear = bound > apart or (bound == apart and not arguments)
                arguments.append(text if clear else f"({text})")
            else:
                arguments.append(_name(code, a))  # type: ignore[arg-type]
        if op.variadic:
            arguments = [", ".join(arguments) if floats else _list(arguments)]
        text = spelling.format(*arguments)
        if floats and uses[place] == 1 and len(text) <= SHORT:
            inside[place] = text, held, binds
        else:
            said.append((f"{_name(code, place)} = {text}", sorted(held)))
    return said


def on_floats(
    name: str, code: Code, results: Sequence[Term], inputs: Sequence[tuple[Array, tuple[int, ...]]], parameters: int
) -> str:
    """value, value_and_grad or input_gradients of one example as Python, line by line; inputs: arrays and shapes."""
    used = set(_leaves(code, results))
    body, groups, given = [], list[list[str]](), argument_names(len(inputs))
    said, start = _written(code, results), 0
    for argument, (array, shape) in zip(given, inputs):
        names = [f"x{i}" for i in range(start, start + array.lanes)]
        flat = argument + ".astype(float)" * array.whole_numbers + ".ravel()" * (len(shape) > 1)
        if not used.isdisjoint(names):
            body.append(_unpacked(names, used, f"{flat}.tolist()") if shape else f"{names[0]} = float({argument})")
        groups.append(said[1 + start : 1 + start + array.lanes])
        start += array.lanes
    names = [f"p{i}" for i in range(parameters)]
    if not used.isdisjoint(names):
        body.append(_unpacked(names, used, "theta.tolist()"))
    if name == "value":
        returned = _list(said)
    else:
        returned = f"{said[0]}, np.array({_list(said[1:])})" if name == "value_and_grad" else _list(map(_list, groups))
    head = f"{name}({', '.join(['theta', *given])})"
    return _function(head, [*body, *(text for text, _ in lines(code, results, True)), f"return {returned}"])


def on_columns(name: str, code: Code, results: Sequence[Term]) -> str:
    """A function of the inputs x, a list of columns, and the parameters p."""
    body = [f"{leaf} = {leaf[0]}[{leaf[1:]}]" for leaf in _leaves(code, results)]
    body += [text for text, _ in lines(code, results, False)]
    return _function(f"{name}(x, p)", [*body, f"return {_list(_written(code, results))}"])


def argument_names(count: int) -> list[str]:
    """What inputs are called: x, y; or x, u1, u2, …"""
    return ["x", "y"] if count == 2 else ["x", *(f"u{i}" for i in range(1, count))][:count]


def _function(head: str, body: Sequence[str]) -> str:
    return "\n    ".join([f"def {head}:", *body]) + "\n"


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"


def _unpacked(names: Sequence[str], used: set[str], numbers: str) -> str:
    """A line that gives names to the numbers that are used."""
    kept = [name if name in used else "_" for name in names]
    while kept[-1] == "_":
        kept.pop()
    return f"{_list([*kept, '*_'] if len(kept) < len(names) else kept)} = {numbers}"


def _leaves(code: Code, results: Sequence[Term]) -> list[str]:
    """The inputs and parameters that the results need."""
    return [op for op in (code.operations[place] for place in needed(code, results)) if isinstance(op, str)]


def _name(code: Code, place: int) -> str:
    op = code.operations[place]
    return op if isinstance(op, str) else f"v{place}"


def _written(code: Code, results: Sequence[Term]) -> list[str]:
    return [_name(code, result.place) if isinstance(result, Ref) else literal(result) for result in results]


def _spelling(op: Op, floats: bool) -> tuple[str, int, int]:
    """The operation with {} for each argument, or for all of them; Python's own operators where those do. And how
    strongly it binds, and its arguments have to bind."""
    if floats and ("np." in op.numpy or op.variadic):
        return f"{name_of(op)}({', '.join(['{}'] * abs(op.arity))})", CALL, -1
    return op.numpy, BINDS.get(op.numpy, 0), BINDS.get(op.numpy, CALL)
