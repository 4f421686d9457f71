"""The three acts of the stepper as plain data for its page: what each step changes, and what is said of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
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
from .updating import Move, computed_anew

Step = list[Any]  # what the page's script calls a step; its first entry says of which kind it is


class Acts:
    """The steps of all acts, and what the page has to know of the values and of the picture."""

    def __init__(self, narrator: Narrator, parents: Parents, scene: Scene, groups: Sequence[Sequence[int]],
                 neurons: Sequence[str]) -> None:  # fmt: skip
        self.narrator, self.parents, self.scene, self.groups = narrator, parents, scene, groups
        self.neurons = neurons  # the neuron that each value belongs to; '' for none
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
                found.append(["compute", index, numbers, self._text(kept)])
        return found

    def backward(self, applied: Sequence[Application], largest: float) -> list[Step]:
        """The gradient of the result, and each application of the chain rule."""
        root = len(self.narrator.order) - 1
        found: list[Step] = [["seed", root, class_of(1.0, largest)]]
        for step in applied:
            text = self.narrator.text(step)
            said = [self._text(sentence) for sentence in (text.why, text.together, text.use) if sentence]
            terms = [*text.terms, text.sign, short(step.after)]
            edge = self._edge(step.receiver, step.giver, step.argument)
            shade = class_of(step.after, largest)
            found.append(["pass", step.giver, step.receiver, edge, terms, shade, text.slope, said])
        return found

    def update(self, moved: Sequence[Move]) -> list[Step]:
        """Each parameter's move, and the result that follows."""
        if not moved:
            return []
        found: list[Step] = [["move", one.parameter, [*one.terms, one.sign, short(one.new)]] for one in moved]
        order, root = self.narrator.order, self.narrator.root
        data = computed_anew(order, self.parents, moved)
        if isinstance(data, str):
            return [*found, ["anew", None, f"With the new numbers {root} has no value: {data}."]]
        return [*found, ["anew", [short(number) for number in data], self._outcome(data[-1], moved)]]

    def _outcome(self, after: float, moved: Sequence[Move]) -> str:
        before, root = float(self.narrator.order[-1].data), self.narrator.root
        if any(self.narrator.found.stale):
            return f"With the new numbers {root} is {short(after)}; before, data had changed, so they do not compare."
        promised = math.fsum(one.change * one.grad for one in moved)
        change = after - before
        said = f"{root} was {short(before)} and is {short(after)} now: a change of {short(change)}. The gradients "
        said += f"promised {short(promised)}, the sum of gradient × move; that is exact only for very small moves."
        if change > 0.0 > promised:
            said += " It went up: the moves were too large; try a smaller learning rate."
        return said

    def page_data(self) -> dict[str, Any]:
        """What the page has to know besides the steps; values are named by their places in topological order."""
        order, names = self.narrator.order, self.narrator.names
        card_of = [card for card, _ in self.scene.card_of]
        own_group = {index: number for number, group in enumerate(self.groups) for index in group}
        for number, group in enumerate(self.groups):
            for index in group:
                for parent in self.parents[index]:
                    own_group.setdefault(parent, number)
        made = {index: self.narrator.computed(index)[0] for group in self.groups for index in group}
        return {
            "names": names,
            "values": [short(value.data) for value in order],
            "start": ["0" if value.requires_grad else "—" for value in order],
            "made": [made.get(index, "") for index in range(len(order))],
            "into": [
                [self._edge(parent, index, place) for place, parent in enumerate(self.parents[index])]
                for index in range(len(order))
            ],
            "card": card_of,
            "results": results_of(self.parents, self.scene),
            "rows": [[row.value for row in card.rows] for card in self.scene.cards],
            "group": [own_group.get(index, 0) for index in range(len(order))],
            "groups": self._opened(card_of),
            "texts": list(self.texts),
        }

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def _edge(self, parent: int, index: int, argument: int) -> int:
        """The number of the edge that is drawn for an argument; -1 if there is none, as within a folded card."""
        (start, start_row), (end, end_row) = self.scene.card_of[parent], self.scene.card_of[index]
        drawn = [(number, self.scene.edges[number]) for number in self.edges.get((start, end), [])]
        for row, place in (("start_row", start_row), ("end_row", end_row)):
            exact = [one for one in drawn if getattr(one[1], row, None) in (None, place)]
            drawn = exact or drawn
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
            found.append({"title": title, "lines": lines_of(group, self.narrator.order, self.parents, uses)})
        return found


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


def names_by_sight(order: Sequence[Value], parents: Parents, scene: Scene) -> list[str]:
    """The names of all values; those that the picture shows come first, so that they are v1, v2, … as draw() has it."""
    seen = sorted({index for among in results_of(parents, scene) for index in among})
    hidden = sorted(set(range(len(order))) - set(seen))
    names = value_names([order[index] for index in seen + hidden])
    return [name for _, name in sorted(zip(seen + hidden, names))]


def grouped(narrator: Narrator, parents: Parents, scene: Scene) -> list[list[int]]:
    """The computed values in the order in which the acts go through them."""
    return groups_of(parents, [card for card, _ in scene.card_of], [bool(value.label) for value in narrator.order])
