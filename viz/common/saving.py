"""Files of pictures: the one that the ending of a name asks for, and one that is opened in a browser."""

from __future__ import annotations

import os
import tempfile
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path

from .choices import check_kind


def write(path: str | Path, makers: Mapping[str, Callable[[], str | bytes]]) -> Path:
    """Write what belongs to the path's ending, and return the path; nothing else is made.

    Errors: ValueError for an ending that `makers` does not have; TypeError for what is no path.
    """
    check_kind("the name of the file", path, isinstance(path, (str, os.PathLike)), "a text, such as 'picture.svg'")
    target = Path(path)
    make = makers.get(target.suffix.lower())
    if make is None:
        raise ValueError(f"cannot save as {target.name!r}: the name has to end in {' or '.join(makers)}")
    made = make()
    target.write_bytes(made.encode("utf-8") if isinstance(made, str) else made)
    return target


def write_text(path: str | Path, texts: Mapping[str, str]) -> Path:
    """Write the text that belongs to the path's ending, and return the path.

    Errors: ValueError for an ending that `texts` does not have.
    """
    return write(path, {ending: lambda text=text: text for ending, text in texts.items()})  # type: ignore[misc]


def open_in_browser(html: str) -> None:
    """Open the page in the user's browser, as a file that stays until the system empties its temporary folder.

    Errors: RuntimeError where no browser can be started; it says where the page is.
    """
    path = Path(tempfile.mkdtemp(prefix="chainrule-")) / "picture.html"
    path.write_bytes(html.encode("utf-8"))
    if not webbrowser.open(path.as_uri()):
        raise RuntimeError(f"no browser could be started here; the page is {path}")
