"""What was traced for one shape of the inputs, and the functions that are made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from ...numeric import readable
from ...op import Op
from ...value import Value
from ..arrays.pack import schedule
from ..arrays.plan import Array, Lane, Plan, Step
from ..arrays.whole import whole
from ..emit.about import Interface
from ..emit.c import array_function
from ..emit.c_function import CFunction
from ..emit.c_scalars import scalar_function
from ..emit.functions import numpy_source
from ..emit.javascript_arrays import bind_on_arrays
from ..emit.javascript_scalars import bind_on_scalars
from ..emit.python import functions_of, lines, on_floats, on_long_columns
from ..expression import expression
from ..scalar.code import Code, Scalar
from ..scalar.derive import Applied, differentiate, passed_by
from ..trace.tape import Frozen, stored_number
from ..trace.tracer import ONE_AT_A_TIME, paused_collector
from .backends import Functions
from .building import build
from .running import MANY, Chunks, FloatArray, Pool, Pools, Runner

Built = TypeVar("Built")
MANY_EXAMPLES = 8192  # of so many, the columns of a long chain are packed into arrays, whose memory is used again
PACKED = " packed"
Written = tuple[str, list[tuple[str, tuple[Step, ...]]]]


@dataclass(frozen=True)
class Instruction:
    """A line of the program, the nodes of the scalar graph that it stands for, and where the user's code made these."""

    text: str
    nodes: tuple[str, ...]
    where: tuple[str, ...] = ()  # as "file:line", each once

    def __str__(self) -> str:
        return self.text + (f"  # {', '.join(self.nodes)}" if self.nodes else "")


class OnFloats(Pool):
    """A function on the floats of one example, without buffers. Where Python raises, NumPy gives inf or nan."""

    def __init__(self, function: Runner, bind: Callable[[], Callable[[int, FloatArray], Runner]]) -> None:
        self._function, self._on_arrays = function, bind

    def run(self, theta: FloatArray, arrays: Sequence[Any], then: Callable[[Any], Any] | None = None) -> Any:
        """What the function returns."""
        try:
            result = self._function(theta, *arrays)
        except (ArithmeticError, ValueError):
            result = self._on_arrays()(1, theta.copy())(*arrays)
        return result if then is None else then(result)


def _in_a_plan(operands: Sequence[Any]) -> str:
    """The operands of an instruction of the plan, as text."""
    return f"[{', '.join(f'{a.array.name}[{a.index}]' if isinstance(a, Lane) else repr(a) for a in operands)}]"


def _once(known: dict[str, Built], key: str, make: Callable[[], Built]) -> Built:
    """What is known under that key; it is made when it is first asked for."""
    if key not in known:
        known[key] = make()
    return known[key]


