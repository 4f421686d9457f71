"""The bar of fit: for terminals and notebooks, and for nobody where there is neither."""

from __future__ import annotations

import sys
import warnings
from typing import Any

__all__ = ["Progress"]


class Progress:
    """A bar of so many steps, made by tqdm; it does nothing if it is not wanted or there is no stderr to write to."""

    def __init__(self, steps: int, wanted: bool) -> None:
        self.bar: Any = None
        if wanted and sys.stderr is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about widgets that a notebook lacks; it gets a bar of text
                from tqdm.auto import tqdm  # here, as it takes more than half as long as NumPy to import

                self.bar = tqdm(total=steps, unit="step", dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def update(self, steps: int) -> None:
        if self.bar is not None:
            self.bar.update(steps)

    def tell(self, text: str, now: bool = False) -> None:
        """Show a few words behind the bar: with its next step, or `now`."""
        if self.bar is not None:
            self.bar.set_postfix_str(text, refresh=now)

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        if self.bar is not None and line:
            self.bar.write(line, file=sys.stderr)
