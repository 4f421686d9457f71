"""What checks return: findings that a person can read; and how a sentence names the first of many things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def first_of(names: Sequence[str], most: int = 3) -> str:
    """The first of these names, and how many more there are.

    >>> first_of(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: its kind, in a word or two, and a sentence with names and numbers."""

    kind: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"


@dataclass(frozen=True)
class Report:
    """`bool(report)` is True when all is well; `str(report)` says what was looked at and each finding."""

    checked: str
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.checked}: all is well"
        return "\n".join([f"{self.checked}: {len(self.findings)} found", *(f"- {one}" for one in self.findings)])

    __repr__ = __str__
