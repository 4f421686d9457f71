"""The three acts of the stepper as plain data for its page: what each step changes, and what is said of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from chainrule.engine import Value

from ..common.colours import class_of
from ..common.text import short
from ..common.values import value_names
from ..graph.scene import Scene
from .chain_rule import Application
from .grouping import Parents, groups_of
from .lines import lines_of
from .narration import Narrator
from .one_example import in_sight, places
from .updating import Move, computed_anew

Step = list[Any]  # what the page's script calls a step; its first entry says of which kind it is


class Acts:
    """The steps of all acts, and what the page has to know of the values and of the picture.

    What is `over` belongs to other examples: it is not gone through.
    """

    def __init__(self, narrator: Narrator, parents: Parents, scene: Scene, groups: Sequence[Sequence[int]],
                 neurons: Sequence[str], over: Collection[int] = ()) -> None:  # fmt: skip
        self.narrator, self.parents, self.scene, self.over = narrator, parents, scene, over
        self.groups = [group for group in groups if group[0] not in over]
        self.neurons = neurons  # the neuron that each value belongs to; '' for none
        self.seen = in_sight(parents, over)
        self.at = places(len(parents), self.seen)  # the number that each value has on the page
        self.texts: dict[str, int] = {}  # sentences, which many steps share, and their numbers
        self.edges: dict[tuple[int, int], list[int]] = {}
        for number, edge in enumerate(scene.edges):
            self.edges.setdefault((edge.start, edge.end), []).append(number)

    def forward(self) -> list[Step]:
        """Each computed value: how, in names and in numbers, and the local derivatives that are kept."""
        found = []
        for group in self.groups:
            for index in group:
                numbers, kept = self.narrator.computed(index)[1], self.narrator.kept(index)
                found.append(["compute", self.at[index], numbers, self._text(kept)])
        return found

    def backward(self, applied: Sequence[Application], largest: float) -> list[Step]:
        """The gradient of the result, and each application of the chain rule."""
        root = len(self.narrator.order) - 1
        found: list[Step] = [["seed", self.at[root], class_of(1.0, largest)]]
        for is_over, group in groupby(applied, key=lambda step: step.giver in self.over):
            among = list(group)
            found += [self._others(among, largest)] if is_over else self._passes(among, largest)
        return found

    def _others(self, applied: Sequence[Application], largest: float) -> Step:
        """What the other examples bring, as one step."""
        after = {step.receiver: step.after for step in applied if self.at[step.receiver] >= 0}
        brought = [[self.at[index], short(grad), class_of(grad, largest)] for index, grad in after.items()]
        return ["others", self.at[-1], brought]

    def _passes(self, applied: Sequence[Application], largest: float) -> list[Step]:
        found: list[Step] = []
        for step in applied:
            text = self.narrator.text(step)
            said = [self._text(sentence) for sentence in (text.why, text.together, text.use) if sentence]
            terms = [*text.terms, text.sign, short(step.after)]
            edge = self._edge(step.receiver, step.giver, step.argument)
            shade = class_of(step.after, largest)
            between = self.at[step.giver], self.at[step.receiver]
            found.append(["pass", *between, edge, terms, shade, text.slope, said])
        return found

    def update(self, moved: Sequence[Move]) -> list[Step]:
        """Each parameter's move, and the result that follows."""
        if not moved:
            return []
        shown = [(self.at[one.parameter], one) for one in moved if self.at[one.parameter] >= 0]
        found: list[Step] = [["move", at, [*one.terms, one.sign, short(one.new)]] for at, one in shown]
        order, root = self.narrator.order, self.narrator.root
        data = computed_anew(order, self.parents, moved)
        if isinstance(data, str):
            return [*found, ["anew", None, f"With the new numbers {root} has no value: {data}."]]
        return [*found, ["anew", [short(data[index]) for index in self.seen], self._outcome(data[-1], moved)]]

    def _outcome(self, after: float, moved: Sequence[Move]) -> str:
        before, root = float(self.narrator.order[-1].data), self.narrator.root
        if any(self.narrator.found.stale):
            return f"With the new numbers {root} is {short(after)}; before, data had changed, so they do not compare."
        promised = math.fsum(one.change * one.grad for one in moved)
        change = after - before
        said = f"{root} was {short(before)} and is {short(after)} now: a change of {short(change)}. The gradients "
        said += f"promised {short(promised)}, the sum of gradient × move; that is exact only for very small moves."
        if hidden := sum([self.at[one.parameter] < 0 for one in moved]):
            said += f" {hidden} value{'s' * (hidden > 1)} of the other examples moved, too."
        if change > 0.0 > promised:
            said += " It went up: the moves were too large; try a smaller learning rate."
        return said

    def page_data(self) -> dict[str, Any]:
        """What the page has to know besides the steps; values are numbered in topological order."""
        order, names, seen, at = self.narrator.order, self.narrator.names, self.seen, self.at
        card_of = [card for card, _ in self.scene.card_of]
        own_group = {index: number for number, group in enumerate(self.groups) for index in group}
        for number, group in enumerate(self.groups):
            for index in group:
                for parent in self.parents[index]:
                    own_group.setdefault(parent, number)
        made = {index: self.narrator.computed(index)[0] for group in self.groups for index in group}
        return {
            "names": [names[index] for index in seen],
            "values": [short(order[index].data) for index in seen],
            "start": ["0" if order[index].requires_grad else "—" for index in seen],
            "made": [made.get(index, "") for index in seen],
            "into": [self._into(index) for index in seen],
            "card": [card_of[index] for index in seen],
            "results": [self._known(among) for among in results_of(self.parents, self.scene)],
            "rows": [[None if row.value is None else at[row.value] for row in card.rows] for card in self.scene.cards],
            "group": [own_group.get(index, 0) for index in seen],
            "groups": self._opened(card_of),
            "texts": list(self.texts),
        }

    def keep_room(self, steps: Sequence[Step]) -> None:
        """Make the cards and the rows of the picture wide enough for the longest numbers that the steps show."""
        data, grads = [0] * len(self.seen), [0] * len(self.seen)
        for kind, *rest in steps:
            texts: list[tuple[int, str]] = []
            if kind == "pass":
                texts = [(rest[1], rest[3][-1])]
            elif kind == "others":
                texts = [(at, text) for at, text, _ in rest[1]]
            elif kind == "move":
                texts = [(rest[0], rest[1][-1])]
            elif kind == "anew" and rest[0]:
                texts = list(enumerate(rest[0]))
            longest = data if kind in ("move", "anew") else grads
            for at, text in texts:
                longest[at] = max(longest[at], len(text))
        for card, results in zip(self.scene.cards, results_of(self.parents, self.scene)):
            shown = [at for index in results if (at := self.at[index]) >= 0]
            card.room = max([max(data[at], grads[at]) for at in shown], default=0) if len(shown) == 1 else 0
            for row in card.rows:
                if row.value is not None and (at := self.at[row.value]) >= 0:
                    row.room = data[at], grads[at]

    def _known(self, indices: Sequence[int]) -> list[int]:
        return [self.at[index] for index in indices if self.at[index] >= 0]

    def _into(self, index: int) -> list[int]:
        """The edges over which the arguments of a value come that is gone through."""
        arguments = () if index in self.over else self.parents[index]
        return [self._edge(parent, index, place) for place, parent in enumerate(arguments)]

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def _edge(self, parent: int, index: int, argument: int) -> int:
        """The number of the edge that is drawn for an argument; -1 if there is none, as within a folded card.

        Nor is there one for an argument whose edge is left out, as beside a matrix: another row's edge is not its own.
        """
        (start, start_row), (end, end_row) = self.scene.card_of[parent], self.scene.card_of[index]
        drawn = [(number, self.scene.edges[number]) for number in self.edges.get((start, end), [])]
        for row, place in (("start_row", start_row), ("end_row", end_row)):
            drawn = [one for one in drawn if getattr(one[1], row) in (None, place)]
        own = [number for number, edge in drawn if edge.argument == argument]
        return own[0] if own else drawn[0][0] if drawn else -1

    def _opened(self, card_of: Sequence[int]) -> list[dict[str, Any]]:
        """The lines of each group; none if nothing is folded, for then the picture shows all there is."""
        if not any(count > 1 for count in Counter(card_of).values()):
            return []
        uses = [0] * len(card_of)
        for arguments in self.parents:
            for parent in arguments:
                uses[parent] += 1
        owners = [self.neurons[group[-1]] or self.scene.cards[card_of[group[-1]]].name for group in self.groups]
        calls, called = Counter(owners), Counter[str]()
        found = []
        for group, owner in zip(self.groups, owners):
            called[owner] += 1
            title = owner if calls[owner] == 1 else f"{owner}, {called[owner]} of {calls[owner]}"
            lines = lines_of(group, self.narrator.order, self.parents, uses)
            numbered = [[[self._numbered(piece) for piece in part] for part in line] for line in lines]
            found.append({"title": title, "lines": numbered})
        return found

    def _numbered(self, piece: str | int) -> str | int:
        return self.at[piece] if isinstance(piece, int) else piece


