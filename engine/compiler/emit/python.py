"""Straight-line programs, a line for each scalar: Python on floats for one example, NumPy on columns (examples,)."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from ...op import NAMES, Op
from ...ops import power
from ..arrays.flattening import SUMS
from ..arrays.plan import Array
from ..literals import listed, literal
from ..scalar.code import Code, Ref, Scalar, uses_of
from .about import Interface
from .loops import blocks

RESERVED = re.compile(r"([xypuv]\d*|v\d+s|n|theta|value|value_and_grad|input_gradients|per_example|sum)|_\w*")
SHORT = 100  # characters
BEFORE_A_STAR = 255  # so many names may stand there in Python
BINDS = {"{} + {}": 1, "{} - {}": 1, "{} * {}": 2, "{} / {}": 2, "-{}": 3}  # how strongly Python's operators bind
CALL = 4  # a function call binds more strongly than all of these
MANY_OPERATIONS, WIDE = 500, 40  # arrays are faster on so many operations, if so many run in parallel
# Of so many operations, if fewer than so many run in parallel, packing takes far longer than it saves.
LONG = ((200, 3), (2000, 6))


def is_narrow(code: Code) -> bool:
    """Whether little of the code can run in parallel, so that floats are faster than arrays."""
    count = len(code.operations)
    return count < MANY_OPERATIONS or _is_deeper(code, count / WIDE)


def is_long(code: Code) -> bool:
    """Whether it is a long chain, such as the steps of a differential equation: on columns, it is not packed."""
    count = len(code.operations)
    limit = max([few for many, few in LONG if count >= many], default=0)
    return limit > 0 and _is_deeper(code, count / limit)


def _is_deeper(code: Code, limit: float) -> bool:
    """Whether more operations than that have to run one after the other."""
    left = sum([count for op, count in code.applied().items() if op not in SUMS])  # that may make it deeper
    depths = [1] * code.start
    deepest = 1  # of what has been looked at
    for op, arguments in zip(code.operations[code.start :], code.arguments[code.start :]):
        if deepest + left <= limit:  # even if all of the others run one after the other
            return False
        depth = 0
        for a in arguments:
            if a.__class__ is int and depths[a] > depth:
                depth = depths[a]
        if op not in SUMS:  # on arrays, a chain of additions is one sum
            depth += 1
            left -= 1
            deepest = max(deepest, depth)
        if depth > limit:
            return True
        depths.append(depth)
    return False


def function_names(code: Code) -> dict[Op, str]:
    """The names of the operations' functions in a text. A name has one meaning there: v3, x0 and theta are numbers,
    sum and math are what they are to the author of a spelling, and two rows may have the same name."""
    names: dict[Op, str] = {}
    taken = {*dir(builtins), *NAMES}
    for op in dict.fromkeys(code.operations):
        if isinstance(op, str):
            continue
        name = op.name.lstrip("_") or "row"  # what begins with an underscore is the text's own
        while name in taken or RESERVED.fullmatch(name):
            name += "_"
        taken.add(name)
        names[op] = name
    return names


def functions_of(code: Code) -> dict[str, Callable[..., float]]:
    """The operations' functions on floats, by the names that they have in a text."""
    return {name: op.forward for op, name in function_names(code).items()}


class Names(dict[int, str]):
    """How each result that is needed is called in a text: v and its place, unless it has another name."""

    def __init__(self, code: Code, results: Sequence[Scalar]) -> None:
        self.uses = uses_of(code, results)
        leaves: Any = code.operations[: code.start]
        super().__init__((place, name) for place, name in enumerate(leaves) if self.uses[place])

    def __missing__(self, place: int) -> str:
        name = self[place] = f"v{place}"
        return name

    def of(self, results: Iterable[Scalar]) -> list[str]:
        """The results as they stand in a text."""
        return [self[result.place] if isinstance(result, Ref) else literal(result) for result in results]


def lines(
    code: Code, results: Sequence[Scalar], floats: bool, names: Names | None = None
) -> list[tuple[str, list[int]]]:
    """The lines that compute the results, each with the places of the instructions in it; `names` tells how
    the results are called then.

    A short expression that is used once stands inside another one: that takes two thirds of the time.
    """
    names = Names(code, results) if names is None else names
    written, inside, uses = list[tuple[str, list[int]]](), dict[int, tuple[str, list[int], int]](), names.uses
    spellings = {op: _spelling(op, floats, function) for op, function in function_names(code).items()}
    work = [place for place in range(code.start, len(uses)) if uses[place]]
    for block in blocks(code, work, results, names, uses, floats):
        written += [(text, []) for text in block.head]
        start = len(written)
        for place, given in block.body:
            op: Any = code.operations[place]
            spelling, binds, apart, named_twice = spellings[op]
            arguments, held = [], [place]
            if floats and op is power and repr(given[1]) == "2.0":  # so the row computes it, too
                spelling, binds, apart, named_twice, given = "{0} * {0}", 2, 2, True, given[:1]
            for a in given:
                if a.__class__ is float:
                    arguments.append(literal(a))
                elif a in inside and named_twice:
                    text, more, _ = inside.pop(a)
                    written.append((f"{names[a]} = {text}", sorted(more)))
                    arguments.append(names[a])
                elif a in inside:
                    text, more, bound = inside.pop(a)
                    held += more  # needless parentheses would take Python's parser a third of its time
                    clear = bound > apart or (bound == apart and not arguments)
                    arguments.append(text if clear else f"({text})")
                else:
                    arguments.append(names[a])
            if op.variadic:
                arguments = [", ".join(arguments) if floats else listed(op, arguments)]
            text = spelling.format(*arguments)
            if uses[place] == 1 and len(text) <= SHORT:
                inside[place] = text, held, binds
            else:
                written.append((f"{names[place]} = {text}", sorted(held)))
        if block.repeated:
            written[start:] = [(f"    {text}", sorted([every for place in held for every in block.repeated[place]]))
                               for text, held in written[start:]]  # fmt: skip
        written += [(f"    {text}", []) for text in block.tail]
    return written


