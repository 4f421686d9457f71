"""Which arrays are computed at all, and which of them in rows of another array."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from ..literals import evenly, slice_literal
from .ir import WORDS, Array, Operand, Rows, rows

Places = Sequence[int]
ELSEWHERE = ("theta", "numbers", "index", "flat", "input", "scatter")  # where these lie is settled already


class Placement(NamedTuple):
    """Where the arrays of a function lie."""

    inside: dict[Array, Rows]  # those that are computed in rows of a scatter
    below: dict[Array, Rows]  # those in rows of an array "beside"
    again: dict[Array, Array]  # those that lie in the memory of an earlier one
    taken_back: dict[Array, Array]  # the scatters that take what they put, with a row of zeros behind it
    first: set[Array]  # those in which the examples come first

    def said(self, array: Array) -> str:
        """In which memory an array lies, if that is not its own; in words."""
        if rows := self.inside.get(array) or self.below.get(array):
            return f", in {rows.array.name}{slice_literal(rows.places)}"
        return f", in the memory of {self.again[array].name}" if array in self.again else ""


def needed(code: Iterable[Array], roots: Iterable[Array]) -> list[Array]:
    """The arrays that the roots depend on, in order."""
    live, kept = set(roots), []
    for array in reversed(list(code)):
        if array in live:
            kept.append(array)
            live.update(array.reads)
    return kept[::-1]


def first_writes(scatter: Array) -> list[bool]:
    """For each part of a scatter whether no part before it has written a row of it."""
    return _writes(scatter)[0]


def covers(scatter: Array) -> tuple[bool, bool]:
    """Whether the first writes of the parts fill the whole array; and whether something is added to what they leave."""
    return _writes(scatter)[1:]


def _writes(scatter: Array) -> tuple[list[bool], bool, bool]:
    """What `first_writes` and `covers` say. It is kept, since several passes ask for it, and there may be many rows."""
    if scatter.writes is None:
        seen, written, fresh, more = set[int](), set[int](), list[bool](), False
        for places in scatter.extra[0]:
            first = seen.isdisjoint(places)
            fresh.append(first)
            if first:
                written.update(places)
            more |= not first and not written.issuperset(places)
            seen.update(places)
        scatter.writes = fresh, len(written) == scatter.lanes, more
    return scatter.writes


def copied(scatter: Array, inside: Mapping[Array, Rows]) -> list[tuple[Operand, Places, bool]]:
    """The parts of a scatter that are not computed there, each with its places, and whether it is the first in them."""
    return [
        (part, places, first) for part, places, first in zip(scatter.args, scatter.extra[0], first_writes(scatter))
        if not (isinstance(part, Rows) and part.array in inside and inside[part.array] == rows(scatter, places)
                and part.complete)
    ]  # fmt: skip


def there(x: Rows) -> list[bool] | None:
    """Which of these rows are there at all: the others are 0, and make nothing of what is infinite. None: all are."""
    if x.array.op != "scatter" or covers(x.array)[0]:
        return None
    places = {place for part in x.array.extra[0] for place in part}
    return [place in places for place in x.places]


def placed(code: Sequence[Array], roots: Collection[Array]) -> dict[Array, Rows]:
    """The arrays that are computed in rows of a scatter, so that they need not be copied there."""
    uses = Counter([*roots, *(read for array in code for read in array.reads)])
    found: dict[Array, Rows] = {}
    for scatter in reversed(code):
        if scatter.op != "scatter" or covers(scatter)[1]:
            continue
        parts = scatter.extra[0]
        last: dict[int, int] = {}  # of the parts that are put to a place, where somebody asks
        for i, (part, places, fresh) in enumerate(zip(scatter.args, parts, first_writes(scatter))):
            if not isinstance(part, Rows) or not part.complete or not fresh:
                continue
            array, window = part.array, Rows(scatter, places[0], 1, part.count)
            settled = array in found or array in roots or array.ones or array.op in ELSEWHERE
            if settled or array.batched is not scatter.batched or list(places) != list(window.places):
                continue
            if uses[array] > 1:
                last = last or {place: j for j, each in enumerate(parts) for place in each}
            if uses[array] == 1 or all(last[place] == i for place in places):
                found[array] = window
    return found


def around_einsum(
    code: Sequence[Array], roots: Collection[Array], inside: Collection[Array]
) -> tuple[dict[Array, Array], set[Array]]:
    """The scatters that take what they put, each with that array; and the arrays in which the examples come first.

    A scatter of one array to places in no order is a take, in which a row of zeros behind that array is what the places
    without a lane get. What lies between such gatherings and products of matrices has the examples first, as the
    products need it.
    """
    users = defaultdict[Array, set[object]](set)
    cut = set[Array]()  # of which rows are read that are not all
    for array in code:
        for a in array.args:
            if isinstance(a, Rows):
                users[a.array].add(array.op)
                if not a.complete:
                    cut.add(a.array)

    def free(array: Array) -> bool:
        return array.batched and not array.ones and array not in roots and array not in inside

    back, first = dict[Array, Array](), set[Array]()
    for array in filter(free, code):
        if array.op == "einsum" and users[array] == {"take"}:
            first.add(array)
        elif array.op == "scatter" and users[array] == {"einsum"} and array not in cut and len(array.args) == 1:
            [part], [places] = array.args, array.extra[0]
            alone = isinstance(part, Rows) and part.complete and free(part.array) and part.array.op not in ELSEWHERE
            if alone and 2 * len(places) >= array.lanes and not evenly(places):
                back[array] = part.array
    return back, {*back, *first}


def place(code: Sequence[Array], roots: Collection[Array], own: Collection[Array | None]) -> Placement:
    """Where the arrays of a function lie; those that are `own` share no memory with an earlier one."""
    inside = placed(code, roots)
    below = {member: rows for array in code if array.op == "beside" for member, rows in below_each_other(array)}
    back, first = around_einsum(code, roots, inside)
    own = {*own, *back.values(), *first, *below, *(rows.array for rows in below.values())}
    return Placement(inside, below, reused(code, roots, inside, own), back, first)


def below_each_other(whole: Array) -> Iterator[tuple[Array, Rows]]:
    """The arrays that an array "beside" is made of, each with its rows there."""
    starts = accumulate((member.lanes + member.ones for member in whole.reads), initial=0)
    return ((member, Rows(whole, start, 1, member.lanes)) for member, start in zip(whole.reads, starts))


def home(array: Array, inside: Mapping[Array, Rows]) -> Array:
    """The array in whose memory this one lies, where it is computed in rows of another one."""
    while array in inside:
        array = inside[array].array
    return array


def reused(
    code: Sequence[Array], roots: Collection[Array], inside: dict[Array, Rows], own: Collection[object]
) -> dict[Array, Array]:
    """The arrays that lie in the memory of an earlier one, which is read no more. Those that are `own` keep theirs."""
    lives: dict[Array, list[int]] = {}  # from where on, and until when
    for position, array in enumerate(code):
        for each in (array, *array.reads):
            lives.setdefault(home(each, inside), [position, position])[1] = position
    kept = {home(array, inside) for array in roots}
    dying, born = defaultdict[int, list[Array]](list), defaultdict[int, list[Array]](list)
    for array, (first, last) in lives.items():
        if array not in own and _plain(array):
            born[first].append(array)
            if array not in kept:
                dying[last].append(array)
    found: dict[Array, Array] = {}
    free = defaultdict[tuple[int, bool], list[Array]](list)
    for position, array in enumerate(code):
        gone = dying[position]
        in_place = isinstance(array.op, str) and array.op not in WORDS and array not in inside
        for a in array.args if in_place else ():
            if isinstance(a, Rows) and a.complete and a.array in gone and _size(a.array) == _size(array):
                free[_size(array)].append(a.array)
                gone.remove(a.array)
                break
        for new in born[position]:
            if spare := free[_size(new)]:
                found[new] = spare.pop()
        for one in gone:
            free[_size(one)].append(one)
    return found


def _size(array: Array) -> tuple[int, bool]:
    return array.lanes, array.batched


def _plain(array: Array) -> bool:
    """Whether the memory of an array holds nothing before it is written."""
    if array.ones or array.op in ("theta", "numbers", "index", "flat"):
        return False
    if array.op == "take" and array.args[0].array.op == "index":
        return False
    return array.op != "scatter" or covers(array)[0]
