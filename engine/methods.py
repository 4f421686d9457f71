"""The methods of Values that are made from the table, one for each row: see `add_method` in operators.py.

Type checkers and editors cannot run a loop. They read methods.pyi, which `python tools/table.py` writes. A stub hides
its module from them altogether, which is why this class has a module of its own, with nothing else in it.
"""


class Methods:
    """Filled when operators.py is imported."""

    __slots__ = ()
