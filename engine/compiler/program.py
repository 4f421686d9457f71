"""Stage 4: a compiled function, bound to arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..value import Value
from .adjoints import source_of_arrays
from .buffers import Block
from .emitting import build, lines, source
from .lanes import Array as Lanes
from .lanes import Plan, plan
from .lowering import Code, Ref, Term, differentiate, lower
from .tracing import ONE_AT_A_TIME, Frozen, Replay, Tape, paused_collector, trace, traced

Array = NDArray[np.float64]
Shape = tuple[Any, ...]
Runner = Callable[..., Any]
FLOAT = np.dtype(float)
SIZES = 16  # for how many numbers of examples, and functions, buffers are kept


@dataclass(frozen=True)
class Instruction:
    """A line of the program and the scalar nodes that it stands for."""

    text: str
    nodes: tuple[str, ...]

    def __str__(self) -> str:
        return self.text + (f"  # {', '.join(self.nodes)}" if self.nodes else "")


class _Pool:
    """Functions that nobody is running now, each with buffers of its own: two threads never share them."""

    def __init__(self, bind: Callable[[int], Runner], n: int) -> None:
        self._bind, self._n, self._free = bind, n, list[Runner]()

    def run(self, theta: Array, arrays: Sequence[Any], then: Callable[[Any], Any] | None = None) -> Any:
        """What a function returns; then(it), before anybody else works in the same buffers."""
        try:
            run = self._free.pop()
        except IndexError:
            run = self._bind(self._n)
        result = run(theta, *arrays)
        if then is not None:
            result = then(result)
        self._free.append(run)
        return result


def keep(pools: dict[Any, _Pool], key: Any, pool: _Pool) -> None:
    """Put it among the latest; the oldest makes room."""
    with ONE_AT_A_TIME:
        while len(pools) >= SIZES:
            del pools[next(iter(pools))]
        pools[key] = pool


@dataclass
class _Version:
    """The program for one shape of the inputs."""

    code: Code
    outputs: list[Term]
    several: bool
    inputs: list[str]  # the names of all scalar inputs, in order
    parameters: list[str]
    frozen: list[Frozen]
    constants: list[Value]
    kept: list[int]  # the parameters with requires_grad=False
    layout: list[Lanes]  # the arrays that hold the inputs
    compared: bool = False  # whether a second example was traced, and gave the same
    plan: Plan | None = None  # made when it is first run
    texts: dict[str, str] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    pools: dict[tuple[str, int], _Pool] = field(default_factory=dict)  # for so many examples

    def results(self, name: str) -> list[Term]:
        """What the function of that name returns: the outputs, or the output and its slopes."""
        if name == "value":
            return self.outputs
        wanted = self.inputs if name == "input_gradients" else self.parameters
        [output] = self.outputs
        with ONE_AT_A_TIME:
            slopes = differentiate(self.code, output, wanted)
        kept = self.kept if name != "input_gradients" else ()
        return [output, *(0.0 if i in kept else slope for i, slope in enumerate(slopes))]

    def text(self, name: str, floats: bool) -> str:
        if name not in self.texts:
            self.texts[name] = source(name, self.code, self.results(name), floats)
        return self.texts[name]

    def runner(self, name: str, floats: bool) -> Runner:
        if name not in self.runners:
            self.runners[name] = build(name, self.text(name, floats), floats)
        return self.runners[name]

    def array_text(self, name: str) -> str:
        """bind(n) for value, value_and_grad or input_gradients on whole arrays."""
        if "arrays " + name not in self.texts:
            self.texts["arrays " + name] = self._write(name)[0]
        return self.texts["arrays " + name]

    def _write(self, name: str) -> tuple[str, Block]:
        given = ", ".join(["at", *(f"x{i}" for i in range(len(self.layout)))])
        with ONE_AT_A_TIME:  # writing names the arrays of the plan
            return source_of_arrays(self.planned(), name, f"{name}({given})", self.kept)

    def instructions(self, name: str) -> list[Instruction]:
        """The lines of array_text(name), with the labels or symbols of the nodes that they stand for."""
        nodes = self.code.nodes
        return [Instruction(text, tuple(node for place in (step.stands_for if step else ()) if place < len(nodes)
                                        for node in nodes[place])) for text, step in self._write(name)[1].said]  # fmt: skip

    def planned(self) -> Plan:
        with ONE_AT_A_TIME, paused_collector():
            if self.plan is None:
                self.plan = plan(self.code, self.outputs, self.layout, len(self.parameters))
            return self.plan

    def pool(self, name: str, n: int) -> _Pool:
        """The functions on whole arrays with buffers for n examples."""
        pool = self.pools.get((name, n))
        if pool is None:
            with ONE_AT_A_TIME:
                if "arrays " + name not in self.runners:
                    self.runners["arrays " + name] = build("bind", self.array_text(name), False)
                pool = _Pool(self.runners["arrays " + name], n)
                keep(self.pools, (name, n), pool)
        return pool

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "plan": None, "runners": {}, "pools": {}}  # functions are made again from their text


class Program:
    """A function of one example, compiled to run on all examples at once. Made by `engine.compile`."""

    def __init__(self, f: Callable[..., Any], params: Sequence[Value], batch: bool, frozen: str) -> None:
        self._f: Callable[..., Any] | None = f
        self._params = params
        self._batch = batch
        self._allow = frozen == "allow"
        self._versions: dict[Shape, _Version] = {}
        self._checked_before: dict[Any, _Pool] = {}  # what value_and_grad ran on before

    # --- running it

    def __call__(self, *arrays: Any, at: Any = None) -> Any:
        """The outputs. Shapes: (n,), or (n, outputs) if f gives a list; batch=False: a float, or (outputs,)."""
        call = _Call(self, arrays, at)
        table = call.run_arrays("value", call.table) if self._batch else call.table(call.run("value"))
        if call.version.several:
            return table
        return table[..., 0] if self._batch else float(table[0])

    def value_and_grad(self, *arrays: Any, at: Any = None) -> tuple[float, Array]:
        """The mean of the outputs and its gradient. Shapes: float, (P,) float64."""
        if self._checked_before and (pool := self._checked_before.get(self._key(arrays, at))) is not None:
            value, gradient = pool.run(at, arrays)
            return float(value), gradient
        call = self._gradient_call("value_and_grad", arrays, at)
        if self._batch:
            value, gradient = call.run_arrays("value_and_grad")
            if (key := self._key(arrays, at)) is not None:
                keep(self._checked_before, key, call.version.pool("value_and_grad", call.rows or 1))
            return float(value), gradient
        value, *slopes = call.run("parameter_gradients")
        return float(value), np.array(slopes, dtype=float)

    def per_example(self, *arrays: Any, at: Any = None) -> Array:
        """What each example wants of each parameter. Shapes: (n, P); batch=False: (P,)."""
        call = self._gradient_call("per_example", arrays, at)
        return call.table(call.run("parameter_gradients")[1:])

    def input_gradients(self, *arrays: Any, at: Any = None) -> Any:
        """d output_i / d x_i. Shapes: as the input; a tuple if f takes several; None for integer ones."""
        call = _Call(self, arrays, at)
        call.one_output("input_gradients")
        if self._batch:
            slopes = call.run_arrays("input_gradients", lambda found: [call.table(each) for each in found])
        else:
            every, slopes, start = call.run("input_gradients")[1:], [], 0
            for lanes in call.version.layout:
                slopes.append(call.table(every[start : start + lanes.lanes]))
                start += lanes.lanes
        parts = [slope.reshape((*call.leading, *shape)) if array.dtype.kind == "f" else None
                 for array, shape, slope in zip(call.arrays, call.shapes, slopes)]  # fmt: skip
        return parts[0] if len(parts) == 1 else tuple(parts)

    def _key(self, arrays: Sequence[Any], at: Any) -> tuple[Any, ...] | None:
        """The same for arrays of the same shapes and types, which need not be checked again."""
        if at.__class__ is not np.ndarray or at.dtype is not FLOAT or at.shape != (len(self._params),):
            return None
        key: list[Any] = []
        for array in arrays:
            if array.__class__ is not np.ndarray:
                return None
            key += array.shape, array.dtype.char
        return tuple(key)

    def _gradient_call(self, name: str, arrays: Sequence[Any], at: Any) -> _Call:
        if not self._params:
            raise ValueError(f"{name} is the gradient to parameters, and there are none (params=()); "
                             "for the gradient to the inputs, use input_gradients")  # fmt: skip
        call = _Call(self, arrays, at)
        call.one_output(name)
        return call

    # --- its parameters

    def parameters(self) -> Array:
        """The parameters' numbers now. Shapes: (P,)."""
        return np.array([parameter.data for parameter in self._params])

    def assign(self, theta: Any) -> None:
        """Write numbers to the parameters. Shapes: theta (P,)."""
        for parameter, data in zip(self._params, self._checked(theta).tolist()):
            parameter.data = data

    def _checked(self, given: Any) -> Array:
        theta: Array = np.asarray(given, dtype=float)
        if theta.shape != (len(self._params),):
            raise ValueError(f"theta has shape {theta.shape}; there are {len(self._params)} parameters")
        return theta

    # --- reading it

    @property
    def source(self) -> str:
        """The program of the last traced shape: values and gradients, as text."""
        version, name = self._latest(), self._shown()
        return version.array_text(name) if self._batch else version.text(name, True)

    def _shown(self) -> str:
        if self._latest().several:
            return "value"
        return ("value_and_grad" if self._batch else "parameter_gradients") if self._params else "input_gradients"

    @property
    def instructions(self) -> list[Instruction]:
        """How the scalars of the function became lines of the program."""
        version = self._latest()
        nodes = version.code.nodes
        if not self._batch:
            said = lines(version.code, version.outputs, True)
            return [Instruction(text, tuple(nodes[place])) for text, place in said]
        return version.instructions(self._shown())

    @property
    def frozen(self) -> list[Frozen]:
        """What was read while tracing, with file and line (frozen="allow")."""
        return self._latest().frozen

    @property
    def constants(self) -> list[Value]:
        """Values that are neither inputs nor parameters: the program holds their numbers."""
        return self._latest().constants

    def _latest(self) -> _Version:
        if not self._versions:
            raise ValueError("nothing is traced yet: call the program once with data, then look at it")
        return next(reversed(self._versions.values()))

    def __getstate__(self) -> dict[str, Any]:
        for version in self._versions.values():
            one = not version.several
            for name in ("value", *(("parameter_gradients", "input_gradients") if one else ())):
                version.text(name, not self._batch)
            for name in ("value", *(("input_gradients",) if one else ()), *(("value_and_grad",) if one and self._params else ())):
                version.array_text(name)
        return {**self.__dict__, "_f": None, "_checked_before": {}}

    def __copy__(self) -> Program:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, _versions=dict(self._versions), _checked_before={})
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

    def _version(self, arrays: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> _Version:
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

    def _traced(self, arrays: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]], two: bool) -> _Version:
        """Run f on row 0, and once more, on row 1 if there is one, to see that it does the same."""
        if self._f is None:
            raise ValueError(f"inputs of shapes {list(shapes)} were not traced before this program was pickled")
        inputs: list[Value] = []
        rows: tuple[list[float], list[float]] = [], []
        for array in arrays:
            for i, row in enumerate(rows):
                example = array[i * two] if self._batch and array.ndim else array
                row += example.astype(float).ravel().tolist()
            places = range(len(inputs), len(rows[0]))
            inputs += [traced(f"x{i}", requires_grad=array.dtype.kind == "f") for i in places]
        first = trace(self._f, _shaped(inputs, shapes), self._params, Tape(inputs, rows[0], self._allow))
        replay = Replay(inputs, rows[1], self._allow, first.tape)
        again = trace(self._f, _shaped(inputs, shapes), self._params, replay)
        code, terms, constants = lower(first.outputs, inputs, self._params, first.tape.nodes)
        if not again.is_as(first):
            code_again, terms_again, _ = lower(again.outputs, inputs, self._params, first.tape.nodes + again.tape.nodes)
            where = f"{replay.differs.file}:{replay.differs.line}: " if replay.differs else ""
            _compare(code, terms, code_again, terms_again, where + ("row 0 and row 1" if two else "two runs on row 0"))
        names = [f"x{i}" for i in range(len(inputs))], [f"p{i}" for i in range(len(self._params))]
        kept = [i for i, parameter in enumerate(self._params) if not parameter.requires_grad]
        layout = [_layout(array, shape, i, len(arrays), self._batch) for i, (array, shape) in enumerate(zip(arrays, shapes))]
        version = _Version(code, terms, first.several, *names, first.tape.frozen, constants, kept, layout)
        version.compared = two or not self._allow  # without looking at numbers, all rows do the same
        return version


