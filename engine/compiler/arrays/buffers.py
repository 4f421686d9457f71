"""Statements of NumPy that write into buffers, which buffers can share memory, and the text of the whole function."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..literals import literal, shape_literal
from .plan import Step

Shape = tuple[int | str, ...]  # "n" is the number of examples
LONG = 1500  # lines
FUNCTION = re.compile(r"(?<![\w.}])([a-z]\w*)[.(]")  # the name of a NumPy function, where a call begins


@dataclass(eq=False)
class Buffer:
    """An array that is made once for a number of examples, and written at each call."""

    name: str
    shape: Shape
    initial: str = ""  # the text that makes it, if its first content matters; it then shares its memory with no other
    given: bool = False  # whether the caller makes it, or the function itself at each call


@dataclass(frozen=True)
class View:
    """A buffer, or a window on a part of it. Windows are made once, as buffers are."""

    buffer: Buffer
    suffix: str  # what stands behind the buffer's name: "", "[0:4]", "[:, None]", ".reshape(3, 5)"; it never copies
    shape: Shape
    name: str = field(default="", compare=False)

    def window(self, suffix: str, shape: Shape, name: str = "") -> View:
        """A window on this view."""
        if suffix == ".T" and self.suffix.endswith(".T"):
            return View(self.buffer, self.suffix.removesuffix(".T"), shape, name)
        return View(self.buffer, self.suffix + suffix, shape, name)

    @property
    def solid(self) -> bool:
        """Whether it is one piece of memory, in order, so that .reshape() does not copy it."""
        return re.fullmatch(r"(\[\d*:\d*\]|\[\d+\]|\[:, None\]|\.reshape\([^)]*\))*", self.suffix) is not None


ViewOrNumber = View | float


@dataclass(eq=False)
class Statement:
    """One line of the program."""

    text: str  # with a {} for each argument, and {out} for what it writes
    arguments: tuple[ViewOrNumber, ...]
    out: View | None
    comment: str = ""  # what it computes, in the notation of a textbook
    in_place: bool = False  # whether it works number by number, and so may write over an argument
    steps: tuple[Step, ...] = ()  # the array instructions that it belongs to
    spelled: bool = False  # whether the text is a row's own spelling, in which names mean what they mean to its author

    @property
    def shape(self) -> str:
        """The shape of what it writes, as text."""
        return f"({', '.join(map(str, self.out.shape))})" if self.out else ""

    def buffers(self) -> list[Buffer]:
        """The buffers that it reads."""
        return [a.buffer for a in self.arguments if isinstance(a, View)]


@dataclass
class Block:
    """The statements of one function."""

    statements: list[Statement] = field(default_factory=list)
    fresh: Buffer | None = None  # the buffer that the function makes at each call, and returns
    written: list[tuple[str, tuple[Step, ...]]] = field(default_factory=list)  # each line of the text, with its steps

    def needed(self) -> list[Statement]:
        """The statements whose results are read by another one, and those that write to no buffer, as `return`."""
        live: set[Buffer] = set()
        kept = []
        for statement in reversed(self.statements):
            if statement.out is None or statement.out.buffer in live:
                kept.append(statement)
                live.update(statement.buffers())
        return kept[::-1]

    def function(self, head: str) -> str:
        """`bind(n, theta)`, which makes the buffers for n examples, and returns the function `head` that uses them."""
        statements = self.needed()
        names, made = _Names(self.fresh), _memory(statements)
        body = [one.text.format(*map(names.of, one.arguments), out=names.of(one.out) if one.out else "")
                for one in statements]  # fmt: skip
        self.written = [(text, one.steps) for text, one in zip(body, statements)]
        wide = min(48, max(map(len, body), default=0))
        wide_comment = min(40, max((len(one.comment) for one in statements), default=0))
        run = [f"        {text:<{wide}}  # {one.comment:<{wide_comment}} {one.shape}".rstrip(" #")
               for text, one in zip(body, statements)]  # fmt: skip
        start = [f"    {text}" for text in (*made, *names.windows)]
        if len(start) > LONG:  # without a branch, Python compiles so long a piece in quadratic time
            start.insert(0, "    if n < 1: return None")
        title = '    """The buffers for n examples, and the function that works in them, with these parameters."""'
        used = sorted({word for one in statements if not one.spelled
                       for word in FUNCTION.findall(one.text) if hasattr(np, word)})  # fmt: skip
        local = [f"    {', '.join(used)} = {', '.join(f'np.{name}' for name in used)}"] if used else []
        return "\n".join(["def bind(n, theta):", title, *local, *start, "", f"    def {head}:", *run, "",
                          f"    return silent({head.split('(')[0]})", ""])  # fmt: skip


class _Names:
    """The names of buffers and windows in the text."""

    def __init__(self, fresh: Buffer | None) -> None:
        self.windows: list[str] = []  # the lines that make the windows, before the first call
        self._fresh = fresh
        self._known: dict[View, str] = {}
        self._taken = set[str]()
        self._count: defaultdict[str, int] = defaultdict(int)

    def of(self, argument: ViewOrNumber) -> str:
        if not isinstance(argument, View):
            return literal(argument)
        if not argument.suffix or argument.buffer is self._fresh:
            return argument.buffer.name + argument.suffix
        if argument not in self._known:
            base, name = argument.buffer.name, argument.name
            if not name or name in self._taken:
                self._count[base] += 1
                name = f"{base}_{self._count[base]}"
            self.windows.append(f"{name} = {base}{argument.suffix}")
            self._known[argument] = name
            self._taken.add(name)
        return self._known[argument]


def _memory(statements: Sequence[Statement]) -> list[str]:
    """The lines that make the buffers. A buffer that is read no more hands its memory on to a later one."""
    last: dict[Buffer, int] = {}
    for position, statement in enumerate(statements):
        for buffer in statement.buffers():
            last[buffer] = position
    made: dict[Buffer, str] = {}
    free: defaultdict[Shape, list[Buffer]] = defaultdict(list)
    for position, statement in enumerate(statements):
        out, read = statement.out, statement.buffers()
        for buffer in read:
            if buffer.initial and not buffer.given:
                made[buffer] = buffer.initial
        gone = {b for b in read if last[b] == position and not b.initial and not b.given}
        if out is not None and out.buffer not in made and not out.buffer.given:
            buffer = out.buffer
            whole = [a.buffer for a in statement.arguments if isinstance(a, View) and not a.suffix and a.buffer in gone]
            reusable = [b for b in whole if b.shape == buffer.shape] if statement.in_place and not out.suffix else []
            if buffer.initial:
                made[buffer] = buffer.initial
            elif reusable:
                made[buffer] = reusable[0].name
                gone.remove(reusable[0])
            elif free[buffer.shape]:
                made[buffer] = free[buffer.shape].pop().name
            else:
                made[buffer] = f"np.empty({buffer.shape[0] if len(buffer.shape) == 1 else shape_literal(buffer.shape)})"
        for buffer in sorted(gone, key=lambda b: b.name):
            free[buffer.shape].append(buffer)
    return [f"{buffer.name} = {text}" for buffer, text in made.items()]


def broadcast(arguments: Iterable[ViewOrNumber]) -> Shape:
    """The shape that NumPy gives to a result that is computed number by number from these arguments."""
    shapes = [a.shape for a in arguments if isinstance(a, View)]
    size = max(map(len, shapes), default=0)
    longer = [(1,) * (size - len(shape)) + shape for shape in shapes]
    return tuple(next((d for d in dimensions if d != 1), 1) for dimensions in zip(*longer))
