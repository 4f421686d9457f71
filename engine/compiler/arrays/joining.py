"""Stage 3: one line for what is done to several buffers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .buffers import Argument, Buffer, Line, View, pair

ONES = re.compile(r"(np\.ones\(.*\))?")
FULL = re.compile(r"np\.full\((\(.*\)), (.*)\)")  # the same number everywhere


@dataclass
class Alike:
    """Lines that do the same to several buffers; all of them can run where the first stands."""

    places: list[int]
    read: list[Buffer]
    written: list[Buffer]


def joined(lines: Sequence[Line]) -> list[Line]:
    """Where several lines do the same to several buffers, these become rows of one buffer, and the lines one line."""
    kept: list[Line | None] = list(lines)
    constants: dict[str, View] = {}
    windows: dict[Buffer, View] = {}
    starts: dict[Buffer, int] = {}
    touched = _touched(lines)
    for alike in _compatible(lines, touched):
        if alike.read[0] in windows:
            whole = windows[alike.read[0]].buffer
        else:
            rows = 0
            for buffer in sorted(alike.read, key=touched.__getitem__):
                starts[buffer] = rows
                rows += int(buffer.shape[0])
            whole = _joined(alike.read, rows, starts, windows)
        starts.update((to, starts[of]) for of, to in zip(alike.read, alike.written))
        result = _joined(alike.written, int(whole.shape[0]), starts, windows)
        first = alike.places[0]
        joint = _joint([lines[place] for place in alike.places], whole, result, constants)
        for place in alike.places:
            kept[place] = joint if place == first else None
    return [_with(line, windows) for line in kept if line is not None]


def _compatible(lines: Sequence[Line], touched: Mapping[Buffer, int]) -> list[Alike]:
    """What can be joined, each buffer with the same others always."""
    apart: set[int] = set()
    while True:
        among: dict[Buffer, set[Buffer]] = {}
        found = _alike(lines, touched, apart)
        before = len(apart)
        for alike in found:
            if any(among.get(buffer, set(alike.read)) != set(alike.read) for buffer in alike.read):
                apart.update(alike.places)
            among.update((buffer, set(alike.read)) for buffer in alike.read)
            among.update((buffer, set(alike.written)) for buffer in alike.written)
        if len(apart) == before:
            return found


def _touched(lines: Sequence[Line]) -> dict[Buffer, int]:
    """The first line that reads or writes each buffer."""
    touched: dict[Buffer, int] = {}
    for place, line in enumerate(lines):
        for buffer in [*line.buffers(), *([line.out.buffer] if line.out else [])]:
            touched.setdefault(buffer, place)
    return touched


def _alike(lines: Sequence[Line], touched: Mapping[Buffer, int], apart: Collection[int]) -> list[Alike]:
    """The lines that can be joined, in the order in which they run then; those apart stay as they are."""
    writers: dict[Buffer, list[int]] = {}
    for place, line in enumerate(lines):
        if line.out is not None:
            writers.setdefault(line.out.buffer, []).append(place)
    runs_at = list(range(len(lines)))
    found: dict[object, list[Alike]] = {}
    for place, line in enumerate(lines):
        key = None if place in apart else _does(line)
        if key is None or line.out is None or touched[line.out.buffer] < place:
            continue
        read = _changing(line)[0].buffer
        before = [runs_at[writer] for writer in writers.get(read, ()) if writer < place]
        for alike in found.setdefault(key, []):
            if read not in alike.read and all(at < alike.places[0] for at in before):
                alike.places.append(place)
                alike.read.append(read)
                alike.written.append(line.out.buffer)
                runs_at[place] = alike.places[0]
                break
        else:
            found[key].append(Alike([place], [read], [line.out.buffer]))
    several = (alike for group in found.values() for alike in group if len(alike.places) > 1)
    return sorted(several, key=lambda alike: alike.places)


def _changing(line: Line) -> list[View]:
    """The arguments that are not one number everywhere."""
    return [a for a in line.arguments if isinstance(a, View) and a.shape and not FULL.fullmatch(a.buffer.made)]


def _does(line: Line) -> object:
    """Equal for lines that can be joined; None for one that can be joined with no other."""
    changing = _changing(line)
    if not line.in_place or len(changing) != 1 or line.out is None or line.out.how or line.out.buffer.made:
        return None
    [view] = changing
    made = ONES.fullmatch(view.buffer.made)
    if view.shape != line.out.shape or len(view.shape) != 2 or not made:
        return None
    if not re.fullmatch(r"(\[:\d+\])?", view.how):
        return None
    others = [None if a is view else FULL.sub(r"\2", a.buffer.made) if isinstance(a, View) and a.shape else a
              for a in line.arguments]  # fmt: skip
    kinds = [step.kind for step in line.steps]  # the slopes of two layers; no square and a slope that is one
    return line.text, *others, *kinds, view.shape[1], view.buffer.made != ""


def _joined(
    buffers: Sequence[Buffer], rows: int, starts: Mapping[Buffer, int], windows: dict[Buffer, View]
) -> Buffer:
    """One buffer with these in its rows."""
    shape = (rows, buffers[0].shape[1])
    made = f"np.ones({pair(shape)})" if buffers[0].made else ""
    whole = Buffer("_".join(buffer.name for buffer in sorted(buffers, key=starts.__getitem__)), shape, made)
    for buffer in buffers:
        end = starts[buffer] + int(buffer.shape[0])
        windows[buffer] = View(whole, f"[{starts[buffer]}:{end}]", buffer.shape, buffer.name)
    return whole


def _joint(lines: Sequence[Line], whole: Buffer, result: Buffer, constants: dict[str, View]) -> Line:
    """One line for all of these; constants: those that have been made for such lines."""
    first = lines[0]
    [view] = _changing(first)

    def longer(argument: Argument) -> Argument:
        if not isinstance(argument, View) or not argument.shape:
            return argument
        made = FULL.sub(rf"np.full({pair(whole.shape)}, \2)", argument.buffer.made)
        buffer = Buffer(f"{argument.buffer.name}x{whole.shape[0]}", whole.shape, made)
        return constants.setdefault(made, View(buffer, "", whole.shape))

    names = {view.buffer.name: whole.name, first.out.buffer.name: result.name}  # type: ignore[union-attr]
    return Line(
        first.text,
        tuple(View(whole, "", whole.shape) if a is view else longer(a) for a in first.arguments),
        View(result, "", result.shape),
        re.sub(r"[A-Za-z_][A-Za-z_0-9]*", lambda word: names.get(word[0], word[0]), first.says),
        True,
        tuple(step for line in lines for step in line.steps),
    )


def _with(line: Line, windows: Mapping[Buffer, View]) -> Line:
    """The line, with windows in place of buffers."""

    def moved(view: View) -> View:
        window = windows.get(view.buffer)
        if window is None:
            return view
        name = f"{window.name}_1" if view.how else window.name
        return View(window.buffer, window.how + view.how, view.shape, view.name or name)

    arguments = tuple(moved(a) if isinstance(a, View) else a for a in line.arguments)
    return replace(line, arguments=arguments, out=line.out and moved(line.out))