@dataclass
class Specialisation:
    """The program for one shape of the inputs."""

    code: Code
    outputs: list[Scalar]
    several: bool  # whether the function returned a list of outputs
    inputs: int  # the number of scalars
    parameters: int
    numbers_read: list[Frozen]
    constants: list[Value]
    layout: list[Array]  # the arrays that hold the inputs
    shapes: list[tuple[int, ...]]  # of the inputs of one example
    narrow: bool  # whether it runs on floats
    batch: bool = False  # whether it runs on many examples
    long: bool = False  # whether it runs on columns, one operation after the other
    compared: bool = False  # whether a second example was traced, and gave the same program
    backend: str = "numpy"  # "c": functions run in C where they can; "auto": once they are built
    when_built: Callable[[], None] | None = None  # what "auto" calls when a function is there in C
    plan: Plan | None = None  # it is made before the first run
    texts: dict[str, str] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    pools: dict[str, Pools] = field(default_factory=dict)
    native: Functions = field(default_factory=Functions)

    def __post_init__(self) -> None:
        self.constant_numbers = [stored_number(value) for value in self.constants]

    @property
    def unchanged(self) -> Callable[[], bool] | None:
        """A function that says whether the constants still have the numbers of the trace; None if there are none."""
        return (lambda: [value.data for value in self.constants] == self.constant_numbers) if self.constants else None

    def check_constants(self) -> None:
        """ValueError if a constant has another number than when the function was traced."""
        for value, number in zip(self.constants, self.constant_numbers):
            if value.data != number and number == number:
                name = readable(value.label) or "a Value"
                raise ValueError(
                    f"{name} was {number!r} when the function was traced, and is {value.data!r} now: a program reads "
                    "at each call its inputs and params alone, and holds all other Values as constants. List it in "
                    "params, hand it in as an input, or compile anew"
                )

    @property
    def interface(self) -> Interface:
        """How it is called."""
        whole = [array.whole_numbers for array in self.layout]
        return Interface(self.shapes, whole, len(self.outputs) if self.several else None, self.batch, self.parameters)

    @property
    def names(self) -> list[str]:
        """The names of its functions; the last one computes most."""
        gradients = [] if self.several else ["input_gradients", *["value_and_grad"] * (self.parameters > 0)]
        return ["value", *gradients]

    def results(self, name: str, record: list[Applied] | None = None) -> list[Scalar]:
        """What the function of that name returns, scalar by scalar: the outputs, or the output and its gradient.

        To the numbers of an input of integers, it is 0.0. `record`: see `differentiate`. What a value_and_grad
        gives may be nan where nothing chooses an input that is nan; what "careful" gives is not.
        """
        if name == "value":
            return self.outputs
        [output] = self.outputs
        with ONE_AT_A_TIME, paused_collector():
            if name != "input_gradients":
                places = range(self.inputs, self.inputs + self.parameters)
                exact = name != "value_and_grad"
                return [output, *differentiate(self.code, output, places, record, exact)]
            whole = [array.whole_numbers for array in self.layout for _ in range(array.lanes)]
            floats = [place for place, integer in enumerate(whole) if not integer]
            found = dict(zip(floats, differentiate(self.code, output, floats, record)))
        return [output, *[found.get(place, 0.0) for place in range(self.inputs)]]

    def float_text(self, name: str) -> str:
        """The function of that name (value, value_and_grad or input_gradients) on one example, in Python."""
        called = name.replace("careful", "value_and_grad")
        return _once(
            self.texts,
            f"floats {name}",
            lambda: on_floats(called, self.code, self.results(name), self.interface, name != called),
        )

    def array_text(self, name: str) -> str:
        """bind(n, theta), which returns the function of that name on arrays, in NumPy."""
        return _once(self.texts, name, lambda: self.bind_text(name))

    def bind_text(self, name: str, without_gradient: Sequence[int] = ()) -> str:
        """The text of `array_text`; the parameters `without_gradient` get 0.0."""
        if not self.long or name.startswith("jacobian") or name.endswith(PACKED):
            name = name.replace(f"value_and_grad{PACKED}", "careful").removesuffix(PACKED)
            return self.written(name, without_gradient)[0]
        called, results = name.replace("careful", "value_and_grad"), self.results(name)
        for i in without_gradient if called == "value_and_grad" else ():
            results[1 + i] = 0.0
        return on_long_columns(called, self.code, results, self.layout, name != called)

    def javascript_text(self, name: str, without_gradient: Sequence[int] = ()) -> str:
        """bind_NAME(n) in JavaScript, which returns the function of that name."""
        for op in dict.fromkeys(self.code.operations):
            if isinstance(op, Op):
                expression(op)  # an error names the row, rather than a function of NumPy's in its spelling
        if self.narrow or self.long:
            exact = self.results(name.replace("value_and_grad", "careful"))
            return bind_on_scalars(name, self.code, exact, self.interface, without_gradient)
        with ONE_AT_A_TIME:
            return bind_on_arrays(whole(self.array_plan(), name, without_gradient), self.interface)

    def text(self, name: str) -> str:
        """The function of that name as it runs: on floats or on arrays."""
        return self.float_text(name) if self.narrow else self.array_text(name)

    def written(
        self, name: str, without_gradient: Sequence[int] = (), stages: dict[str, str] | None = None
    ) -> Written:  # fmt: skip
        """The text of `array_text`, and its lines with their steps; see `numpy_source`."""
        given = ", ".join(f"x{i}" for i in range(len(self.layout)))
        plan, [name, *output] = self.array_plan(), name.split()
        if name == "jacobian":  # with the place of the output whose gradient is wanted
            name, plan = "input_gradients", replace(plan, outputs=[plan.outputs[int(output[0])]])
        head = f"{name.replace('careful', 'value_and_grad')}({given})"
        return numpy_source(plan, name, head, without_gradient, stages)

    def stages(self, name: str) -> dict[str, str]:
        """The program after each pass, as text: "code", "plan", "forward", "derive", "join", "place", and "text"."""
        found = {"code": "\n".join(f"v{place} = {said}" for place, said in enumerate(self.code.lines()))}
        if not (self.narrow or self.long):
            plan = self.array_plan()
            kinds = [(step, getattr(step.kind, "name", step.kind)) for step in plan.steps]
            found["plan"] = "\n".join(
                f"{step.target.name} = {kind}({', '.join(map(_in_a_plan, step.operands))})" for step, kind in kinds
            )
            self.written(name, (), found)
        return {**found, "text": self.text(name)}

    def instructions(self, name: str) -> list[Instruction]:
        """The lines of the function of that name, each with the labels of the nodes that it stands for."""
        code, record = self.code, list[Applied]()
        if self.narrow or self.long:
            written: Any = lines(code, self.results(name, record), self.narrow)
        else:
            written = [(text, [place for step in steps for place in step.stands_for])
                    for text, steps in self.written(name)[1]]  # fmt: skip
        known, found, givers = len(code.operations), [], passed_by(code, record)
        for text, places in written:
            nodes = tuple(node for place in places if place < known for node in code.labels_at(place))
            sources = [code.sources[giver] for place in places if (giver := givers.get(place, place)) < known]
            lines_of_user = dict.fromkeys(filter(None, sources))
            found.append(Instruction(text, nodes, tuple(f"{file}:{line}" for file, line in lines_of_user)))
        return found

    def array_plan(self) -> Plan:
        """The plan, made when it is first asked for."""
        with ONE_AT_A_TIME, paused_collector():
            if self.plan is None:
                self.plan = schedule(self.code, self.outputs, self.layout, self.parameters)
            return self.plan

    def pool(self, name: str) -> Pools:
        """The function of that name, ready to run."""
        found = self.pools.get(name)
        if found is None:
            known, at_once = len(self.native.made), self.backend != "auto"
            found = Pools(self._pool(name))
            with ONE_AT_A_TIME:  # if a thread has built C meanwhile, what runs NumPy serves this call alone
                if at_once or len(self.native.made) == known:
                    self.pools[name] = found
        return found

    def c_function(self, name: str, one: bool = False) -> CFunction:
        """The function of that name in C. `one`: for one example, as `batch=False` runs it.

        Errors: NoExpression for what C has no words for.
        """
        one = one or not self.batch
        with ONE_AT_A_TIME, paused_collector():
            if self.narrow or self.long:  # one: the loops over examples take no time beside the others
                exact = self.results(name.replace("value_and_grad", "careful"))
                return scalar_function(self.code, exact, name, self.interface, one)
            return array_function(whole(self.array_plan(), name), int(one))

    def _native(self, name: str, one: bool = False) -> Any:
        """The function of that name as a `Native`; None where NumPy runs, for now or for good.

        `one`: for one example, of which the numbers stand side by side.
        """
        if self.backend == "numpy" or name.startswith(("careful", "jacobian")):
            return None  # careful: where the mean is nan, NumPy looks closer
        instead = "careful" if name == "value_and_grad" else name

        def make() -> Any:
            from .native import Native  # only who wants C waits until this is imported

            return Native(self.c_function(name, one), lambda n, theta: self._bind(instead)(n, theta))

        return self.native.get(name + " of one" * one, make, self._built if self.backend == "auto" else None)

    def epochs(self, rule: str, moved: int) -> Any:
        """Steps of training in C with this rule, see `Epochs`; None where NumPy runs, for now or for good."""
        native = self._native("value_and_grad")
        if native is None:
            return None

        def make() -> Any:
            from .epochs import Epochs

            return Epochs(native, rule, moved)

        return self.native.get(f"epochs of {moved} {rule}", make, self._built if self.backend == "auto" else None)

    def wait(self) -> None:
        """Wait until what "auto" builds is there; what is asked for later is built at once."""
        self.native.wait()
        if self.backend == "auto":
            self.backend = "c"
            self._built()

    def _built(self) -> None:
        with ONE_AT_A_TIME:
            self.pools.clear()
            if self.when_built:
                self.when_built()

    def _pool(self, name: str) -> Callable[[int], Pool]:
        native, packed = self._native(name), not (self.narrow or self.long) or name.startswith("jacobian")

        def in_c(n: int) -> Pool:
            alone = self._native(name, one=True) if n == 1 and packed else None
            return Pool((alone or native).bind, n)

        if native is None and not packed:
            if self.long:
                return lambda n: Pool(self._bind(name if n <= MANY_EXAMPLES else name + PACKED), n)
            with paused_collector():
                called = name.replace("careful", "value_and_grad")
                careful = partial(
                    self._bind, name.replace("value_and_grad", "careful")
                )  # where something is not finite
                one = OnFloats(build(called, self.float_text(name), functions_of(self.code)), careful)
            return lambda n: one
        make: Callable[[int], Pool] = in_c if native else partial(Pool, self._bind(name))
        if name not in ("value_and_grad", "careful") or not self.batch:
            return make
        pools, dimensions = Pools(make), [len(shape) for shape in self.shapes]
        return lambda n: make(n) if n < MANY else Chunks(pools, n, dimensions)

    def _bind(self, name: str) -> Callable[[int, FloatArray], Runner]:
        return _once(self.runners, name, lambda: build("bind", self.array_text(name)))

    def __getstate__(self) -> dict[str, Any]:
        made: dict[str, Any] = {"plan": None, "runners": {}, "pools": {}, "native": Functions(), "when_built": None}
        return {**self.__dict__, **made}  # they are made again from the texts
