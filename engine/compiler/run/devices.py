"""Programs for devices: C in double, in float or with bytes as weights, and how far its numbers are off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays.meaning import Meaning
from ..arrays.whole import Function, whole
from ..emit.about import About
from ..emit.c_file import CFile, c_file
from ..emit.c_int8 import byte_function, in_bytes
from ..trace.tracer import ONE_AT_A_TIME
from .running import Call
from .specialisation import Specialisation

DTYPES = ("float64", "float32", "int8")


LARGEST = float(np.finfo(float).max)


class Rounding(NamedTuple):
    """What a program in C with few digits makes of some examples, beside the same program in float64.

    `outputs` are its own. Shapes: (n, outputs).
    """

    dtype: str
    outputs: NDArray[np.float64]
    error: float  # the largest one of an output
    largest: float  # the largest output
    gradient_error: float | None  # the largest one of the mean's gradient
    largest_slope: float | None

    def __str__(self) -> str:
        count, several = len(self.outputs), "s" * (len(self.outputs) != 1)
        said = f"{self.dtype}, measured on {count} example{several}: an output differs from that of float64 by at most "
        said += f"{self.error:.2g} (the largest output is {self.largest:.3g})"
        if self.gradient_error is None:
            return said
        return f"{said}, the gradient by at most {self.gradient_error:.2g} (largest: {self.largest_slope:.3g})"


def c_files(
    name: str, program: Any, about: About | None = None, dtype: str = "float64", examples: Sequence[Any] = (),
    training: Any = None, truths: Sequence[Any] = (), notes: Sequence[str] = (),
) -> tuple[CFile, Rounding | None]:  # fmt: skip
    """The program as C, with numbers of this dtype; and its rounding on the examples, if there are some.

    `training` is another program with the same parameters, of which the file has value_and_grad and the step, too; its
    inputs are those of the examples and the `truths`. `notes` stand in the first comment.

    Errors: ValueError for another dtype, for int8 without examples, for int8 and training, and for a parameter that is
    not finite, or that float cannot hold.
    """
    traced, theta = program._latest(), program.parameters().tolist()
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r} is not one of {', '.join(map(repr, DTYPES))}")
    largest = LARGEST if dtype == "float64" else float(np.finfo(np.float32).max)
    odd = next((i for i, number in enumerate(theta) if not abs(number) <= largest), None)
    if odd is not None:
        held = "finite numbers" if dtype == "float64" else f"numbers up to {largest:.3g}, as {dtype} does"
        raise ValueError(f"parameter {odd} of {len(theta)} is {theta[odd]!r}, and a file of C holds {held}")
    given = flat_inputs(traced, examples) if len(examples) else []
    rounding = rounding_of(traced, theta, dtype, given) if given and dtype != "float64" else None
    if rounding and training is not None:
        learns = training._latest()
        both = flat_inputs(learns, [*examples, *truths]) if len(truths) else None
        slopes = gradient_rounding(learns, theta, both) if both else (None, None)
        rounding = rounding._replace(gradient_error=slopes[0], largest_slope=slopes[1])
    notes = [*notes, *[f"{rounding}."] * (rounding is not None)]
    if dtype != "int8":
        learns = (training or program)._latest()
        functions = [traced.c_function("value", one=True)]
        functions += [learns.c_function(one, one=True) for one in learns.names if one == "value_and_grad"]
        file = c_file(
            name, functions, theta, about, still=program._without_gradient(), floats=dtype == "float32", notes=notes
        )
        return file, rounding
    if training is not None:
        raise ValueError('bytes cannot learn: with a loss, write dtype="float32"')
    if not given:
        raise ValueError(
            'dtype="int8" needs examples, from which it takes the ranges of the numbers: write save("net.c", '
            'dtype="int8", examples=(X,)), with the inputs of a call'
        )
    with ONE_AT_A_TIME:
        function = whole(traced.array_plan(), "value")
        if not any(array.op == "matmul" for array in function.code):
            raise ValueError('dtype="int8" rounds matrices of parameters, and this program has none; take "float32"')
        made = byte_function(function, theta, given)
    return c_file(name, [made], [], about, floats=True, notes=notes), rounding


def rounding_of(traced: Specialisation, theta: Sequence[float], dtype: str, inputs: Sequence[Any]) -> Rounding:
    """How far the numbers of this dtype are off. Shapes: each input (n, lanes)."""
    with ONE_AT_A_TIME:
        function = whole(traced.array_plan(), "value")
        exact = _outputs(Meaning(function, theta, inputs))
        if dtype == "int8":
            rough = _outputs(in_bytes(function, theta, inputs))
            return Rounding(dtype, rough, *_off(rough, exact), None, None)
        rough = _outputs(Meaning(function, theta, inputs, np.float32))
        slopes = gradient_rounding(traced, theta, inputs)
        return Rounding(dtype, rough, *_off(rough, exact), *slopes)


def gradient_rounding(
    traced: Specialisation, theta: Sequence[float], inputs: Sequence[Any]
) -> tuple[float, float] | tuple[None, None]:
    """The largest error in float of the mean's gradient, and its largest number. Shapes: each input (n, lanes)."""
    with ONE_AT_A_TIME:
        if "value_and_grad" not in traced.names:
            return None, None
        both = whole(traced.array_plan(), "value_and_grad")
        return _off(*[_gradient(both, theta, inputs, kind) for kind in (np.float32, np.float64)])


def flat_inputs(traced: Specialisation, examples: Sequence[Any]) -> list[NDArray[np.float64]]:
    """The inputs of a call, with the numbers of an example in each row."""
    call = Call(list(examples), traced.batch).expect(traced.shapes, [array.whole_numbers for array in traced.layout])
    n = call.examples or 1
    return [np.broadcast_to(np.asarray(given, float).reshape(-1, array.lanes), (n, array.lanes))
            for given, array in zip(call.arrays, traced.layout)]  # fmt: skip


def _outputs(meaning: Meaning) -> NDArray[np.float64]:
    rows = [np.broadcast_to(one, (1, meaning.n)) for one in meaning.results if one is not None]
    return np.concatenate(rows).T.astype(float)


def _gradient(function: Function, theta: Sequence[float], inputs: Sequence[Any], kind: Any) -> NDArray[np.float64]:
    found = Meaning(function, theta, inputs, kind).results[1]
    assert found is not None
    return found.astype(float)


def _off(rough: NDArray[np.float64], exact: NDArray[np.float64]) -> tuple[float, float]:
    """The largest error, and the largest number."""
    return float(np.max(np.abs(rough - exact), initial=0.0)), float(np.max(np.abs(exact), initial=0.0))
