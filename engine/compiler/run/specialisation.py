"""Stage 4: what was traced for one shape of the inputs, and the functions that it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ...value import Value
from ..arrays.buffers import Block
from ..arrays.pack import Array as Lanes
from ..arrays.pack import Plan, plan
from ..emit.numpy import source_of_arrays
from ..emit.python import functions, lines, on_columns, on_floats
from ..emit.text import build
from ..scalar.code import Code, Term, differentiate
from ..trace.tape import Frozen
from ..trace.tracer import ONE_AT_A_TIME, paused_collector
from .running import Array, Pool, Pools, Runner

Made = TypeVar("Made")


@dataclass(frozen=True)
class Instruction:
    """A line of the program and the scalar nodes that it stands for."""

    text: str
    nodes: tuple[str, ...]

    def __str__(self) -> str:
        return self.text + (f"  # {', '.join(self.nodes)}" if self.nodes else "")


class OnFloats(Pool):
    """A function on one example's floats, without buffers; where Python raises, NumPy says inf or nan."""

    def __init__(self, function: Runner, bind: Callable[[], Callable[[int, Array], Runner]]) -> None:
        self._function, self._on_arrays = function, bind

    def run(self, theta: Array, arrays: Sequence[Any], then: Callable[[Any], Any] | None = None) -> Any:
        """What the function returns."""
        try:
            result = self._function(theta, *arrays)
        except (ArithmeticError, ValueError):
            result = self._on_arrays()(1, theta.copy())(*arrays)
        return result if then is None else then(result)


def _once(known: dict[str, Made], key: str, make: Callable[[], Made]) -> Made:
    """What is known under that key; made when it is first wanted."""
    if key not in known:
        known[key] = make()
    return known[key]


@dataclass
class Version:
    """The program for one shape of the inputs."""

    code: Code
    outputs: list[Term]
    several: bool
    inputs: int  # how many scalars
    parameters: int
    frozen: list[Frozen]
    constants: list[Value]
    kept: list[int]  # the parameters with requires_grad=False
    layout: list[Lanes]  # the arrays that hold the inputs
    shapes: list[tuple[int, ...]]  # of the inputs of one example
    narrow: bool  # whether it runs on floats
    compared: bool = False  # whether a second example was traced, and gave the same
    plan: Plan | None = None  # made when it is first run
    texts: dict[str, str] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    pools: dict[str, Pools] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The functions that there are; the last one tells most."""
        gradients = [] if self.several else ["input_gradients", *["value_and_grad"] * (self.parameters > 0)]
        return ["value", *gradients]

    def slopes(self, name: str) -> list[Term]:
        """What the function of that name returns, scalar by scalar: the outputs, or the output and its slopes."""
        if name == "value":
            return self.outputs
        [output] = self.outputs
        with ONE_AT_A_TIME, paused_collector():
            if name == "input_gradients":
                return [output, *differentiate(self.code, output, range(self.inputs))]
            slopes = differentiate(self.code, output, range(self.inputs, self.inputs + self.parameters))
        return [output, *(0.0 if i in self.kept else slope for i, slope in enumerate(slopes))]

    def float_text(self, name: str) -> str:
        """value, value_and_grad or input_gradients of one example, in Python."""
        inputs = list(zip(self.layout, self.shapes))
        return _once(self.texts, f"floats {name}",
                     lambda: on_floats(name, self.code, self.slopes(name), inputs, self.parameters))  # fmt: skip

    def array_text(self, name: str) -> str:
        """bind(n) for the same on whole arrays."""
        return _once(self.texts, name, lambda: self._write(name)[0])

    def column_text(self) -> str:
        """The output, and its slopes to the parameters, example by example."""
        return _once(self.texts, "columns", lambda: on_columns("per_example", self.code, self.slopes("per_example")))

    def text(self, name: str) -> str:
        return self.float_text(name) if self.narrow else self.array_text(name)

    def _write(self, name: str) -> tuple[str, Block]:
        given = ", ".join(f"x{i}" for i in range(len(self.layout)))
        with ONE_AT_A_TIME:  # writing names the arrays of the plan
            head = f"{name.replace('careful', 'value_and_grad')}({given})"
            return source_of_arrays(self.planned(), name, head, self.kept)

    def instructions(self, name: str) -> list[Instruction]:
        """The lines of the text, with the labels or symbols of the nodes that they stand for."""
        code = self.code
        if self.narrow:
            said: Any = lines(code, self.slopes(name), True)
        else:
            said = [(text, [place for step in steps for place in step.stands_for])
                    for text, steps in self._write(name)[1].said]  # fmt: skip
        known = len(code.operations)
        return [Instruction(text, tuple(node for place in places if place < known for node in code.nodes(place)))
                for text, places in said]  # fmt: skip

    def planned(self) -> Plan:
        with ONE_AT_A_TIME, paused_collector():
            if self.plan is None:
                self.plan = plan(self.code, self.outputs, self.layout, self.parameters)
            return self.plan

    def pool(self, name: str) -> Pools:
        """The function value, value_and_grad or input_gradients."""
        return _once(self.pools, name, lambda: Pools(self._pool(name)))

    def _pool(self, name: str) -> Callable[[int], Pool]:
        if not self.narrow:
            return partial(Pool, self._bind(name))
        with paused_collector():
            careful = name.replace("value_and_grad", "careful")  # it runs where something is not finite
            one = OnFloats(build(name, self.float_text(name), functions(self.code)), partial(self._bind, careful))
        return lambda n: one

    def _bind(self, name: str) -> Callable[[int, Array], Runner]:
        return _once(self.runners, name, lambda: build("bind", self.array_text(name)))

    def on_columns(self) -> Runner:
        return _once(self.runners, "columns", lambda: build("per_example", self.column_text()))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "plan": None, "runners": {}, "pools": {}}  # functions are made again from their text
