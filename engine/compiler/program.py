"""What users hold: `compile`, and a compiled function on arrays, which is traced at its first call."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from ..fast.leaves import data_of
from ..gate import numbers
from ..value import SWITCHED, Value
from .calls import Remembered, remember
from .emit.about import About
from .emit.c_file import c_name
from .emit.javascript_module import javascript_module
from .emit.tape import Tape as PlainTape
from .emit.tape import tape_of
from .run.backends import checked
from .run.devices import Rounding, c_files
from .run.running import Call, FloatArray
from .run.running import parameters as numbers_of
from .run.saving import module, write
from .run.specialisation import Instruction, Specialisation
from .scalar.comparing import compare
from .trace.tape import Frozen, TraceError, current, forbid
from .trace.tracer import ONE_AT_A_TIME, paused_collector
from .tracing import specialised

Signature = tuple[tuple[bool, tuple[int, ...]], ...]  # for each input: whether it holds floats, and one example's shape
FLOAT = np.dtype(float)
OF_NUMBERS = "a program runs on numbers: where Values are wanted, call the function that it was compiled from"


class Program:
    """A function of one example, compiled to run on all examples at once. Made by `engine.compile`.

    `program(X)` gives the outputs, `value_and_grad(X)` the mean and its gradient, `gradient`s in the order of `params`.

    Shapes: X (n,) or (n, features) for each input; outputs (n,) or (n, outputs); a gradient (P,).
    Errors: ValueError or TypeError for inputs of another shape or kind; TraceError at the first call where f cannot be
    traced.

    >>> import numpy as np
    >>> from chainrule import Value, compile
    >>> w = Value(3.0)
    >>> program = compile(lambda x: w * x, params=[w])
    >>> program(np.array([1.0, 2.0]))
    array([3., 6.])
    """

    def __init__(
        self, f: Callable[..., Any], params: Sequence[Value], batch: bool, allow: bool, backend: str = "numpy"
    ) -> None:  # fmt: skip
        self._f: Callable[..., Any] | None = f
        self._params = params
        self._batch = batch
        self._allow = allow  # whether the function may read numbers
        self._backend = backend
        self._specialisations: dict[Signature, Specialisation] = {}
        self._theta_shape = (len(params),)
        self._calls: Remembered = {}
        self._switched = -1  # SWITCHED when it was last seen which parameters require no gradient
        self._still: NDArray[np.intp] | None = None  # the places of those, or None if there are none

    # --- running it

    def __call__(self, *arrays: Any, at: Any = None) -> Any:
        """The outputs. Shapes: (n,), or (n, outputs) if f gives a list; batch=False: a float, or (outputs,)."""
        return self._run("value", arrays, at)

    def value_and_grad(self, *arrays: Any, at: Any = None) -> tuple[float, FloatArray]:
        """The mean of the outputs and its gradient. Shapes: float, (P,) float64."""
        at = self.parameters() if at is None else at
        key = getattr(arrays[0], "shape", None) if arrays else None
        known, value, seen = self._calls.get(key), None, False
        # These checks are written out here, because one more call would take as long as a part of a small program.
        if known is not None and (seen := known[0](*arrays)):
            pool = known[1]
            if at is pool.last[0] or self._fits(at):
                value, gradient = pool.run(at, arrays)
                if (value := float(value)) == value:
                    kept = self._still is None and SWITCHED[0] == self._switched
                    return value, gradient if kept else self._learning(gradient)
        call, traced, theta = self._begin(arrays, at, "value_and_grad")
        if value is None:
            pools = traced.pool("value_and_grad")
            if not seen:
                remember(self._calls, key, arrays, call, pools, traced.pools, traced.unchanged)
            value, gradient = call.value_and_grad(pools, theta)
        if value != value:  # infinite logits, a label that is out of range, or a gradient that is nan
            value, gradient = call.value_and_grad(traced.pool("careful"), theta)
        return float(value), self._learning(gradient)

    def per_example(self, *arrays: Any, at: Any = None) -> FloatArray:
        """Each example's own gradient with respect to the parameters. Shapes: (n, P); batch=False: (P,)."""
        if self._batch:
            return self._learning(self._run("per_example", arrays, at))
        call, traced, theta = self._begin(arrays, at, "per_example")
        return self._learning(call.value_and_grad(traced.pool("careful"), theta)[1])

    def input_gradients(self, *arrays: Any, at: Any = None) -> Any:
        """d output_i / d x_i. Shapes: as the input; if f takes several, a tuple, with None for an input of integers."""
        return self._run("input_gradients", arrays, at)

    def _run(self, name: str, arrays: Sequence[Any], at: Any) -> Any:
        """What the function of that name gives for these inputs."""
        at = self.parameters() if at is None else at
        key = name, getattr(arrays[0], "shape", None) if arrays else None
        known = self._calls.get(key)
        if known is not None and known[0](*arrays) and (at is known[1].last[0] or self._fits(at)):
            return known[1].run(at, arrays, known[2])
        call, traced, theta = self._begin(arrays, at, name)
        pools, finish = traced.pool(name), call.finish(name, traced.several)
        remember(self._calls, key, arrays, call, pools, traced.pools, traced.unchanged, finish)
        return pools.of(call.examples or 1).run(theta, call.arrays, finish)

    def jacobian(self, *arrays: Any, at: Any = None) -> Any:
        """d output_j / d x_i of each example, for a function that returns a list of m outputs.

        Shapes: (n, m, k) for an input (n, k), (n, m) for (n,); batch=False: without n. One output that is in no list:
        as input_gradients. If f takes several inputs, a tuple, with None for an input of integers.
        """
        call, traced, theta = self._begin(arrays, at)
        found = [call.input_gradients(traced.pool(f"jacobian {j}"), theta) for j in range(len(traced.outputs))]
        if not traced.several:
            return found[0]
        axis = 0 if call.examples is None else 1
        stacked = [None if each[0] is None else np.stack(each, axis)
                   for each in zip(*[one if isinstance(one, tuple) else (one,) for one in found])]  # fmt: skip
        return stacked[0] if len(stacked) == 1 else tuple(stacked)

    def epochs(self, rule: str, moved: int, *arrays: Any) -> Any:
        """What takes many steps of training on such arrays in one call in C; None where NumPy runs.

        See `run.epochs.Epochs`, which says what the text of a rule is.
        """
        traced = self._begin(arrays, None, "value_and_grad")[1]
        return traced.epochs(rule, moved)

    def _learning(self, gradient: FloatArray) -> FloatArray:
        """The gradient with 0.0 for the parameters that require none now."""
        if SWITCHED[0] != self._switched:
            switched = SWITCHED[0]
            still = self._without_gradient()
            self._still, self._switched = np.array(still) if still else None, switched
        if self._still is not None:
            gradient[..., self._still] = 0.0
        return gradient

    def _fits(self, at: Any) -> bool:
        return at.__class__ is ndarray and at.dtype is FLOAT and at.shape == self._theta_shape

    def _begin(self, arrays: Sequence[Any], at: Any, gradient: str = "") -> tuple[Call, Specialisation, FloatArray]:
        """The call, with its inputs checked; what was traced for such inputs; and the numbers of the parameters."""
        if not self._params and gradient in ("value_and_grad", "per_example"):
            raise ValueError(
                f"{gradient} gives the gradient with respect to the parameters, and there are none (params=()); list "
                "them, compile(f, params=[...]), or, for the gradient with respect to the inputs, use input_gradients"
            )
        call = Call([_plain(array, i) for i, array in enumerate(arrays)], self._batch)
        traced = self._specialisation(call.arrays, call.shapes)
        traced.check_constants()
        if gradient not in ("", "value") and traced.several:
            count = len(traced.outputs)
            instead = "; return the loss itself, not a list" if count == 1 else ""
            problem = f"needs a function with one output; this one returns a list of {count}"
            raise ValueError(f"{gradient} {problem}{instead}")
        return call, traced, self.parameters() if at is None else numbers_of(at, len(self._params))

    # --- its parameters

    def parameters(self) -> FloatArray:
        """The numbers that the parameters have now. Shapes: (P,)."""
        try:
            return np.array(data_of(self._params))
        except TraceError:
            tape = current()
            if tape is not None:
                tape.error = None  # this one says more than that a number was read
            forbid(f"a program was called, and {OF_NUMBERS}")
            raise

    def assign(self, theta: Any) -> None:
        """Give the parameters these numbers. Shapes: theta (P,)."""
        for parameter, data in zip(self._params, numbers_of(theta, len(self._params)).tolist()):
            parameter.data = data

    # --- reading it

    @property
    def source(self) -> str:
        """The program for the shape that was traced last, values and gradients, as text.

        If the mean that it gives is nan, other lines run, which are exact for infinite logits, and for inputs that are
        nan or infinite and that nothing chooses. What runs in C is C.
        """
        latest = self._latest()
        in_c = latest.native.made.get(latest.names[-1])
        return in_c.text if in_c else latest.text(latest.names[-1])

    @property
    def backend(self) -> str:
        """What runs: "c"; or "numpy", with the reason where C was wanted and one of the functions is not in C.

        It speaks of all functions that were called so far for the shape that was traced last. With backend="auto", it
        is NumPy until C is built; `wait()` returns when it is.
        """
        if self._backend == "numpy" or not self._specialisations:
            return self._backend
        native = self._latest().native
        problems = list(dict.fromkeys(native.problems.values()))
        if native.is_building():
            problems.append("C is being built")
        if not native.made and not problems:
            problems.append("nothing was called that is made in C")
        return f"numpy ({', '.join(problems)})" if problems else "c"

    def wait(self) -> None:
        """Wait until what backend="auto" builds is there, or has failed.

        From then on no call runs in NumPy because C is not built yet: a function that is called for the first time
        later is built in that call, as with backend="c". Inputs of a new shape begin anew.
        """
        for traced in list(self._specialisations.values()):
            traced.wait()

    @property
    def instructions(self) -> list[Instruction]:
        """The lines of the program, each with the scalars of the function that it stands for."""
        latest = self._latest()
        return latest.instructions(latest.names[-1])

    def tape(self, name: str = "value_and_grad", *arrays: Any, output: int = 0) -> PlainTape:
        """The program of one example as plain lists, for machines that are not Python; see `emit.tape.Tape`.

        `name` is "value" (its results are the outputs), "value_and_grad" or "input_gradients" (one output and its
        gradient), or "steps" (the gradient with respect to the parameters, and every application of the chain rule).
        It is traced for such arrays; without them, it is the shape that was traced last.

        >>> import numpy as np
        >>> from chainrule import Value
        >>> w = Value(3.0, label="w")
        >>> tape = Program(lambda x: (w * x).tanh(), [w], True, False).tape("value", np.zeros(1))
        >>> [row.name for row in tape.rows], tape.operations, tape.arguments, tape.results
        (['multiply', 'tanh'], [0, 1], [1, 0, 2], [3])
        """
        traced = self._begin(arrays, None)[1] if arrays else self._latest()
        return tape_of(traced.code, traced.outputs, traced.inputs, traced.parameters, name, output)

    @property
    def stages(self) -> dict[str, str]:
        """The program for the shape that was traced last after each pass of the compiler, as text.

        "code": the function on scalars. "plan": equal work side by side. "forward": instructions that make one array
        each. "derive": the same with its derivative. "join": what of it is needed, equal work on small arrays at once.
        "place": the same, with the memory in which an array lies that has none of its own. "text": what runs. A program
        that runs scalar by scalar has the first and the last alone.
        """
        latest = self._latest()
        return latest.stages(latest.names[-1])

    def save(
        self, path: str | PathLike[str], *, dtype: str = "float64", examples: Sequence[Any] = (),
        about: About | None = None,
    ) -> Rounding | Path:  # fmt: skip
        """Write the program for the shape that was traced last as a file, in the language that the ending asks for.

        Returns the path; where `examples` are measured, what the few digits cost.

        "net.py" is a module that needs NumPy alone, "net.js" (or "net.mjs") an ES module that needs nothing else. It
        has value(x, y, theta=theta) and, if there is one output, value_and_grad and input_gradients, with the names
        and shapes that they have here; theta holds the numbers of the parameters. Its value_and_grad is the one that is
        exact for infinite logits, so the last digits of the mean may differ. `about` says what inputs and outputs are
        called, for languages other than Python; a model that is the function itself says so without it.

        "net.c" is plain C99, which works on one example and needs math.h alone: it has net_value(net_theta, x, out),
        net_value_and_grad(net_theta, x, y, value, gradient), and net_step, a step of gradient descent. "net.h" has
        the sizes, the names and the functions. With dtype="float32" all numbers are float, and with "int8" the
        matrices of parameters are bytes, which stand in the text: net_value(x, out). What that costs is measured on
        `examples`, the inputs of a call, and returned; int8 needs them.

        Errors: ValueError for another ending, and for an operation of one's own that the language has no words for.
        """
        latest, ending, about = self._latest(), Path(path).suffix.lower(), about or self._names()
        if ending == ".c":
            file, rounding = c_files(c_name(Path(path).stem), self, about, dtype, examples)
            write(Path(path).with_suffix(".h"), file.header)
            write(path, file.source)
            return rounding or Path(path)
        if dtype != "float64" or len(examples):
            raise ValueError(f"save: dtype and examples are for a file of C, as in save('net.c', dtype={dtype!r})")
        still, called = self._without_gradient(), (latest.interface, self.parameters().tolist())
        if ending in (".js", ".mjs"):
            texts = {name: latest.javascript_text(name, still) for name in latest.names}
            write(path, javascript_module(texts, *called, about))
            return Path(path)
        if ending not in ("", ".py"):
            instead = "write program.save('net.py')"
            raise ValueError(f"save: the ending of {str(path)!r} is none of .py, .js, .mjs, .c; {instead}")
        texts = {name: latest.bind_text(name.replace("value_and_grad", "careful"), still) for name in latest.names}
        write(path, module(texts, *called))
        return Path(path)

    def __repr__(self) -> str:
        """Program of model, 17 parameters; what is called is named by its own name, or by its class."""
        count = len(self._params)
        said = f"{count} parameter{'s' * (count != 1)}"
        if self._f is None:  # of one that was pickled
            return f"Program of {said}"
        return f"Program of {getattr(self._f, '__name__', type(self._f).__name__)}, {said}"

    def _names(self) -> About | None:
        """What a model that is the function itself knows of its columns and classes; its inputs are prepared ones."""
        known = getattr(_owner(self._f), "preparation", None)
        if known is None:
            return None
        return About(
            known.feature_names, known.class_names, classifies=len(known.class_names) > 1 and self._latest().several
        )

    def _without_gradient(self) -> list[int]:
        """The places of the parameters that require no gradient now."""
        return [i for i, parameter in enumerate(self._params) if not parameter._requires_grad]

    @property
    def frozen(self) -> list[Frozen]:
        """The numbers that the function read while it was traced, with file and line (frozen="allow")."""
        return self._latest().numbers_read

    @property
    def constants(self) -> list[Value]:
        """The Values that are neither inputs nor parameters; the program holds their numbers."""
        return self._latest().constants

    def _latest(self) -> Specialisation:
        if not self._specialisations:
            raise ValueError("nothing is traced yet: call the program once with data, and then look at it")
        return next(reversed(self._specialisations.values()))

    def __getstate__(self) -> dict[str, Any]:
        for traced in self._specialisations.values():  # the texts are pickled, so they have to be there
            for name in traced.names:
                traced.text(name)
            if self._batch and "value_and_grad" in traced.names:
                traced.array_text("per_example")
        return {**self.__dict__, "_f": None, "_calls": {}, "_switched": -1}

    def __copy__(self) -> Program:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, _specialisations=dict(self._specialisations), _calls={})
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Program:
        """If f is a model or a method of one, it is copied with its parameters; a plain function is shared."""
        twin = memo[id(self)] = copy.copy(self)
        twin._f = copy.deepcopy(self._f, memo)
        if twin._f is None or twin._f is not self._f:
            twin._params = copy.deepcopy(self._params, memo)
            twin._specialisations = {} if twin._f else copy.deepcopy(self._specialisations, memo)
        return twin

    # --- tracing it

    def _specialisation(self, arrays: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> Specialisation:
        """The program for inputs of these shapes.

        f is traced if there is none yet, or if there are two examples for the first time, which can be compared.
        """
        key = tuple((array.dtype.kind == "f", shape) for array, shape in zip(arrays, shapes))
        traced = self._specialisations.get(key)
        two = self._batch and any(array.ndim and len(array) > 1 for array in arrays)
        if traced is None or (two and not traced.compared and self._f is not None):
            if self._f is None:
                raise ValueError(f"inputs of shapes {list(shapes)} were not traced before this program was pickled; "
                                 "call the program with such inputs, and then pickle it")  # fmt: skip
            with ONE_AT_A_TIME, paused_collector():
                again = specialised(self._f, self._params, arrays, shapes, self._batch, two, self._allow)
                again.backend, again.when_built = self._backend, self._calls.clear
            if traced is not None:
                compare(traced.code, traced.outputs, again.code, again.outputs, "another batch and this one")
            traced = self._specialisations[key] = again
        return traced


def _plain(given: Any, i: int) -> Any:
    """An input as Call takes it: what is no array of numbers goes through the gate, or gets the gate's error."""
    if given.__class__ is float or (given.__class__ is ndarray and given.dtype.kind in "fiub"):
        return given
    name = f"input {i}"
    try:
        if given.__class__ is ndarray and given.dtype == object:
            with suppress(ValueError):
                numbers(given, name)  # an error of its own for what is no number
            raise TypeError(f"{name} has dtype object; an input holds numbers, so write x.astype(float)")
        return numbers(given, name)
    except TypeError as problem:
        if not _holds_value(given):
            raise
        forbid(f"a program was called, and {OF_NUMBERS}")
        raise TypeError(f"{problem}, which has no derivative; {OF_NUMBERS}") from None


def _holds_value(given: Any) -> bool:
    return isinstance(given, Value) or (isinstance(given, (list, tuple, ndarray)) and any(map(_holds_value, given)))


def _owner(f: Any) -> Any:
    """The model that f is, or that f is a method of; () if there is none."""
    while isinstance(f, functools.partial):
        f = f.func
    model = getattr(f, "__self__", f)
    own = callable(getattr(model, "parameters", None)) and not isinstance(model, (type, Program))
    return model if own else ()


def compile(  # noqa: A001  qualified, like re.compile: engine.compile
    f: Callable[..., Any], params: Any = None, *, batch: bool = True, frozen: str = "error", backend: str = "numpy"
) -> Program:
    """Compile a function of one example, written with Values, to a program over arrays of examples.

    The function is traced at the first call with inputs of a shape: f runs on the first example, and once more on the
    second one, if there is one, to see that it does the same. Then it runs eagerly on them, to see that it gives the
    same numbers. What f does beside computing (printing, counting) happens only then.

    At each call a program reads its inputs, and the numbers and requires_grad of `params`. Without `params`, these are
    f.parameters(), where f is a model or a method of one. A Value that was computed from parameters before follows
    them, as after refresh(); all other Values are constants, and it is an error if one of them has changed.

    What cannot be noticed: whatever else f reads (an attribute such as model.training, a global, a plain number, the
    environment, the time) is as it was at the trace, and so is what a list of layers or parameters held. A branch that
    reads no number, such as try and except, is noticed if the first two examples take different sides. Random numbers
    are noticed if they come from `random`, `numpy.random`, or a generator that f, its variables or its model hold.
    Compile anew where such a thing changes.

    With backend="c", the program is compiled by the C compiler of this machine, and is kept in the user's cache folder,
    or in that of $CHAINRULE_CACHE. Each function (outputs, value_and_grad, …) is a library of its own, which is built
    when it is first called: half a second to a second for a small network, several for a thousand steps of a chain.
    With "auto", NumPy runs until C is there; what is half built when Python ends is lost, unless `program.wait()` was
    called. Both give the same numbers but for rounding.
    Where there is no compiler, or an operation has no spelling in C, a RuntimeWarning says so, and NumPy runs.

    Shapes: for an input (n,), f gets one Value; for (n, k), an array of k Values; a bare number is shared by all
    examples.
    Errors: TraceError where f reads a number; with frozen="allow" it goes on, and program.frozen lists what was read.

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
        raise ValueError(f'frozen={frozen!r} is not one of "error", "allow"')
    if isinstance(params, Value):
        raise TypeError("compile: params is one Value; write params=[...], with the Value in a list")
    if callable(params) and not hasattr(params, "parameters"):
        name = getattr(params, "__name__", "")
        raise TypeError(f"compile: params is a function, {name}; call it: write params=model.parameters(), with ()")
    if params is None:
        params = _owner(f)
    params = params.parameters() if hasattr(params, "parameters") else params
    if isinstance(params, (dict, set, frozenset)):
        write = "list(params.values())" if isinstance(params, dict) else "a list, in the order of the gradient"
        raise TypeError(f"compile: params is a {type(params).__name__}, not a flat list of Values; write {write}")
    if not isinstance(params, Iterable):
        raise TypeError(f"compile: params is a flat list of Values, or a model; got {type(params).__name__} {params!r}")
    parameters = list(params)
    for i, parameter in enumerate(parameters):
        if not isinstance(parameter, Value):
            raise TypeError(f"compile: parameter {i} is {parameter!r}, not a Value; params is a flat list of Values")
        if parameter.operation is not None:
            raise TypeError(f"compile: parameter {i} is {parameter!r}, which was computed; list the Values that it was "
                            "computed from")  # fmt: skip
    if len({id(parameter) for parameter in parameters}) < len(parameters):
        raise ValueError("compile: a parameter is listed twice; list tied weights once")
    return Program(f, parameters, batch, frozen == "allow", checked(backend))
