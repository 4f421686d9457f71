"""Rows of a user's own: into the table, and out of it again."""

from __future__ import annotations

import keyword

import numpy as np

from .checking import spelling_problem
from .op import OPS, Op
from .operators import add_method, local_derivatives, remove_method
from .value import Value

BUILT_IN = frozenset(OPS)  # the names of the rows in ops.py


def register(op: Op) -> Op:
    """Add a row of your own to the table: a function, a method, and its place in derivatives and drawings.

    Errors: ValueError for a name that is not an identifier or is taken, and for a row that does not run.

    >>> from chainrule import Op, Value, grad, register
    >>> import math
    >>> cube = register(Op(name="cube", forward=lambda a: a * a * a, partials=(lambda out, a: 3.0 * a * a,),
    ...                    numpy="{} ** 3", what="The third power of a.", why="three times the square"))
    >>> Value(2.0).cube().data, grad(grad(cube))(2.0)
    (8.0, 12.0)
    >>> from chainrule import unregister
    >>> unregister(cube)
    """
    if not isinstance(op, Op):
        raise TypeError(f"register takes a row, Op(name=..., forward=..., partials=...), got {op!r}")
    if not op.name.isidentifier() or keyword.iskeyword(op.name):
        raise ValueError(f"an operation's name is also the name of a method, which {op.name!r} cannot be")
    if op.name in OPS or hasattr(Value, op.name) or op.name in Value.__slots__:
        raise ValueError(f"the name {op.name!r} is taken: {OPS.get(op.name, 'an attribute of Value')}")
    _try_out(op)
    add_method(op)
    OPS[op.name] = op
    return op


def _try_out(op: Op) -> None:
    """Run all of a row once, so that its mistakes are found now and not when it is first used."""
    if not op.everyday:
        raise ValueError(f"{op.name}: everyday=() has no interval; write everyday=((low, high),)")
    if not op.arity or op.symbol.count("{}") != abs(op.arity):
        raise ValueError(
            f"{op.name}: symbol={op.symbol!r} needs one {{}} for each argument, partials=(rule, ...) one rule for each"
        )
    numbers = [low + 0.7 * (high - low) for low, high in op.intervals()]
    part = "forward"
    try:
        out = op.evaluate(numbers)
        part = "partials"
        local_derivatives(op, out, numbers, [True] * len(numbers))
        part = f"numpy={op.numpy!r}"
        op.on_arrays(*map(np.float64, numbers))
    except ArithmeticError:
        pass  # the row has no value at these numbers, so they tell nothing about it
    except Exception as problem:
        hint = " (partials=(rule,) for a fixed number of arguments; a bare rule returns a list)" * op.variadic
        raise ValueError(f"{op.name}: {part} does not run at {numbers}: {problem}{hint}") from problem
    if said := spelling_problem(op):
        raise ValueError(f"{op.name}: {said}")


def unregister(op: Op) -> None:
    """Take a row that was registered out of the table again. Values that were made with it keep working.

    Errors: ValueError for a row that was not registered, those of the table itself among them.

    >>> from chainrule import OPS, Op, register
    >>> rules = dict(forward=lambda a: a / 2, partials=(lambda out, a: 0.5,), numpy="{} / 2")
    >>> halved = register(Op(name="halved", what="Half of a.", why="half of it arrives", **rules))
    >>> unregister(OPS["halved"])
    >>> "halved" in OPS
    False
    """
    if op not in OPS.values():
        raise ValueError(f"{op!r} is not a row of the table")
    if op.name in BUILT_IN:
        raise ValueError(f"{op!r} belongs to chainrule; only a row that was registered can be taken out")
    del OPS[op.name]
    remove_method(op)
