"""Equal work on several small arrays is done at once: these arrays lie one below the other in memory.

The local derivatives of all layers with one activation are an example: ceil(h1) and ceil(h2) become ceil(h1_h2). A call
of NumPy's costs as much as its work on a thousand numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any

from .ir import WORDS, Array, Operand, Rows
from .place import ELSEWHERE, below_each_other, needed, placed

FEW_NAMES = 3
FEW_ROWS = 64  # with more of them the work takes longer than the calls, and the first have left the cache


def beside(code: Sequence[Array], roots: Collection[Array], elsewhere: Collection[object] = ()) -> list[Array]:
    """The program in which such work is done at once; operands of its instructions are written anew.

    The array "beside" of others is a window on all of them, with the rows of ones behind each. What lies `elsewhere`
    keeps its own place in memory.
    """
    joined = _Joined(code, roots, elsewhere)
    joined.find_families()
    while joined.join():
        pass
    return needed(joined.code(), roots)  # a family whose members did not fit is none


class _Joined:
    def __init__(self, code: Sequence[Array], roots: Collection[Array], elsewhere: Collection[object]) -> None:
        self._old = code
        self._at = {array: place for place, array in enumerate(code)}  # for what is new: what it stands before
        scattered = {read for array in code if array.op == "scatter" for read in array.reads}
        self._fixed = {*roots, *elsewhere, *placed(code, roots), *scattered}
        self._able = [array for array in code if _is_elementwise(array) and array not in self._fixed]
        self._below: dict[Array, Rows] = {}  # for each array that stands below others: its rows in the array of all
        self._members: dict[Array, int] = {}  # for each array of several: how many they are

    def find_families(self) -> None:
        """The arrays to which the same is done, after the last of them is there."""
        alone = [array for array in self._able if len(set(array.reads)) == 1]
        for group in _alike(alone, lambda array: "the same").values():
            members = sorted([array.reads[0] for array in group], key=lambda member: self._at[member])
            rows = sum(member.lanes + member.ones for member in members)
            taken = any(one in self._fixed or one in self._below or one.op in ELSEWHERE for one in members)
            if len(group) > 1 and not taken and rows <= FEW_ROWS and self._at[members[-1]] < self._at[group[0]]:
                whole = Array("beside", tuple(member.whole for member in members), rows, True, ())
                names = [member.name for member in members]
                whole.name = "_".join(names) if len(names) <= FEW_NAMES else f"{names[0]}_to_{names[-1]}"
                self._at[whole], self._members[whole] = self._at[members[-1]] + 1, len(members)
                self._below.update(below_each_other(whole))

    def join(self) -> bool:
        """Join the instructions that do the same to all members of a family, which makes a family; False if none do."""
        below, found = self._below, False
        ready = [array for array in self._able if array not in below and self._fits(array)]
        for group in _alike(ready, lambda array: below[array].array).values():
            wholes = [below[read].array for read in group[0].reads]
            first = self._at[group[0]]
            if len(group) == self._members[wholes[0]] and first >= max(self._at[whole] for whole in wholes):
                args = [below[a.array].array.whole if isinstance(a, Rows) else a for a in group[0].args]
                whole = Array(group[0].op, tuple(args), wholes[0].lanes, True, ())
                whole.name = group[0].name
                whole.steps = tuple(dict.fromkeys(step for array in group for step in array.steps))
                self._at[whole], self._members[whole] = first, len(group)
                for array in group:
                    below[array] = below[array.reads[0]]._replace(array=whole)
                found = True
        return found

    def _fits(self, array: Array) -> bool:
        """Whether its operands stand in the same place of families of the same size."""
        rows = [self._below.get(read) for read in array.reads]
        return None not in rows and len({(each.start, each.array.lanes) for each in rows if each}) == 1

    def code(self) -> list[Array]:
        """The program with what is new in its place, and without what that replaces."""
        gone = {array: rows for array, rows in self._below.items() if rows.array.op != "beside"}
        order = [*self._members, *(array for array in self._old if array not in gone)]
        for array in order:
            if array.op != "beside" and not gone.keys().isdisjoint(array.reads):
                array.work_on(tuple(_moved(a, gone) for a in array.args))
        return sorted(order, key=lambda array: self._at[array])


def _is_elementwise(array: Array) -> bool:
    """Whether it works number by number on whole arrays, none of them one row for several."""
    operands = [a for a in array.args if isinstance(a, Rows)]
    whole = bool(operands) and all(a.complete and a.array.batched and a.count == array.lanes for a in operands)
    return whole and array.op not in WORDS and not array.ones


def _alike(arrays: Sequence[Array], kind: Callable[[Array], Any]) -> dict[Any, list[Array]]:
    """The arrays by what they do, and to what: `kind` says of an operand what has to be equal."""
    found: defaultdict[Any, list[Array]] = defaultdict(list)
    for array in arrays:
        found[(array.op, *[kind(a.array) if isinstance(a, Rows) else a for a in array.args])].append(array)
    return found


def _moved(a: Operand, gone: dict[Array, Rows]) -> Operand:
    """The operand, which may be rows of what is no longer computed on its own."""
    rows = gone.get(a.array) if isinstance(a, Rows) else None
    return Rows(rows.array, rows.start + a.start, a.step, a.count) if rows and isinstance(a, Rows) else a