def results_of(parents: Parents, scene: Scene) -> list[list[int]]:
    """For each card, the values whose numbers it shows: those that are used elsewhere, or the last one."""
    card_of = [card for card, _ in scene.card_of]
    seen = {len(card_of) - 1}
    for index, arguments in enumerate(parents):
        seen.update([parent for parent in arguments if card_of[parent] != card_of[index]])
    members: list[list[int]] = [[] for _ in scene.cards]
    for index, card in enumerate(card_of):
        members[card].append(index)
    shown = []
    for among in members:
        is_fold = len(among) > 1
        used = [index for index in among if index in seen and (parents[index] or not is_fold)]
        shown.append(used or among[-1:])
    return shown


def names_by_sight(order: Sequence[Value], parents: Parents, scene: Scene, over: Collection[int] = ()) -> list[str]:
    """The names of all values; those that the picture shows come first, so that they are v1, v2, … as draw() has it.

    What is `over` comes last.
    """
    seen = sorted({index for among in results_of(parents, scene) for index in among})
    known = set(in_sight(parents, over))
    hidden = sorted(set(range(len(order))) - set(seen), key=lambda index: (index in over, index not in known, index))
    names = value_names([order[index] for index in seen + hidden])
    return [name for _, name in sorted(zip(seen + hidden, names))]


def grouped(narrator: Narrator, parents: Parents, scene: Scene, over: Collection[int] = ()) -> list[list[int]]:
    """The computed values in the order in which the acts go through them; what is `over` comes last, where it can."""
    named = [bool(value.label) for value in narrator.order]
    return groups_of(parents, [card for card, _ in scene.card_of], named, over)
