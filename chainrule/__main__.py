"""`python -m chainrule` is the command `chainrule`."""

import sys

from . import __version__
from .viz.command import main as run


def main() -> int:
    """The command `chainrule`; returns its exit code."""
    return run(version=__version__)


if __name__ == "__main__":
    sys.exit(main())
