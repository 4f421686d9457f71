"""What commands have in common: how they are added, and errors that say --learning-rate 0.1 for learning_rate=0.1."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import Any

__all__ = ["add_command", "add_reading", "said", "worded"]

VALUE = r"=(\[[^\]]*\]|'[^']*'|[^\s,;:)]+)"


def add_command(commands: Any, name: str, does: str, about: str, examples: str) -> argparse.ArgumentParser:
    """A command whose help has a text and examples, line by line as they are."""
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=does, description=about, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return made


def add_reading(command: argparse.ArgumentParser) -> None:
    """The options that say how a CSV file is to be read."""
    command.add_argument("--delimiter", metavar="SIGN", help="what stands between the fields of the file")
    command.add_argument(
        "--decimal", choices=(".", ","), metavar="SIGN", help="what ends the whole part of a number: . or ,"
    )
    command.add_argument("--encoding", metavar="NAME", help="of the file, such as utf-8 or cp1252")


def worded(message: object) -> str:
    """The text of an error; of a file that cannot be used, without the number that the system gives it.

    >>> worded(FileNotFoundError(2, "No such file or directory", "trees.csv"))
    "'trees.csv' cannot be used: no such file or directory"
    """
    if isinstance(message, OSError) and message.filename is not None:
        return f"{message.filename!r} cannot be used: {str(message.strerror).lower()}"
    return str(getattr(message, "message", message))


def said(message: object, given: argparse.Namespace) -> str:
    """The message with the command's options where it has Python's arguments of the same names.

    >>> said("try learning_rate=0.1, or activation='tanh'", argparse.Namespace(learning_rate=1.0, activation="relu"))
    'try --learning-rate 0.1, or --activation tanh'
    >>> said("epochs must be at least 1, got 0", argparse.Namespace(epochs=0))
    '--epochs must be at least 1, got 0'
    >>> said("write names=['x1', 'x2', …]", argparse.Namespace(names=None))
    'write --names x1,x2,…'
    """
    text = worded(message)
    for name in vars(given):
        if name in ("command", "run", "parser", "data", "model", "out"):
            continue
        option = "--" + name.replace("_", "-")
        text = re.sub(rf"(?<![\w.-]){name}{VALUE}", lambda found, option=option: _option(option, found[1]), text)  # type: ignore[misc]
        text = re.sub(rf"^{name}(?= (?:must|has|is|holds)\b)", option, text)
        if "_" in name:
            text = re.sub(rf"(?<![\w.-]){name}\b", option, text)
    return text


def _option(option: str, value: str) -> str:
    listed: list[Any] = re.findall(r"'([^']*)'", value) if value.startswith("[") else []
    if listed:
        return f"{option} {shlex.quote(','.join(listed))}{',…' * value.endswith('…]')}"
    plain = value.strip("'")
    return f"{option} {plain if plain == '…' else shlex.quote(plain)}"
