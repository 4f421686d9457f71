"""Stage 4: a compiled function on arrays: what users hold, and how it is traced."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from os import PathLike
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from ..value import Value
from .arrays.pack import Array as Lanes
from .emit.python import is_narrow
from .emit.text import build
from .run.running import SIZES, Array, Call, Pool, Pools
from .run.running import parameters as numbers_of
from .run.saving import module, write
from .run.specialisation import Instruction, Version
from .scalar.code import Code, Ref, Term, lower
from .trace.tape import Frozen, Replay, Tape, same
from .trace.tracer import ONE_AT_A_TIME, paused_collector, trace, traced

Shape = tuple[Any, ...]
FLOAT = np.dtype(float)


class Program:
    """A function of one example, compiled to run on all examples at once. Made by `engine.compile`."""

    def __init__(self, f: Callable[..., Any], params: Sequence[Value], batch: bool, frozen: str) -> None:
        self._f: Callable[..., Any] | None = f
        self._params = params
        self._batch = batch
        self._allow = frozen == "allow"
        self._versions: dict[Shape, Version] = {}
        self._theta_shape = (len(params),)
        self._quick: dict[Any, tuple[Callable[..., bool], Pool]] = {}  # for what ran before, by the first's shape

    # --- running it

    def __call__(self, *arrays: Any, at: Any = None) -> Any:
        """The outputs. Shapes: (n,), or (n, outputs) if f gives a list; batch=False: a float, or (outputs,)."""
        call, version, theta = self._begin(arrays, at)
        return call.outputs(version.pool("value"), theta, version.several)

    def value_and_grad(self, *arrays: Any, at: Any = None) -> tuple[float, Array]:
        """The mean of the outputs and its gradient. Shapes: float, (P,) float64."""
        at = self.parameters() if at is None else at
        key = getattr(arrays[0], "shape", None) if arrays else None
        known, value = self._quick.get(key), None
        seen = known is not None and known[0](*arrays)  # checked before: that takes as long as a small program
        if known is not None and seen and (at is known[1].last[0] or self._fits(at)):
            value, gradient = known[1].run(at, arrays)
            if value == value:
                return float(value), gradient
        call, version, theta = self._begin(arrays, at, "value_and_grad")
        if value is None:
            pools = version.pool("value_and_grad")
            if not seen:
                self._remember(key, arrays, call, pools)
            value, gradient = call.value_and_grad(pools, theta)
        if value == value or version.narrow:
            return float(value), gradient
        return call.value_and_grad(version.pool("careful"), theta)  # infinite logits, or a label that is no class

    def per_example(self, *arrays: Any, at: Any = None) -> Array:
        """What each example wants of each parameter. Shapes: (n, P); batch=False: (P,)."""
        call, version, theta = self._begin(arrays, at, "per_example")
        if not self._batch:
            return call.value_and_grad(version.pool("value_and_grad" if version.narrow else "careful"), theta)[1]
        columns: list[Any] = []
        for array, shape in zip(call.arrays, call.shapes):
            batched = array.ndim > len(shape)
            flat = array.astype(float).reshape(len(array) if batched else 1, math.prod(shape))
            columns += list(np.ascontiguousarray(flat.T)) if batched else flat.reshape(-1).tolist()
        with np.errstate(all="ignore"):
            return call.table(version.on_columns()(columns, [np.float64(p) for p in theta.tolist()])[1:])

    def input_gradients(self, *arrays: Any, at: Any = None) -> Any:
        """d output_i / d x_i. Shapes: as the input; a tuple if f takes several; None for integer ones."""
        call, version, theta = self._begin(arrays, at, "input_gradients")
        return call.input_gradients(version.pool("input_gradients"), theta)

    def _remember(self, key: Any, arrays: Sequence[Any], call: Call, pools: Pools) -> None:
        """That inputs of these kinds need no check and no conversion."""
        if all(one.__class__ is float or one is same for one, same in zip(arrays, call.arrays)):
            with ONE_AT_A_TIME:
                while len(self._quick) >= SIZES:
                    del self._quick[next(iter(self._quick))]
                self._quick[key] = same_kinds(arrays), pools.of(call.rows or 1)

    def _fits(self, at: Any) -> bool:
        return at.__class__ is ndarray and at.dtype is FLOAT and at.shape == self._theta_shape

    def _begin(self, arrays: Sequence[Any], at: Any, gradient: str = "") -> tuple[Call, Version, Array]:
        """The call, its inputs checked; what was traced for them; and the parameters' numbers."""
        if not self._params and gradient in ("value_and_grad", "per_example"):
            raise ValueError(f"{gradient} is the gradient to parameters, and there are none (params=()); "
                             "for the gradient to the inputs, use input_gradients")  # fmt: skip
        call = Call(arrays, self._batch)
        version = self._version(call.arrays, call.shapes)
        if gradient and version.several:
            count = len(version.outputs)
            instead = "; return the loss itself, not a list" if count == 1 else ""
            raise ValueError(f"{gradient} needs a function with one output; this one gives a list of {count}{instead}")
        return call, version, self.parameters() if at is None else numbers_of(at, len(self._params))

    # --- its parameters

    def parameters(self) -> Array:
        """The parameters' numbers now. Shapes: (P,)."""
        return np.array([parameter.data for parameter in self._params])

    def assign(self, theta: Any) -> None:
        """Write numbers to the parameters. Shapes: theta (P,)."""
        for parameter, data in zip(self._params, numbers_of(theta, len(self._params)).tolist()):
            parameter.data = data

    # --- reading it

    @property
    def source(self) -> str:
        """The program of the last traced shape: values and gradients, as text.

        Where the mean is nan, other lines run, which keep infinite logits exact.
        """
        version = self._latest()
        return version.text(version.names[-1])

    @property
    def instructions(self) -> list[Instruction]:
        """How the scalars of the function became lines of the program."""
        version = self._latest()
        return version.instructions(version.names[-1])

    def save(self, path: str | PathLike[str]) -> None:
        """Write the program of the last traced shape, with the parameters' numbers, as a module that needs NumPy alone.

        It has value(x, y, theta=theta) and, where there is one output, value_and_grad and input_gradients, named and
        shaped as here. Its value_and_grad has the lines for infinite logits: last digits of the mean may differ.
        """
        version = self._latest()
        texts = {name: version.array_text(name.replace("value_and_grad", "careful")) for name in version.names}
        whole = [lanes.whole_numbers for lanes in version.layout]
        outputs = len(version.outputs) if version.several else None
        write(path, module(texts, version.shapes, whole, outputs, self._batch, self.parameters().tolist()))

    @property
    def frozen(self) -> list[Frozen]:
        """What was read while tracing, with file and line (frozen="allow")."""
        return self._latest().frozen

    @property
    def constants(self) -> list[Value]:
        """Values that are neither inputs nor parameters: the program holds their numbers."""
        return self._latest().constants

    def _latest(self) -> Version:
        if not self._versions:
            raise ValueError("nothing is traced yet: call the program once with data, then look at it")
        return next(reversed(self._versions.values()))

    def __getstate__(self) -> dict[str, Any]:
        for version in self._versions.values():
            for name in version.names:
                version.text(name)
            if self._batch and "value_and_grad" in version.names:
                version.column_text()
        return {**self.__dict__, "_f": None, "_quick": {}}

    def __copy__(self) -> Program:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, _versions=dict(self._versions), _quick={})
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Program:
        """A model, or a method of one, is copied with its parameters; a function stays, and so do those it uses."""
        twin = memo[id(self)] = copy.copy(self)
        twin._f = copy.deepcopy(self._f, memo)
        if twin._f is None or twin._f is not self._f:
            twin._params = copy.deepcopy(self._params, memo)
            twin._versions = {} if twin._f else copy.deepcopy(self._versions, memo)
        return twin

    # --- tracing it

    def _version(self, arrays: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> Version:
        key = tuple((array.dtype.kind == "f", shape) for array, shape in zip(arrays, shapes))
        version = self._versions.get(key)
        two = self._batch and any(array.ndim and len(array) > 1 for array in arrays)
        if version is None or (two and not version.compared and self._f is not None):
            with ONE_AT_A_TIME, paused_collector():
                again = self._traced(arrays, shapes, two)
            if version is not None:
                _compare(version.code, version.outputs, again.code, again.outputs, "another batch and this one")
            version = self._versions[key] = again
        return version

    def _traced(self, arrays: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]], two: bool) -> Version:
        """Run f on row 0, and once more, on row 1 if there is one, to see that it does the same."""
        if self._f is None:
            raise ValueError(f"inputs of shapes {list(shapes)} were not traced before this program was pickled")
        inputs = [traced(requires_grad=array.dtype.kind == "f")
                  for array, shape in zip(arrays, shapes) for _ in range(math.prod(shape))]  # fmt: skip
        rows = [[number for array in arrays
                 for number in (array[row] if self._batch and array.ndim else array).astype(float).ravel().tolist()]
                for row in (0, int(two))]  # fmt: skip
        tape = Tape(inputs, rows[0], self._allow)
        try:
            outputs, several = trace(self._f, _shaped(inputs, shapes), self._params, tape)
        except Exception as problem:
            single = [place for place, array in enumerate(arrays) if array.dtype.kind == "f" and array.ndim == 1]
            if self._batch and single and hasattr(problem, "add_note"):  # Python 3.11
                problem.add_note(f"(Each number of input {single[0]}, with shape {arrays[single[0]].shape}, is an "
                                 "example. One example of several numbers is x[None].)")  # fmt: skip
            raise
        replay = Replay(inputs, rows[1], self._allow, tape)
        again, _ = trace(self._f, _shaped(inputs, shapes), self._params, replay)
        code, terms, constants = lower(outputs, inputs, self._params, tape.nodes)
        if len(again) != len(outputs) or not all(map(same, again, outputs)):
            where = f"{replay.differs.file}:{replay.differs.line}: " if replay.differs else ""
            where += "row 0 and row 1" if two else "two runs on row 0"
            for _ in range(3):  # with nodes of its own a run may do the same after all; by chance it hardly does thrice
                once_more = Tape(inputs, rows[1], self._allow)
                again, _ = trace(self._f, _shaped(inputs, shapes), self._params, once_more)
                code_again, terms_again, _ = lower(again, inputs, self._params, once_more.nodes)
                _compare(code, terms, code_again, terms_again, where)
        sizes = len(inputs), len(self._params)
        kept = [i for i, parameter in enumerate(self._params) if not parameter.requires_grad]
        layout = [_layout(array, shape, place, len(arrays), self._batch)
                  for place, (array, shape) in enumerate(zip(arrays, shapes))]  # fmt: skip
        narrow = not self._batch and is_narrow(code)
        version = Version(code, terms, several, *sizes, tape.frozen, constants, kept, layout, list(shapes), narrow)
        version.compared = two or not self._allow  # without looking at numbers, all rows do the same
        return version


