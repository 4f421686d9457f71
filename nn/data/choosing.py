"""Which columns and rows of a table are used, and whether its target is of classes or of numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import shown
from chainrule.engine.numeric import counted
from chainrule.engine.telling import tell

from .cells import Cells, Source, are_times, counts_rows, gaps, in_order, times_said, whole, word
from .columns import quoted
from .dataset import Table

__all__ = ["MISSING", "chosen"]

MISSING = ("fill", "drop", "error")
FEW_CLASSES = 20  # whole numbers of a target are classes if there are no more of them than this
MANY_WORDS = 20  # different words of a column: with more, and more than half as many as rows, it tells rows apart


def chosen(
    source: Source,
    cells: dict[str, Cells],
    target: str,
    raw_target: Any,
    missing: str | Mapping[str, Any],
    classes: bool | None,
    words: Collection[str],
) -> Table:
    """The table of the useful columns and of the rows that have a target; without rows that have gaps if so asked.

    `words` are columns whose words are wanted, however many they are; the other arguments are those of `table`.

    Errors: ValueError for gaps where these are refused, for numbers that are not finite, and for a target of one value
    or of nearly as many words as rows.
    Warnings: RuntimeWarning for columns that are left out.
    """
    goal, notes = cells[target], list[str]()
    if missing == "error":
        _refuse_gaps(cells, source)
    kept = ~gaps(goal)
    if not kept.any():
        raise ValueError(f"column {target!r} of {source.name}, the target, is empty")
    if lost := int((~kept).sum()):
        notes.append(f"{counted(lost, 'row')} without {target} left out")
    if target not in words and are_times(goal[kept]):
        raise ValueError(times_said(target, source))
    useful = _useful({name: column for name, column in cells.items() if name != target}, kept, source, notes, words)
    if missing == "drop":
        kept = _without_gaps(useful, kept, source, notes)
    if not kept.all():
        useful = {name: column[kept] for name, column in useful.items()}
        goal, source = goal[kept], source.of(kept)
    _check_finite({**useful, target: goal}, source)
    fill = missing if isinstance(missing, Mapping) else {}
    filled = {name: _fill(name, useful[name], value) for name, value in fill.items() if name in useful}
    labels = _labels(goal, target, source, classes)
    targets = goal.astype(np.float64) if labels is None else np.array([labels[one] for one in goal.tolist()])
    known = None if labels is None else tuple(_names_of(labels, raw_target))
    name = Path(source.name.removesuffix(".gz")).stem if source.what == "line" else source.name
    return Table(
        name, useful, targets, target, known, source, missing not in ("drop", "error"), filled, notes=tuple(notes)
    )


def _without_gaps(
    cells: Mapping[str, Cells], kept: NDArray[np.bool_], source: Source, notes: list[str]
) -> NDArray[np.bool_]:
    """Which of the rows that are kept have no gap."""
    empty = {name: gaps(column) for name, column in cells.items()}
    full: NDArray[np.bool_] = kept & ~np.any(list(empty.values()), axis=0)
    if not full.any():
        emptiest = max(empty, key=lambda name: int(empty[name].sum()))
        raise ValueError(f"each row of {source.name} has a gap; leave the emptiest column out: ignore=[{emptiest!r}]")
    if lost := int(kept.sum() - full.sum()):
        notes.append(f"{counted(lost, 'row')} with gaps left out")
    return full


def _check_finite(cells: Mapping[str, Cells], source: Source) -> None:
    for name, column in cells.items():
        if column.dtype != object and np.isinf(column).any():
            row = int(np.isinf(column).argmax())
            raise ValueError(f"{source.at(row)} holds {column[row]} in column {name!r}; it needs a finite number")


def _labels(goal: Cells, target: str, source: Source, classes: bool | None) -> dict[Any, int] | None:
    """The label of each class; None where the target are numbers."""
    values = in_order(goal.tolist())
    if goal.dtype == object:
        if classes is False:
            raise ValueError(f"{source.at(0)} holds {shown(goal[0])} in column {target!r}; it needs numbers")
        if len(values) > max(MANY_WORDS, len(goal) // 2):
            raise ValueError(
                f"column {target!r}, the target, holds {len(values)} different texts in {len(goal)} rows "
                f"({quoted(values, 3)}); classes have several rows each, and numbers stand without units"
            )
    elif classes is False or (
        classes is None and not (whole(goal) and len(values) <= min(FEW_CLASSES, len(goal) // 2))
    ):
        return None
    if len(values) < 2:
        raise ValueError(
            f"column {target!r}, the target, is {shown(values[0])} in all rows; there is nothing to tell apart"
        )
    return {value: label for label, value in enumerate(values)}


def _names_of(labels: Mapping[Any, int], raw: Any) -> list[Any]:
    """Classes as people named them: 3 for 3.0, True for 1.0 where the column held bools."""
    bools = getattr(raw, "dtype", None) is not None and str(raw.dtype).lower() in ("bool", "boolean")
    if bools or (isinstance(raw, (list, tuple)) and all(isinstance(one, bool) for one in raw)):
        return [bool(one) for one in labels]
    return [int(one) if isinstance(one, float) and one % 1 == 0 else one for one in labels]


def _fill(name: str, cells: Cells, value: Any) -> Any:
    if cells.dtype == object:
        return word(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"missing={{{name!r}: {value!r}}} is no number, and column {name!r} holds numbers") from None


def _useful(
    cells: dict[str, Cells], kept: NDArray[np.bool_], source: Source, notes: list[str], words: Collection[str]
) -> dict[str, Cells]:
    """The columns that say something.

    Left out are those without any value, words and counts that tell each row apart, and dates and times.
    """
    useful, reasons, advice = {}, [], ""
    for name, column in cells.items():
        held = column[kept & ~gaps(column)]
        different = len(set(held.tolist())) if column.dtype == object else 0
        if not len(held):
            reasons.append((name, "has no values"))
        elif name not in words and are_times(held):
            reasons.append((name, f"holds dates or times ({shown(held[0])}, …)"))
            advice = (
                "; to learn from dates and times, make numbers of them, such as the year or the days since the first"
            )
        elif name not in words and counts_rows(name, held):
            reasons.append((name, f"counts the rows ({held[0]:g}, {held[1]:g}, …)"))
        elif different > max(MANY_WORDS, len(held) // 2) and name not in words:
            reasons.append((name, f"holds {different} different texts in {len(held)} rows ({shown(held[0])}, …)"))
        else:
            useful[name] = column
    if reasons:
        said = "; ".join(f"column {name!r} {why}" for name, why in reasons)
        names = [name for name, _ in reasons]
        tell(f"{source.name}: {said}: left out, as with ignore={names!r}{advice}")
        notes.append(f"left out: {', '.join(names)}")
    if not useful:
        raise ValueError(f"{source.name} has no column but the target that a model could learn from")
    return useful


def _refuse_gaps(cells: Mapping[str, Cells], source: Source) -> None:
    empty = {name: gaps(column) for name, column in cells.items()}
    found = [(int(mask.argmax()), name) for name, mask in empty.items() if mask.any()]
    if found:
        row, name = min(found)
        count = int(np.any(list(empty.values()), axis=0).sum())
        raise ValueError(
            f"{source.at(row)} has no value in column {name!r}; rows with gaps: {count}. Write "
            "missing='fill' or missing='drop'"
        )
