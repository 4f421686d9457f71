"""What is stepped through of a loss over many examples where one of them was asked for: steps(loss, example=2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..graph.scene import Scene
from .grouping import Parents


def passed_over(parents: Parents, scene: Scene) -> set[int]:
    """The values of the other examples, and the sums of them alone: they are known from the start.

    >>> scene = Scene([], [], True, "", left_out={0, 1})
    >>> passed_over([[], [0], [], [2], [1], [4, 3]], scene)
    {0, 1, 4}
    """
    found = set(scene.left_out)
    for index, arguments in enumerate(parents):
        if arguments and found.issuperset(arguments):
            found.add(index)
    return found


def in_sight(parents: Parents, over: Collection[int]) -> list[int]:
    """The values that the page has to know: those that it goes through, and what they were computed from."""
    needed = {parent for index, arguments in enumerate(parents) if index not in over for parent in arguments}
    return [index for index in range(len(parents)) if index not in over or index in needed]


def said_of(scene: Scene) -> tuple[str, int]:
    """A sentence that says which example it is, and how many others there are."""
    mean = next(card for card in scene.cards if card.chosen is not None)
    count = len(mean.strip)
    others = "the other one is" if count == 2 else f"the other {count - 1} are"
    return f"This is example {mean.chosen} of {count} (0 to {count - 1}); {others} computed already.", count - 1


def places(count: int, seen: Sequence[int]) -> list[int]:
    """For each value, its number on the page; -1 for what the page does not know.

    >>> places(4, [1, 3])
    [-1, 0, -1, 1]
    """
    found = [-1] * count
    for number, index in enumerate(seen):
        found[index] = number
    return found
