"""What a table is to predict: classes that have names, or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import numbers, rows, shown

from .cells import Source, word
from .columns import a_number, a_text, entry, mean_and_scale, meant, quoted

__all__ = ["Amounts", "Classes", "Target", "target_from_dict"]


@dataclass(frozen=True)
class Classes:
    """Classes by name, in the order of their labels 0, 1, 2, …"""

    name: str
    classes: tuple[Any, ...]

    @property
    def outputs(self) -> int:
        return len(self.classes)

    def learnt(self, given: Any, name: str = "y", source: Source | None = None) -> NDArray[Any]:
        """The labels of classes that are given by name; whole numbers are labels already, unless they are the names.

        Shapes: (n,) or (n, 1) -> (n,) int64.
        Errors: ValueError for what is no class.
        """
        array = rows(given, name)
        if array.ndim == 0:
            raise TypeError(f"{name} has a class for each example, in a list, got {type(given).__name__} {given!r:.60}")
        array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
        if array.dtype.kind in "iu" and not any(isinstance(one, int) for one in self.classes):
            return array.astype(np.int64)
        places = {one: label for label, one in enumerate(self.classes)}
        words = {word(one): label for label, one in enumerate(self.classes)}
        labels = []
        for row, one in enumerate(array.tolist()):
            label = places.get(one, words.get(word(one))) if isinstance(one, (str, int, float)) else None
            if label is None:
                where = (source or Source(name)).at(row)
                known = f"{quoted(self.classes)}{meant(one, self.classes)}"
                raise ValueError(f"{where} holds {shown(one)}, where the model knows the classes {known}")
            labels.append(label)
        return np.array(labels, dtype=np.int64)

    def answers(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The outputs of a model as they are: a score for each class."""
        return outputs

    def units(self, learnt: NDArray[Any]) -> NDArray[Any]:
        """The labels, as they were learnt."""
        return learnt

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "kind": "classes", "classes": list(self.classes)}


@dataclass(frozen=True)
class Amounts:
    """Numbers; the model learns (number - mean) / scale of them."""

    name: str
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fitted(cls, name: str, targets: NDArray[np.float64], scaled: bool) -> Amounts:
        return cls(name, *mean_and_scale(targets)) if scaled else cls(name)

    @property
    def outputs(self) -> int:
        return 1

    @property
    def classes(self) -> tuple[Any, ...]:
        return ()

    def learnt(self, given: Any, name: str = "y", source: Source | None = None) -> NDArray[Any]:
        """The numbers that the model learns in place of these.

        Errors: ValueError and TypeError for what is no finite number.
        """
        found = numbers(given, name, finite=True)
        return found if self.mean == 0.0 and self.scale == 1.0 else (found - self.mean) / self.scale

    def answers(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The outputs of a model in the units of the table."""
        return outputs if self.mean == 0.0 and self.scale == 1.0 else outputs * self.scale + self.mean

    def units(self, learnt: NDArray[Any]) -> NDArray[Any]:
        """What was learnt, in the units of the table."""
        return self.answers(learnt)

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "kind": "numbers", "mean": self.mean, "scale": self.scale}


Target = Classes | Amounts


def target_from_dict(given: Any, where: str) -> Target:
    """The target that to_dict() told of; ValueError with the place for what is none."""
    kind = entry(given, "kind", where)
    name = a_text(entry(given, "name", where), f"{where}.name")
    if kind == "numbers":
        mean, scale = (a_number(entry(given, one, where), f"{where}.{one}") for one in ("mean", "scale"))
        if not scale > 0:
            raise ValueError(f"{where}.scale is {scale!r}; it has to be above 0")
        return Amounts(name, mean, scale)
    if kind != "classes":
        raise ValueError(f"{where}.kind is {shown(kind)}; it is 'classes' or 'numbers'")
    classes = entry(given, "classes", where)
    if not isinstance(classes, list) or not classes:
        raise ValueError(f"{where}.classes is {shown(classes)}; it is a list of names")
    for i, one in enumerate(classes):
        if not isinstance(one, (str, bool, int)):
            a_number(one, f"{where}.classes[{i}]")
    if len(set(map(word, classes))) < len(classes):
        raise ValueError(f"{where}.classes has one of its names twice")
    return Classes(name, tuple(classes))
