"""Passes 1 to 3: a function runs on two examples, becomes code, and runs eagerly to see that the code is right."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..value import Value
from .arrays.plan import Array
from .emit.python import is_long, is_narrow
from .run.specialisation import Specialisation
from .scalar.comparing import compare
from .scalar.eager import compare_with_eager
from .scalar.lowering import lower
from .trace.chance import sources, states
from .trace.tape import Replay, Tape, TraceError, same_argument
from .trace.tracer import as_traced, run_on_tape, settle, traced_input

# What Python and NumPy say where a Value stands in place of a list, and where a list has another length.
NO_LIST = re.compile("'Value' object (is not|has no)|'Value' has no len|iterable Value|iterable, not Value|"
                     "enough dimensions|got 1 input;")  # fmt: skip
TOO_SHORT = re.compile("out of range|out of bounds|values to unpack|broadcast|not aligned|mismatch|positional argument|"
                       "got [0-9]+ inputs?;")  # fmt: skip
LARGE = 20_000  # operations; of so many, one example is enough to compare with eager code


def specialised(
    f: Callable[..., Any], parameters: Sequence[Value], arrays: Sequence[NDArray[Any]],
    shapes: Sequence[tuple[int, ...]], batch: bool, two: bool, allow: bool,
) -> Specialisation:  # fmt: skip
    """f for inputs of these shapes: it runs on the first example, and if there are `two`, on the second one, too.

    `allow`: whether it may read numbers.
    """
    inputs = [traced_input(requires_grad=array.dtype.kind == "f")
              for array, shape in zip(arrays, shapes) for _ in range(math.prod(shape))]  # fmt: skip
    examples = [[np.asarray(array[i] if batch and array.ndim else array) for array in arrays] for i in (0, int(two))]
    first, last = [[number for given in example for number in given.astype(float).ravel().tolist()]
                   for example in examples]  # fmt: skip
    tape = Tape(inputs, first, allow, batch)
    with as_traced(parameters):  # for both runs, because there may be many
        try:
            outputs, several = run_on_tape(f, _shaped(inputs, shapes), tape)
        except Exception as problem:
            if batch:
                _add_note(problem, arrays, shapes)
            raise
        replay = Replay(inputs, last, allow, tape)
        chances = sources(f)
        before = states(chances)
        again, _ = run_on_tape(f, _shaped(inputs, shapes), replay)
    code, results, constants = lower(outputs, inputs, parameters, tape.nodes, tape.lines)
    if next(replay.expected, None) is not None or replay.differs:  # f may have found something in a cache
        settle([*tape.nodes, *replay.nodes])
    if len(again) != len(outputs) or not all(map(same_argument, again, outputs)):
        where = f"{replay.differs.file}:{replay.differs.line}: " if replay.differs else ""
        where += "example 0 and example 1" if two else "two runs on example 0"
        # A run that does not get the first one's nodes may still write the same program. Three times, because a
        # function with random numbers may do so by chance, but hardly three times in a row.
        for _ in range(3):
            once_more = Tape(inputs, last, allow, batch)
            with as_traced(parameters):
                again, _ = run_on_tape(f, _shaped(inputs, shapes), once_more)
            code_again, results_again, _ = lower(again, inputs, parameters, once_more.nodes, once_more.lines)
            compare(code, results, code_again, results_again, where)
            settle(once_more.nodes)
    compared = (0, 1) if two and len(code.operations) < LARGE else (int(two),)
    compare_with_eager(f, {i: examples[i] for i in compared}, code, results, parameters)
    if states(chances) != before:
        raise ValueError(
            "the function draws random numbers each time it runs, and a program would repeat those of its trace "
            "for ever; draw them outside, and hand them in as inputs"
        )
    layout = [_layout(array, shape, i, len(arrays), batch) for i, (array, shape) in enumerate(zip(arrays, shapes))]
    return Specialisation(
        code, results, several, len(inputs), len(parameters), tape.numbers_read, constants, layout, list(shapes),
        narrow=not batch and is_narrow(code),
        batch=batch,
        long=batch and is_long(code),
        compared=two or not allow,  # a function that reads no number does the same on all examples
    )  # fmt: skip


def _add_note(problem: Exception, arrays: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> None:
    """Say what one example is, if the function takes it for something else."""
    if isinstance(problem, TraceError) or not hasattr(problem, "add_note"):  # Python 3.11
        return
    single = [i for i, shape in enumerate(shapes) if not shape]
    if single and NO_LIST.search(str(problem)):
        i, shape = single[0], arrays[single[0]].shape
        each = f"has shape {shape}, so each of its numbers is an example" if shape else "is a number"
        problem.add_note(
            f"(Input {i} {each}, and the function gets one Value. For one example of several numbers, write x[None].)"
        )
    elif TOO_SHORT.search(str(problem)):
        each = ", ".join(f"input {i} has shape {shape}" for i, shape in enumerate(shapes))
        problem.add_note(f"(The function ran on one example, of which {each}.)")


def _shaped(inputs: Sequence[Value], shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """The arguments of f: for each input a Value, or a new array of Values, which f may change."""
    given, start = [], 0
    for shape in shapes:
        array = np.empty(math.prod(shape), dtype=object)
        array[:] = inputs[start : start + array.size]
        start += array.size
        given.append(array.reshape(shape) if shape else array[0])
    return given


def _layout(array: NDArray[Any], shape: tuple[int, ...], i: int, count: int, batch: bool) -> Array:
    """Input i, of `count` inputs, as an array of the program, in which each of its numbers is a lane."""
    lanes = math.prod(shape)
    given = f"x{i}"
    if len(shape) > 1 or (shape and not batch):
        given += f".reshape(n, {lanes}).T"
    elif shape:
        given += ".T"
    name = "h0" if i == 0 else "y" if count == 2 else f"u{i}"
    return Array(lanes, True, name, given, array.dtype.kind != "f")
