"""Stage 3: lines of NumPy that write into buffers; which buffers can share memory; and the text of the program."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..emit.text import literal
from .pack import Step

Shape = tuple[int | str, ...]  # "n" is the number of examples
FUNCTION = re.compile(r"(?<![\w.}])([a-z]\w*)[.(]")  # a name of NumPy's at the beginning of a call


@dataclass(eq=False)
class Buffer:
    """An array that is made once for a number of examples, and written at each call."""

    name: str
    shape: Shape
    made: str = ""  # what it holds from the start, where that matters; it shares its memory with no other then
    given: bool = False  # made by the caller, or by the function itself at each call


@dataclass(frozen=True)
class View:
    """A buffer, or a window on it; windows are made once, too."""

    buffer: Buffer
    how: str  # "", "[0:4]", "[:, None]", ".reshape(3, 5)": nothing that would copy
    shape: Shape
    name: str = field(default="", compare=False)

    def window(self, how: str, shape: Shape, name: str = "") -> View:
        if how == ".T" and self.how.endswith(".T"):
            return View(self.buffer, self.how.removesuffix(".T"), shape, name)
        return View(self.buffer, self.how + how, shape, name)

    @property
    def solid(self) -> bool:
        """Whether it is one piece of memory, in order: then .reshape() is a window, too, and no copy."""
        return re.fullmatch(r"(\[\d*:\d*\]|\[\d+\]|\[:, None\]|\.reshape\([^)]*\))*", self.how) is not None


Argument = View | float


@dataclass(eq=False)
class Line:
    """One instruction: a text with a {} for each argument and {out} for what it writes."""

    text: str
    arguments: tuple[Argument, ...]
    out: View | None
    says: str = ""  # the same as one would write it on paper
    in_place: bool = False  # whether it may write over an argument: number by number
    steps: tuple[Step, ...] = ()  # what it is for

    @property
    def shape(self) -> str:
        """Of what it writes."""
        return f"({', '.join(map(str, self.out.shape))})" if self.out else ""

    def buffers(self) -> list[Buffer]:
        return [a.buffer for a in self.arguments if isinstance(a, View)]


@dataclass
class Block:
    """The lines of one function."""

    lines: list[Line] = field(default_factory=list)
    fresh: Buffer | None = None  # made anew at each call, and returned
    said: list[tuple[str, tuple[Step, ...]]] = field(default_factory=list)  # each line of the text, and what it is for

    def needed(self) -> list[Line]:
        """The lines whose results somebody reads; a line without `out` is needed in any case."""
        live: set[Buffer] = set()
        kept = []
        for line in reversed(self.lines):
            if line.out is None or line.out.buffer in live:
                kept.append(line)
                live.update(line.buffers())
        return kept[::-1]

    def function(self, head: str) -> str:
        """`bind(n, theta)`, which makes the buffers for n examples, and returns the function `head` that uses them."""
        lines = self.needed()
        names, made = _Names(self.fresh), _memory(lines)
        body = [line.text.format(*map(names.of, line.arguments), out=names.of(line.out) if line.out else "")
                for line in lines]  # fmt: skip
        self.said = [(text, line.steps) for text, line in zip(body, lines)]
        wide = min(48, max(map(len, body), default=0))
        says = min(40, max((len(line.says) for line in lines), default=0))
        run = [f"        {text:<{wide}}  # {line.says:<{says}} {line.shape}".rstrip(" #")
               for text, line in zip(body, lines)]  # fmt: skip
        start = [f"    {text}" for text in (*made, *names.made)]
        title = '    """The buffers for n examples, and the function that works in them, with these parameters."""'
        used = sorted({word for line in lines for word in FUNCTION.findall(line.text) if hasattr(np, word)})
        local = [f"    {', '.join(used)} = {', '.join(f'np.{name}' for name in used)}"] if used else []
        return "\n".join(["def bind(n, theta):", title, *local, *start, "", f"    def {head}:", *run, "",
                          f"    return silent({head.split('(')[0]})", ""])  # fmt: skip


class _Names:
    """The names of buffers and windows; a window is made before the first call."""

    def __init__(self, fresh: Buffer | None) -> None:
        self.made: list[str] = []
        self._fresh = fresh
        self._known: dict[View, str] = {}
        self._count: defaultdict[str, int] = defaultdict(int)

    def of(self, argument: Argument) -> str:
        if not isinstance(argument, View):
            return literal(argument)
        if not argument.how or argument.buffer is self._fresh:
            return argument.buffer.name + argument.how
        if argument not in self._known:
            base, name = argument.buffer.name, argument.name
            if not name or name in self._known.values():
                self._count[base] += 1
                name = f"{base}_{self._count[base]}"
            self.made.append(f"{name} = {base}{argument.how}")
            self._known[argument] = name
        return self._known[argument]


def _memory(lines: Sequence[Line]) -> list[str]:
    """What makes each buffer; one whose last reader has read it hands its memory on."""
    last: dict[Buffer, int] = {}
    for place, line in enumerate(lines):
        for buffer in line.buffers():
            last[buffer] = place
    made: dict[Buffer, str] = {}
    free: defaultdict[Shape, list[Buffer]] = defaultdict(list)
    for place, line in enumerate(lines):
        for buffer in line.buffers():
            if buffer.made and not buffer.given:
                made[buffer] = buffer.made
        gone = {b for b in line.buffers() if last[b] == place and not b.made and not b.given}
        if line.out is not None and line.out.buffer not in made and not line.out.buffer.given:
            buffer = line.out.buffer
            whole = [a.buffer for a in line.arguments if isinstance(a, View) and not a.how and a.buffer in gone]
            reusable = [b for b in whole if b.shape == buffer.shape] if line.in_place and not line.out.how else []
            if buffer.made:
                made[buffer] = buffer.made
            elif reusable:
                made[buffer] = reusable[0].name
                gone.remove(reusable[0])
            elif free[buffer.shape]:
                made[buffer] = free[buffer.shape].pop().name
            else:
                made[buffer] = f"np.empty({buffer.shape[0] if len(buffer.shape) == 1 else pair(buffer.shape)})"
        for buffer in sorted(gone, key=lambda b: b.name):
            free[buffer.shape].append(buffer)
    return [f"{buffer.name} = {text}" for buffer, text in made.items()]


def pair(shape: Shape) -> str:
    """A shape in the text of a program."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def evenly(indices: Sequence[int]) -> str | None:
    """The slice that picks these: "[2:5]", "[0:9:3]"; None where they do not rise evenly."""
    first, step = indices[0], indices[1] - indices[0] if len(indices) > 1 else 1
    if step <= 0 or list(indices) != list(range(first, first + step * len(indices), step)):
        return None
    return f"[{first}:{indices[-1] + 1}]" if step == 1 else f"[{first}:{indices[-1] + 1}:{step}]"


def broadcast(arguments: Iterable[Argument]) -> Shape:
    """The shape of a result, number by number, of these."""
    shapes = [a.shape for a in arguments if isinstance(a, View)]
    size = max(map(len, shapes), default=0)
    longer = [(1,) * (size - len(shape)) + shape for shape in shapes]
    return tuple(next((d for d in dimensions if d != 1), 1) for dimensions in zip(*longer))