class _Call:
    """One call: its arrays checked, its version found, its columns laid out."""

    def __init__(self, program: Program, arrays: Sequence[Any], at: Any) -> None:
        self.program = program
        self.arrays = [_numeric(array, i) for i, array in enumerate(arrays)]
        lengths = {len(array) for array in self.arrays if array.ndim} if program._batch else set()
        if len(lengths) > 1:
            raise ValueError(f"inputs of {' and '.join(map(str, sorted(lengths)))} examples; they have to be as many")
        self.rows = lengths.pop() if lengths else None
        if self.rows == 0:
            raise ValueError("an empty batch: there are 0 examples")
        self.shapes = [array.shape[1:] if program._batch and array.ndim else array.shape for array in self.arrays]
        self.version = program._version(self.arrays, self.shapes)
        self.theta = program.parameters() if at is None else program._checked(at)
        self.numbers = self.theta.tolist()

    def run(self, name: str) -> Any:
        floats = not self.program._batch
        columns: list[Any] = []
        for array, shape in zip(self.arrays, self.shapes):
            flat = array.astype(float).reshape(1 if array.ndim == len(shape) else len(array), np.prod(shape, dtype=int))
            batched = array.ndim > len(shape)
            columns += list(np.ascontiguousarray(flat.T)) if batched else flat.reshape(-1).tolist()
        if floats:
            try:
                return self.version.runner(name, True)(columns, self.numbers)
            except (ArithmeticError, ValueError):
                pass  # where Python raises, NumPy says inf or nan
            columns, numbers = [np.float64(c) for c in columns], [np.float64(p) for p in self.numbers]
            text = source(name, self.version.code, self.version.results(name))
            with np.errstate(all="ignore"):
                return build(name, text, False)(columns, numbers)
        with np.errstate(all="ignore"):
            return self.version.runner(name, False)(columns, [np.float64(p) for p in self.numbers])

    def run_arrays(self, name: str, then: Callable[[Any], Any] | None = None) -> Any:
        return self.version.pool(name, self.rows or 1).run(self.theta, self.arrays, then)

    @property
    def leading(self) -> tuple[int, ...]:
        return () if self.rows is None else (self.rows,)

    def table(self, results: Sequence[Any]) -> Array:
        """A column for each result."""
        table = np.empty((*self.leading, len(results)))
        for place, result in enumerate(results):
            table[..., place] = result
        return table

    def one_output(self, name: str) -> None:
        if self.version.several:
            count = len(self.version.outputs)
            instead = "; return the loss itself, not a list" if count == 1 else ""
            raise ValueError(f"{name} needs a function with one output; this one gives a list of {count}{instead}")


