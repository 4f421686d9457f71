"""The reports on several files: a line for each, a list for graders, and one page with all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..common.text import markup
from .report import CheckReport, check_file, page

__all__ = ["LessonReport", "check_files"]


@dataclass(frozen=True, repr=False)
class LessonReport:
    """What the engines of several learners do, in the order of the files."""

    reports: tuple[CheckReport, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and nothing is missing in any of them."""
        return all(report.ok for report in self.reports)

    def __str__(self) -> str:
        width = max(len(report.name) for report in self.reports)
        return "\n".join(f"{report.name:<{width}}  {_points(report):>8}  {_line(report)}" for report in self.reports)

    __repr__ = __str__

    @property
    def json(self) -> str:
        """A list of what `CheckReport.to_dict()` gives."""
        return json.dumps([report.to_dict() for report in self.reports], indent=2)

    @property
    def html(self) -> str:
        """A page with a table of all, and below it each report."""
        rows = "".join(
            f'<tr><td><a href="#r{number}">{markup(report.name)}</a><td>{_points(report)}<td>{markup(_line(report))}'
            for number, report in enumerate(self.reports)
        )
        bodies = "".join(f'<article id="r{number}">{each.body}</article>' for number, each in enumerate(self.reports))
        return page(f"{len(self.reports)} engines", f"<table>{rows}</table>{bodies}")


def check_files(files: Sequence[tuple[str, str]], seconds: float) -> LessonReport:
    """Check the class of each (file, name); a file that is not there is a finding like any other."""
    reports = []
    for file, name in files:
        try:
            reports.append(check_file(file, name, seconds))
        except FileNotFoundError as error:
            reports.append(CheckReport(f"{Path(file).name}:{name}", (), unread=str(error)))
    names = [report.name for report in reports]
    named = (  # each learner may have called it engine.py: then the folders tell them apart
        replace(report, name=f"{Path(file).as_posix()}:{name}") if names.count(report.name) > 1 else report
        for report, (file, name) in zip(reports, files)
    )
    return LessonReport(tuple(named))


def _points(report: CheckReport) -> str:
    return "-" if report.unread else "{} of {}".format(*report.points)


def _line(report: CheckReport) -> str:
    return " ".join(report.verdict.split())
