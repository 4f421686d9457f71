"""The names that micrograd's users know, beside our own."""

from __future__ import annotations

from typing import Any

from .op import Op


class MicrogradNames:
    """Read-only views of what a node remembers."""

    __slots__ = ()
    operation: Op | str | None
    _edges: Any

    @property
    def _prev(self) -> tuple[Any, ...]:
        """The Values among the arguments, in order, repeats kept."""
        return tuple(argument for argument, _ in self._edges if argument.__class__ is not float)

    @_prev.setter
    def _prev(self, children: Any) -> None:
        raise AttributeError("_prev follows from how a Value was made; write Value(data, _children=(a, b), _op='+')")

    _children = _prev

    @property
    def _local_grads(self) -> tuple[float, ...]:
        """The local derivative for each of `_prev`."""
        return tuple(slope for argument, slope in self._edges if argument.__class__ is not float)

    @property
    def _op(self) -> str:
        """The operation in micrograd's spelling: '+', '**2', 'ReLU'; '' for a leaf."""
        if not isinstance(self.operation, Op):
            return self.operation or ""
        numbers = (f"{argument:g}" if argument.__class__ is float else "" for argument, _ in self._edges)
        return (self.operation.micrograd or self.operation.name).format(*numbers)
