"""Checks of a learner's own engine, from code: what `chainrule check` does, for pytest and for notebooks."""

from __future__ import annotations

from typing import Any

from .viz.learner.report import CheckReport, check_class, check_file

__all__ = ["CheckReport", "check_class", "check_file", "check_value_class"]


def check_value_class(V: Any) -> CheckReport:
    """Try a class that is meant to do what micrograd's Value does; return the report if nothing is wrong.

    Errors: AssertionError with the report as its text, which names the bug and shows the graph that exposes it.

    >>> from chainrule import Value
    >>> check_value_class(Value).bugs
    []
    """
    report = check_class(V)
    if not report.ok:
        raise AssertionError(f"\n{report}")
    return report