def on_floats(
    name: str, code: Code, results: Sequence[Scalar], interface: Interface, careful: bool = False
) -> str:  # fmt: skip
    """The function of that name (value, value_and_grad or input_gradients) on one example, in Python."""
    names = Names(code, results)
    used = set(names.values())  # the inputs and parameters
    body, given, start = list[str](), interface.names, 0
    for argument, size, shape, integers in zip(given, interface.sizes, interface.shapes, interface.whole):
        inputs = [f"x{i}" for i in range(start, start + size)]
        flat = argument + ".astype(float)" * integers + ".ravel()" * (len(shape) > 1)
        if not used.isdisjoint(inputs):
            body.append(_unpacked(inputs, used, f"{flat}.tolist()") if shape else f"{inputs[0]} = float({argument})")
        start += size
    parameters = [f"p{i}" for i in range(interface.parameters)]
    if not used.isdisjoint(parameters):
        body.append(_unpacked(parameters, used, "theta.tolist()"))
    body += [text for text, _ in lines(code, results, True, names)]
    body += _returned(name, names.of(results), interface.sizes, code.unmasked and not careful)
    return _function(f"{name}({', '.join(['theta', *given])})", body)


def on_long_columns(
    name: str, code: Code, results: Sequence[Scalar], inputs: Sequence[Array], careful: bool = False
) -> str:  # fmt: skip
    """bind(n, theta), which returns the function of that name (as in `on_floats`) on the columns of n examples."""
    arguments = ", ".join(f"x{i}" for i in range(len(inputs)))
    count = sum(array.lanes for array in inputs)
    body = []
    if count:
        rows = [f"{'*' * (not array.given.isidentifier())}np.asarray({array.given}, float)" for array in inputs]
        body.append(f"{_list(f'x{i}' for i in range(count))} = {_list(rows)}")
    leaves: Any = code.operations[: code.start]
    parameters = [leaf for leaf in leaves if leaf[0] == "p"]
    if parameters:
        body.append(f"{_list(parameters)} = theta")
    names = Names(code, results)
    body += [text for text, _ in lines(code, results, False, names)]
    returns = names.of(results)
    if name == "value_and_grad":
        returns = [f"{text}.mean()" if isinstance(result, Ref) and code.batched[result.place] else text
                   for text, result in zip(returns, results)]  # fmt: skip
    body += _returned(name, returns, [array.lanes for array in inputs], code.unmasked and not careful)
    inner = _function(f"{name}({arguments})", body).replace("\n", "\n    ").rstrip()
    title = '"""The function on the columns of n examples, with these parameters."""'
    return f"def bind(n, theta):\n    {title}\n\n    {inner}\n\n    return silent({name})\n"


def _function(head: str, body: Sequence[str]) -> str:
    return "\n    ".join([f"def {head}:", *body]) + "\n"


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"


def _unpacked(names: Sequence[str], used: set[str], numbers: str) -> str:
    """A line that gives names to those of the numbers that are used."""
    kept = [name if name in used else "_" for name in names]
    while kept[-1] == "_":
        kept.pop()
    if len(kept) > BEFORE_A_STAR:
        return f"{_list(kept)} = {numbers}[:{len(kept)}]"
    return f"{_list([*kept, '*_'] if len(kept) < len(names) else kept)} = {numbers}"


def _returned(name: str, results: Sequence[str], sizes: Sequence[int], checked: bool) -> list[str]:
    """The last lines of the function of that name. A value that is `checked` is nan if the gradient is."""
    if name == "value":
        return [f"return {_list(results)}"]
    output, *slopes = results
    if name == "value_and_grad" and checked:
        return [f"_slopes = {_list(slopes)}", f"return {output} + 0.0 * sum(_slopes), np.array(_slopes)"]
    if name == "value_and_grad":
        return [f"return {output}, np.array({_list(slopes)})"]
    if name == "per_example":
        return [f"return {_list(slopes)}"]
    return [f"return {_list(_list(slopes[end - size : end]) for size, end in zip(sizes, accumulate(sizes)))}"]


def _spelling(op: Op, floats: bool, name: str) -> tuple[str, int, int, bool]:
    """The operation with a {} for each argument, or one for all; how strongly it binds in an expression; how
    strongly an argument has to bind to stand in it without parentheses; and whether an array may stand in it twice."""
    if floats and ("np." in op.numpy or op.variadic):
        return f"{name}({', '.join(['{}'] * abs(op.arity))})", CALL, -1, False
    twice = not floats and (op.variadic or op.numpy.count("{") != op.arity)
    return op.numpy, BINDS.get(op.numpy, 0), BINDS.get(op.numpy, CALL), twice