def same_kinds(arrays: Sequence[Any]) -> Callable[..., bool]:
    """A function that says whether others have the shapes and types of these arrays and floats."""
    tests, types = list[str](), dict[str, Any](ndarray=ndarray)
    for i, array in enumerate(arrays):
        if array.__class__ is float:
            tests.append(f"x{i}.__class__ is float")
        else:
            types[f"dtype{i}"] = array.dtype
            dtype = f"(x{i}.dtype is dtype{i} or x{i}.dtype == dtype{i})"
            tests.append(f"x{i}.__class__ is ndarray and {dtype} and x{i}.shape == {array.shape}")
    given = "".join(f"x{i}=None, " for i in range(len(arrays)))
    text = f"def same_kinds({given}*more):\n    return {' and '.join([*tests, 'not more'])}\n"
    return build("same_kinds", text, types)


def _shaped(inputs: Sequence[Value], shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """The arguments of f: one Value, or an array of its own, which f may change."""
    given, start = [], 0
    for shape in shapes:
        array = np.empty(math.prod(shape), dtype=object)
        array[:] = inputs[start : start + array.size]
        start += array.size
        given.append(array.reshape(shape) if shape else array[0])
    return given


def _layout(array: NDArray[Any], shape: tuple[int, ...], place: int, count: int, batch: bool) -> Lanes:
    """An input as an array of the program: its numbers as lanes."""
    lanes = math.prod(shape)
    given = f"x{place}"
    if len(shape) > 1 or (shape and not batch):
        given += f".reshape(n, {lanes}).T"
    elif shape:
        given += ".T"
    name = "h0" if place == 0 else "y" if count == 2 else f"u{place}"
    return Lanes(name, lanes, True, given, array.dtype.kind != "f")


def _compare(one: Code, outputs: Sequence[Term], other: Code, others: Sequence[Term], runs: str) -> None:
    """Two examples have to give the same program, or it holds for one of them only."""
    for line, line_of_other in zip_longest(_lines(one), _lines(other), fillvalue="nothing more"):
        if line != line_of_other:
            raise ValueError(
                f"{runs} give different programs: {line} against {line_of_other}. Is there a branch on a number, or "
                "a random number, in the function? Write branches with where(), and hand random numbers in as inputs"
            )
    places = [[term.place if isinstance(term, Ref) else repr(term) for term in terms] for terms in (outputs, others)]
    if places[0] != places[1]:
        raise ValueError(f"{runs} give different outputs: is there a branch on a number in the function?")


def _lines(code: Code) -> Iterator[str]:
    for op, arguments in zip(code.operations, code.arguments):
        yield op if isinstance(op, str) else f"{op.name}({', '.join(_said(code, a) for a in arguments)})"


def _said(code: Code, argument: int | float) -> str:
    """A number, the name of an input or a parameter, or the place of a result."""
    op = code.operations[argument] if isinstance(argument, int) else repr(argument)
    return op if isinstance(op, str) else f"v{argument}"


def compile(  # noqa: A001  qualified, like re.compile: engine.compile
    f: Callable[..., Any], params: Any = (), *, batch: bool = True, frozen: str = "error"
) -> Program:
    """Compile a function of one example, written with Values, to a program over arrays of examples.

    It is traced at the first call with inputs of a shape: f runs on row 0, and once more, on row 1 if there is one, to
    see that it does the same. What it does beside computing (printing, counting) it does then only. A Value that was
    computed before, from parameters, follows them as after refresh(); Values that are no parameters are constants.

    Shapes: f gets for an input (n,) one Value, for (n, k) an array of k Values; a bare number is shared by all.
    Errors: TraceError where f reads a number (frozen="allow" goes on, and lists it in program.frozen).

    >>> import numpy as np
    >>> from chainrule import engine
    >>> w = engine.Value(3.0)
    >>> program = engine.compile(lambda x: (w * x).tanh(), params=[w])
    >>> program(np.array([0.0, 1.0]))
    array([0.        , 0.99505475])
    >>> value, gradient = program.value_and_grad(np.array([0.0, 1.0]))
    """
    if not callable(f):
        raise TypeError(f"compile: f is {type(f).__name__} {f!r}; write compile(f, params), with a function f")
    if frozen not in ("error", "allow"):
        raise ValueError(f'frozen={frozen!r}: there are "error" and "allow"')
    if isinstance(params, Value):
        raise TypeError("compile: params is one Value; write params=[...] around it")
    if callable(params) and not hasattr(params, "parameters"):
        name = getattr(params, "__name__", "")
        raise TypeError(f"compile: params is a function, {name}; write params=model.parameters(), with ()")
    parameters = list(params.parameters() if hasattr(params, "parameters") else params)
    for place, parameter in enumerate(parameters):
        if not isinstance(parameter, Value) or parameter.operation is not None:
            raise TypeError(f"compile: parameter {place} is {parameter!r}, not a leaf Value")
    if len({id(parameter) for parameter in parameters}) < len(parameters):
        raise ValueError("compile: a parameter is listed twice; list tied weights once")
    return Program(f, parameters, batch, frozen)
