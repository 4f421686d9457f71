"""A program scalar by scalar as JavaScript: a line for each operation, for what runs little in parallel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..expression import expression
from ..scalar.code import Argument, Code, Ref, Scalar, needed
from .about import Interface
from .javascript import applied, bare, number

MANY = 400  # of more lines, the numbers stand in an array, and a function for each so many lines is soon compiled


def bind_on_scalars(
    name: str, code: Code, results: Sequence[Scalar], interface: Interface, still: Sequence[int] = ()
) -> str:
    """The text of bind_NAME(n), as `bind_on_arrays` writes it, and of NAME_of, which computes one example."""
    places = [place for place in needed(code, results) if not isinstance(code.operations[place], str)]
    large = len(places) > MANY
    leaves = _leaves(interface)

    def text(argument: Argument) -> str:
        if argument.__class__ is float:
            return number(argument)
        op = code.operations[argument]  # type: ignore[index]
        return leaves(op) if isinstance(op, str) else f"v[{argument}]" if large else f"v{argument}"

    lines = [f"{'' if large else 'const '}{text(place)} = "
             f"{bare(applied(expression(code.operations[place]), [text(a) for a in code.arguments[place]]))};"
             for place in places]  # fmt: skip
    given = "".join([f", x{i}" for i in range(len(interface.shapes))]) + ", k"
    returned = f"return [{', '.join([text(r.place if isinstance(r, Ref) else float(r)) for r in results])}];"
    if not large:
        functions = [_function(f"{name}_of(theta{given})", [*lines, returned])]
    else:
        parts = [lines[start : start + MANY] for start in range(0, len(lines), MANY)]
        functions = [_function(f"{name}_{i}(v, theta{given})", part) for i, part in enumerate(parts)]
        calls = [f"{name}_{i}(v, theta{given});" for i in range(len(parts))]
        start = [f"const v = new Float64Array({places[-1] + 1});"]
        functions.append(_function(f"{name}_of(theta{given})", [*start, *calls, returned]))
    body = _returned(name, f"{name}_of(theta{given})", interface, still)
    given = given.removesuffix(", k")
    functions.append(f"function bind_{name}(n) {{\n  return (theta{given}) => {{\n"
                     + "".join([f"    {line}\n" for line in body]) + "  };\n}\n")  # fmt: skip
    return "\n".join(functions)


def _leaves(interface: Interface) -> Callable[[str], str]:
    """A function from the name of an input or a parameter in the code to its text."""
    places, sizes = interface.places, interface.sizes

    def leaf(name: str) -> str:
        if name[0] == "p":
            return f"theta[{name[1:]}]"
        i, lane = places[int(name[1:])]
        if not interface.batch:
            return f"x{i}[{lane}]"
        return f"x{i}[{'k' if sizes[i] == 1 else f'k * {sizes[i]} + {lane}' if lane else f'k * {sizes[i]}'}]"

    return leaf


def _function(head: str, lines: Sequence[str]) -> str:
    return f"function {head} {{\n" + "".join([f"  {line}\n" for line in lines]) + "}\n"


def _returned(name: str, call: str, interface: Interface, still: Sequence[int]) -> list[str]:
    """The lines that run the examples one after the other, and return the results."""
    batch, several = interface.batch, interface.outputs is not None
    if name == "value":
        if not batch:
            return ["const k = 0;", f"return {f'Float64Array.from({call})' if several else f'{call}[0]'};"]
        return [f"return every((k) => {call}, n);"]
    if name == "value_and_grad":
        slopes = "sum.slice(1)" if not still else f"still(sum.slice(1), [{', '.join(map(str, still))}])"
        return [f"const sum = means((k) => {call}, n, {1 + interface.parameters});", f"return [sum[0], {slopes}];"]
    lines, start, found = [f"const rows = every((k) => {call}, n);"], 1, list[str]()
    width = 1 + sum(interface.sizes)
    for size, shape, integers in zip(interface.sizes, interface.shapes, interface.whole):
        cut = f"cut(rows, {width}, {start}, {size}, n)"
        found.append("null" if integers else cut + "[0]" * (not batch and not shape))
        start += size
    return [*lines, f"return {found[0] if len(found) == 1 else '[' + ', '.join(found) + ']'};"]
