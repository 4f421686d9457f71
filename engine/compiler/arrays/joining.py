"""One statement in place of several that do the same to different buffers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ..literals import shape_literal
from .buffers import Buffer, Statement, View, ViewOrNumber

ONES = re.compile(r"(np\.ones\(.*\))?")
FULL = re.compile(r"np\.full\((\(.*\)), (.*)\)")  # an array that holds one number everywhere


@dataclass
class Joinable:
    """Statements that do the same to different buffers, and that can all run where the first one stands."""

    positions: list[int]
    read: list[Buffer]
    written: list[Buffer]


def joined(statements: Sequence[Statement]) -> list[Statement]:
    """The statements, joined: where several do the same to different buffers, those become rows of one buffer."""
    kept: list[Statement | None] = list(statements)
    constants: dict[str, View] = {}
    windows: dict[Buffer, View] = {}
    starts: dict[Buffer, int] = {}
    touched = _touched(statements)
    for group in _compatible(statements, touched):
        if group.read[0] in windows:
            whole = windows[group.read[0]].buffer
        else:
            rows = 0
            for buffer in sorted(group.read, key=touched.__getitem__):
                starts[buffer] = rows
                rows += int(buffer.shape[0])
            whole = _joined(group.read, rows, starts, windows)
        starts.update((to, starts[of]) for of, to in zip(group.read, group.written))
        result = _joined(group.written, int(whole.shape[0]), starts, windows)
        first = group.positions[0]
        joint = _joint([statements[position] for position in group.positions], whole, result, constants)
        for position in group.positions:
            kept[position] = joint if position == first else None
    return [_with(statement, windows) for statement in kept if statement is not None]


def _compatible(statements: Sequence[Statement], touched: Mapping[Buffer, int]) -> list[Joinable]:
    """The groups that can be joined; wherever a buffer is in a group, it is there with the same other buffers."""
    apart: set[int] = set()
    while True:
        among: dict[Buffer, frozenset[Buffer]] = {}
        found = _alike(statements, touched, apart)
        before = len(apart)
        for group in found:
            others = {id(among[buffer]): among[buffer] for buffer in group.read if buffer in among}
            mine = frozenset(group.read)
            if any(other != mine for other in others.values()):
                apart.update(group.positions)
            among.update(dict.fromkeys(group.read, mine))
            among.update(dict.fromkeys(group.written, frozenset(group.written)))
        if len(apart) == before:
            return found


def _touched(statements: Sequence[Statement]) -> dict[Buffer, int]:
    """For each buffer, the position of the first statement that reads or writes it."""
    touched: dict[Buffer, int] = {}
    for position, statement in enumerate(statements):
        for buffer in [*statement.buffers(), *([statement.out.buffer] if statement.out else [])]:
            touched.setdefault(buffer, position)
    return touched


def _alike(statements: Sequence[Statement], touched: Mapping[Buffer, int], apart: Collection[int]) -> list[Joinable]:
    """The groups of statements that do the same, in the order in which they will run. Those `apart` are in no group."""
    written_at: dict[Buffer, int] = {}  # where the last statement that writes to it will run
    found: dict[object, list[Joinable]] = {}
    among: set[tuple[int, Buffer]] = set()  # the first position of a group, and what the group reads
    for position, statement in enumerate(statements):
        if statement.out is None:
            continue
        out, runs_at = statement.out.buffer, position
        key = None if position in apart else _does(statement)
        if key is not None and touched[out] >= position:
            read = _changing(statement)[0].buffer
            groups = found.setdefault(key, [])
            place = bisect_right(groups, written_at.get(read, -1), key=lambda group: group.positions[0])
            while place < len(groups) and (groups[place].positions[0], read) in among:
                place += 1
            if place == len(groups):
                groups.append(Joinable([], [], []))
            group = groups[place]
            group.positions.append(position)
            group.read.append(read)
            group.written.append(out)
            runs_at = group.positions[0]
            among.add((runs_at, read))
        written_at[out] = max(runs_at, written_at.get(out, -1))
    several = (group for groups in found.values() for group in groups if len(group.positions) > 1)
    return sorted(several, key=lambda group: group.positions)


def _changing(statement: Statement) -> list[View]:
    """The arguments, without those that are one number everywhere."""
    return [a for a in statement.arguments if isinstance(a, View) and a.shape and not FULL.fullmatch(a.buffer.initial)]


def _does(statement: Statement) -> object:
    """What a statement does: equal for those that can be joined, and None for one that cannot be joined at all."""
    changing = _changing(statement)
    out = statement.out
    if not statement.in_place or len(changing) != 1 or out is None or out.suffix or out.buffer.initial:
        return None
    [view] = changing
    if view.shape != out.shape or len(view.shape) != 2 or not ONES.fullmatch(view.buffer.initial):
        return None
    if not re.fullmatch(r"(\[:\d+\])?", view.suffix):
        return None
    others = [None if a is view else FULL.sub(r"\2", a.buffer.initial) if isinstance(a, View) and a.shape else a
              for a in statement.arguments]  # fmt: skip
    kinds = [step.kind for step in statement.steps]  # the same text of instructions of different kinds stays apart
    return statement.text, *others, *kinds, view.shape[1], view.buffer.initial != ""


def _joined(buffers: Sequence[Buffer], rows: int, starts: Mapping[Buffer, int], windows: dict[Buffer, View]) -> Buffer:
    """One buffer with these in its rows; where each of them is in it is noted in `windows`."""
    shape = (rows, buffers[0].shape[1])
    initial = f"np.ones({shape_literal(shape)})" if buffers[0].initial else ""
    whole = Buffer("_".join(buffer.name for buffer in sorted(buffers, key=starts.__getitem__)), shape, initial)
    for buffer in buffers:
        end = starts[buffer] + int(buffer.shape[0])
        windows[buffer] = View(whole, f"[{starts[buffer]}:{end}]", buffer.shape, buffer.name)
    return whole


def _joint(statements: Sequence[Statement], whole: Buffer, result: Buffer, constants: dict[str, View]) -> Statement:
    """One statement for all of these. `constants` holds the constant arrays that joint statements use."""
    first = statements[0]
    [view] = _changing(first)

    def longer(argument: ViewOrNumber) -> ViewOrNumber:
        if not isinstance(argument, View) or not argument.shape:
            return argument
        initial = FULL.sub(rf"np.full({shape_literal(whole.shape)}, \2)", argument.buffer.initial)
        buffer = Buffer(f"{argument.buffer.name}x{whole.shape[0]}", whole.shape, initial)
        return constants.setdefault(initial, View(buffer, "", whole.shape))

    names = {view.buffer.name: whole.name, first.out.buffer.name: result.name}  # type: ignore[union-attr]
    return Statement(
        first.text,
        tuple(View(whole, "", whole.shape) if a is view else longer(a) for a in first.arguments),
        View(result, "", result.shape),
        re.sub(r"[A-Za-z_][A-Za-z_0-9]*", lambda word: names.get(word[0], word[0]), first.comment),
        True,
        tuple(step for statement in statements for step in statement.steps),
    )


def _with(statement: Statement, windows: Mapping[Buffer, View]) -> Statement:
    """The statement, with windows in place of the buffers that were joined."""

    def moved(view: View) -> View:
        window = windows.get(view.buffer)
        if window is None:
            return view
        name = f"{window.name}_1" if view.suffix else window.name
        return View(window.buffer, window.suffix + view.suffix, view.shape, view.name or name)

    arguments = tuple(moved(a) if isinstance(a, View) else a for a in statement.arguments)
    return replace(statement, arguments=arguments, out=statement.out and moved(statement.out))