def _numeric(given: Any, place: int) -> NDArray[Any]:
    array = np.asarray(given)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"input {place} has dtype {array.dtype}; it has to be numbers")
    return array


def _shaped(inputs: Sequence[Value], shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """The arguments of f: one Value, or an array of its own, which f may change."""
    given, start = [], 0
    for shape in shapes:
        array = np.empty(int(np.prod(shape, dtype=int)), dtype=object)
        array[:] = inputs[start : start + array.size]
        start += array.size
        given.append(array.reshape(shape) if shape else array[0])
    return given


def _layout(array: NDArray[Any], shape: tuple[int, ...], place: int, count: int, batch: bool) -> Lanes:
    """An input as an array of the program: its numbers as lanes."""
    lanes = int(np.prod(shape, dtype=int))
    given = f"x{place}"
    if len(shape) > 1 or (shape and not batch):
        given += f".reshape(n, {lanes}).T"
    elif shape:
        given += ".T"
    name = "h0" if place == 0 else "y" if count == 2 else f"u{place}"
    return Lanes(name, lanes, True, given, array.dtype.kind != "f")


def _compare(one: Code, outputs: Sequence[Term], other: Code, others: Sequence[Term], runs: str) -> None:
    """Two examples have to give the same program, or it holds for one of them only."""
    for place in range(max(len(one.operations), len(other.operations))):
        lines = [_line(code, place) for code in (one, other)]
        if lines[0] != lines[1]:
            raise ValueError(
                f"{runs} give different programs: {lines[0]} against {lines[1]}. Is there a branch on a number, or "
                "a random number, in the function? Write branches with where(), and hand random numbers in as inputs"
            )
    if [_term(t) for t in outputs] != [_term(t) for t in others]:
        raise ValueError(f"{runs} give different outputs: is there a branch on a number in the function?")


def _line(code: Code, place: int) -> str:
    if place >= len(code.operations):
        return "nothing more"
    op = code.operations[place]
    return op if isinstance(op, str) else f"{op.name}{[repr(a) for a in code.arguments[place]]}"


def _term(term: Term) -> str:
    return f"v{term.place}" if isinstance(term, Ref) else repr(term)


def compile(  # noqa: A001  qualified, like re.compile: engine.compile
    f: Callable[..., Any], params: Any = (), *, batch: bool = True, frozen: str = "error"
) -> Program:
    """Compile a function of one example, written with Values, to a program over arrays of examples.

    It is traced at the first call with inputs of a shape: f runs on row 0, and once more, on row 1 if there is one, to
    see that it does the same. What it does beside computing (printing, counting) it does then only. A Value that was
    computed before, from parameters, follows them as after refresh(); Values that are no parameters are constants.

    Shapes: f gets for an input (n,) one Value, for (n, k) an array of k Values; a bare number is shared by all.
    Errors: TraceError where f reads a number (frozen="allow" goes on, and lists it in program.frozen).

    >>> import engine, numpy as np
    >>> w = engine.Value(3.0)
    >>> program = engine.compile(lambda x: (w * x).tanh(), params=[w])
    >>> program(np.array([0.0, 1.0]))
    array([0.        , 0.99505475])
    >>> value, gradient = program.value_and_grad(np.array([0.0, 1.0]))
    """
    if frozen not in ("error", "allow"):
        raise ValueError(f'frozen={frozen!r}: there are "error" and "allow"')
    if isinstance(params, Value):
        raise TypeError("compile: params is one Value; write params=[...] around it")
    parameters = list(params.parameters() if hasattr(params, "parameters") else params)
    for place, parameter in enumerate(parameters):
        if not isinstance(parameter, Value) or parameter.operation is not None:
            raise TypeError(f"compile: parameter {place} is {parameter!r}, not a leaf Value")
    if len({id(parameter) for parameter in parameters}) < len(parameters):
        raise ValueError("compile: a parameter is listed twice; list tied weights once")
    return Program(f, parameters, batch, frozen)
