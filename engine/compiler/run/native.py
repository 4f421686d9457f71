"""Functions in C at work: the library of a text, and what binds a function of it to memory of its own."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..emit.c_function import CFunction
from ..emit.c_words import prelude, whole
from .compilers import NoCompiler, compiler, library
from .running import FloatArray, Runner

HEAD = """\
#include <math.h>
#include <stdint.h>

#if defined(__clang__)
#define CR_LOOP _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define CR_LOOP _Pragma("GCC ivdep")
#else
#define CR_LOOP
#endif
#if defined(__GNUC__)
#define CR_PART static __attribute__((noinline))
#else
#define CR_PART static
#endif
#if defined(_MSC_VER)
#define CR_EXPORT __declspec(dllexport)
#else
#define CR_EXPORT
#endif
"""


EXPORT = """
CR_EXPORT long chainrule_{name}(long n, double *const *a) {{
  return cr_{name}(n, a[0], (const double *const *)(a + 4), a[1], a[2], a[3]);
}}
"""


def library_text(body: str) -> str:
    """The whole text of a library: what the functions of this text need, and the functions."""
    products = ""
    if plain := prelude(body, "plain.c"):
        products = f"#if defined(__GNUC__)\n{whole('vectors.c')}\n#else\n{plain}\n#endif\n"
    return "\n".join([HEAD, prelude(body), products, body])


def loaded(text: str, name: str) -> Any:
    """The function of that name in the library of this text.

    Errors: NoCompiler where the library cannot be built, or has no such function, as one of C++ has not.
    """
    try:
        return getattr(library(text), name)
    except AttributeError:
        made_by = " ".join(compiler().command)
        raise NoCompiler(f"{made_by} leaves out the function {name}: is it a compiler of C, as gcc is?") from None


__all__ = ["Native", "NoCompiler", "aligned", "library_text", "loaded"]


class Native:
    """A function in C, compiled and loaded; `call` calls it with one array of pointers.

    `instead` binds the same function in NumPy: where an index does not exist, it says which one.

    Errors: NoCompiler where it cannot be built.
    """

    def __init__(self, function: CFunction, instead: Callable[[int, FloatArray], Runner]) -> None:
        self.function, self.instead = function, instead
        self.text = library_text(function.text + EXPORT.format(name=function.name))
        self.call = loaded(self.text, f"chainrule_{function.name}")
        self.call.argtypes, self.call.restype = None, ctypes.c_long

    def bind(self, n: int, theta: FloatArray) -> Runner:
        """The function for n examples, with these parameters, and memory of its own."""
        function, call, instead = self.function, self.call, self.instead
        count = function.rows if function.gradient else function.rows * n
        value, out = aligned(1), aligned(count)
        given = [aligned(n * lanes).reshape(n, lanes) for lanes in function.inputs]
        arrays = [theta, aligned(function.memory), value, out, *given]
        pointers = (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
        size, copies, held = ctypes.c_long(n), [_Copy(buffer) for buffer in given], arrays
        gradient = function.gradient

        def run(*inputs: Any) -> Any:
            for copy, array in zip(copies, inputs):
                copy.take(array)
            if call(size, pointers):
                return instead(n, held[0])(*inputs)
            return (value[0], out.copy()) if gradient else results

        results = _results(function, out.reshape(-1, n) if not gradient else out)
        return run


class _Copy:
    """An input of the function: a buffer that takes what a caller gives, of any type and layout."""

    def __init__(self, buffer: FloatArray) -> None:
        self.buffer, self.shaped = buffer, dict[tuple[int, ...], Any]()

    def take(self, array: Any) -> None:
        shape = getattr(array, "shape", ())
        target = self.shaped.get(shape)
        if target is None:
            size = math.prod(shape)
            fits = size == self.buffer.size and shape
            target = self.buffer.reshape(shape if fits else (-1, *shape))  # or it is the same for all examples
            self.shaped[shape] = target
        target[...] = array


def _results(function: CFunction, out: FloatArray) -> Any:
    """The rows as the caller of a function in NumPy gets them."""
    if function.name == "value":
        return list(out)
    if function.name != "input_gradients":
        return out
    return np.split(out, np.cumsum(function.results)[:-1])


def aligned(count: int) -> NDArray[np.float64]:
    """New memory for so many numbers, which begins where a line of the cache does."""
    whole = np.zeros(count + 8)
    start = (-whole.ctypes.data % 64) // 8
    return whole[start : start + count]
