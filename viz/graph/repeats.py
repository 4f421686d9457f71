"""Steps that are made again and again, each from the one before: a long loop is drawn once, and then folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .neurons import Key
from .reading import Reading

FEWEST_REPEATS = 3
FEWEST_FOLDED = 8  # cards; where fewer would be folded, nothing is
LONGEST_PERIOD = 80  # columns of one step

Groups = Mapping[Key, Sequence[int]]


@dataclass
class Repeat:
    """Steps that are alike: the values of each, and those of them that are used after it, in the same order."""

    steps: list[list[int]]
    passed_on: list[list[int]]
    given: list[list[int]]  # leaves that each step has for itself, such as the input of a recurrent cell


def repeats_in(groups: Groups, keys: Sequence[Key], reading: Reading) -> Repeat | None:
    """The longest run of equal steps among the cards, without the first step that is drawn as an example."""
    graph = _Graph(groups, keys, reading)
    found = _longest_run([tuple(sorted(kinds)) for kinds in graph.kinds])
    if found is None:
        return None
    start, period, levels = found
    start += min(range(period), key=lambda shift: (*graph.passing(start + shift), shift))
    count = (found[0] + levels - start) // period
    if start < period:  # nothing before the run shows what one step is
        start, count = start + period, count - 1
    if count < FEWEST_REPEATS:
        return None
    steps = [graph.between(start + period * step, start + period * (step + 1)) for step in range(count)]
    if sum(map(len, steps)) < FEWEST_FOLDED or len({len(step) for step in steps}) > 1:
        return None
    return graph.repeat(steps)


class _Graph:
    """The cards by level: how many steps of the computation there are between a card and the end."""

    def __init__(self, groups: Groups, keys: Sequence[Key], reading: Reading) -> None:
        self.groups, self.keys, self.reading = groups, keys, reading
        self.arguments: dict[Key, list[Key]] = {}
        self.users: dict[Key, list[Key]] = {key: [] for key in groups}
        height = dict.fromkeys(groups, 0)
        for key in reversed(list(groups)):
            inside = [keys[parent] for index in groups[key] for parent in reading.parents[index]]
            self.arguments[key] = [one for one in dict.fromkeys(inside) if one != key]
            for argument in self.arguments[key]:
                self.users[argument].append(key)
                height[argument] = max(height[argument], height[key] + 1)
        inner = [key for key in groups if self.arguments[key]]
        last = max([height[key] for key in inner], default=0)
        self.level = {key: last - height[key] for key in inner}
        self.by_level: list[list[Key]] = [[] for _ in range(last + 1)]
        self.kinds: list[list[tuple[str, ...]]] = [[] for _ in range(last + 1)]
        for key in inner:
            self.by_level[self.level[key]].append(key)
            self.kinds[self.level[key]].append(self.kind(key))

    def kind(self, key: Key) -> tuple[str, ...]:
        """What has to be the same in two steps: the operation, and how far away its arguments are."""
        last = self.reading.order[self.groups[key][-1]]
        if key[0] in ("value", "sum"):
            own = f"{getattr(last.operation, 'name', last.operation)} {len(self.groups[key])}"
        else:
            own = str(key[1:3])  # the layer and the neuron
        near = [str(self.level[key] - self.level[one]) if one in self.level else "leaf" for one in self.arguments[key]]
        return (str(key[0]), own, *near)

    def passing(self, level: int) -> tuple[int, int]:
        """How many cards before this level have users at it or after it, and how many of them have no label."""
        found = [key for key, own in self.level.items() if own < level <= self._last_use(key)]
        return len(found), len([key for key in found if not self.reading.order[self.groups[key][-1]].label])

    def _last_use(self, key: Key) -> int:
        return max([self.level.get(user, 0) for user in self.users[key]], default=len(self.by_level))

    def between(self, low: int, high: int) -> list[Key]:
        return [key for level in self.by_level[low:high] for key in sorted(level, key=self.kind)]

    def repeat(self, steps: list[list[Key]]) -> Repeat:
        place = {key: number for number, step in enumerate(steps) for key in step}
        given: list[list[int]] = [[] for _ in steps]
        for key, users in self.users.items():
            at = {place.get(user) for user in users}
            if key not in self.level and len(at) == 1 and (own := at.pop()) is not None:
                given[own] += self.groups[key]
        passed_on = [
            [self.groups[key][-1] for key in step if {place.get(user) for user in self.users[key]} - {place[key]}
             or not self.users[key]]
            for step in steps
        ]  # fmt: skip
        values = [[index for key in step for index in self.groups[key]] + own for step, own in zip(steps, given)]
        return Repeat(values, passed_on, given)


def _longest_run(kinds: Sequence[object]) -> tuple[int, int, int] | None:
    """Where a run of equal steps begins, how many levels a step has, and how many all of them have."""
    best: tuple[int, int, int] | None = None
    for period in range(1, min(LONGEST_PERIOD, len(kinds) // FEWEST_REPEATS) + 1):
        begin = 0
        for level in range(len(kinds) - period + 1):
            if level < len(kinds) - period and kinds[level] == kinds[level + period]:
                continue
            levels = level - begin + period
            if levels >= FEWEST_REPEATS * period and (best is None or levels > best[2] + period):
                best = (begin, period, levels)
            begin = level + 1
    return best
