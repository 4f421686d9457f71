"""What a model holds: its leaf Values with their names, its parts, and its numbers as arrays."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.engine.numeric import counted

from .arguments import switch
from .elsewhere import Hinted

__all__ = ["Holder", "groups", "parts", "repeated"]

NOTHING = {str, int, float, bool, type(None)}
Path = tuple[Any, ...]  # (path of the holder, key), back to ()
Numbers = NDArray[np.float64]


class Holder(Hinted):
    """What a Module is before it computes anything: an object whose attributes hold parameters and other Modules."""

    training = True  # whether Dropout drops: train() and eval() set it

    def parameters(self) -> list[Value]:
        """Leaf Values in attributes, lists, tuples, dicts, arrays and sub-modules: each once, in order of definition.

        Dataclasses and plain objects of one's own are searched, too. Sets, deques, attributes of classes, global
        variables and objects of libraries are not; `fit` and `diagnose` name a leaf that stands there.

        >>> model = Holder()
        >>> model.scale = Value(1.0)
        >>> model.table = {"a": [Value(2.0)], "b": (model.scale,)}
        >>> [p.data for p in model.parameters()]
        [1.0, 2.0]
        """
        return list(dict.fromkeys(_leaves([getattr(self, name) for name in _attribute_names(self)])))

    def named_parameters(self) -> list[tuple[str, Value]]:
        """The parameters with the names of the attributes, keys and places where they stand.

        >>> from chainrule import MLP
        >>> [name for name, p in MLP(1, [1, 1]).named_parameters()][:2]
        ['layers.0.neurons.0.w.0', 'layers.0.neurons.0.b']
        """
        return [(_name(path), leaf) for path, leaf in _named_leaves(self)]

    def zero_grad(self) -> None:
        """Set each parameter's `.grad` to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def state_dict(self) -> dict[str, Numbers]:
        """The numbers of the parameters by name, as new arrays; a list of parameters is one array.

        >>> from chainrule import MLP
        >>> {name: array.shape for name, array in MLP(3, 1, rng=0).state_dict().items()}
        {'layers.0.neurons.0.w': (3,), 'layers.0.neurons.0.b': ()}
        """
        return {name: np.array(_data(held), dtype=float) for name, held in _arrays(self).items()}

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> None:
        """Put numbers, as state_dict() gives them, into the parameters.

        Errors: ValueError that lists all names and shapes that differ, or numbers that are not finite; then nothing has
        been changed. With strict=False, names that only one of the two has are passed over.
        """
        _load(self, state, switch("strict", strict))

    def train(self, mode: bool = True) -> Any:
        """Set `training` in this Module and in all that it holds; returns the Module. `fit` does this by itself."""
        mode = switch("mode", mode)
        for part in parts(self):
            part.training = mode
        return self

    def eval(self) -> Any:
        """Set `training` to False, here and in all that this Module holds: Dropout hands its inputs on as they are."""
        return self.train(False)

    def __repr__(self) -> str:
        held = [
            f"{name}={_short(thing)}" for name in _attribute_names(self) if (thing := _part_of(self, name)) is not None
        ]
        count = len(self.parameters())
        return f"{type(self).__name__}({', '.join([*held, counted(count, 'parameter')])})"


def _part_of(model: Any, name: str) -> Any:
    """What a repr shows of an attribute: Modules, and lists of them."""
    thing = getattr(model, name)
    many = isinstance(thing, (list, tuple)) and thing and all(isinstance(one, Holder) for one in thing)
    return thing if isinstance(thing, Holder) or many else None


def _short(thing: Any) -> str:
    if isinstance(thing, (list, tuple)):
        return f"[{repeated(list(map(repr, thing)))}]"
    return repr(thing)


def repeated(names: list[str], most: int = 4) -> str:
    """The names with commas between them; more than `most` alike in a row as one of them with their number.

    >>> repeated(["a", "a", "b", *"ccccc"])
    'a, a, b, 5 × c'
    """
    runs = [(name, len(list(alike))) for name, alike in itertools.groupby(names)]
    return ", ".join(f"{count} × {name}" if count > most else ", ".join([name] * count) for name, count in runs)


def _leaves(holders: Sequence[Any]) -> Iterator[Value]:
    """The leaf Values that are held, in order of definition; one that is held twice comes twice."""
    stack, seen = [*holders][::-1], set()
    while stack:
        thing = stack.pop()
        if isinstance(thing, Value):
            if thing.operation is None:
                yield thing
        elif thing.__class__ is not str and id(thing) not in seen:  # strings, the many labels among them, hold nothing
            seen.add(id(thing))
            stack.extend(reversed(_held(thing)))


def parts(root: Any) -> Iterator[Any]:
    """All Modules in a model, the model among them, in order of definition."""
    stack, seen = [root], set()
    while stack:
        thing = stack.pop()
        if not isinstance(thing, Value) and thing.__class__ is not str and id(thing) not in seen:
            seen.add(id(thing))
            if isinstance(thing, Holder):
                yield thing
            stack.extend(reversed(_held(thing, whole=True)))


def _named_leaves(root: Any) -> list[tuple[Path, Value]]:
    """The leaves of a model, each once, with the path of keys that leads to it."""
    found: dict[Value, Path] = {}
    stack: list[tuple[Path, Any]] = [((), root)]
    seen = set()
    while stack:
        path, thing = stack.pop()
        if isinstance(thing, Value):
            if thing.operation is None:
                found.setdefault(thing, path)
        elif thing.__class__ is not str and id(thing) not in seen:
            seen.add(id(thing))
            held = _held(thing)
            stack.extend(reversed([((path, key), one) for key, one in zip(_keys(thing, held), held)]))
    return [(path, leaf) for leaf, path in found.items()]


def _name(path: Path) -> str:
    """layers.0.neurons.1.w.2"""
    keys = []
    while path:
        path, key = path
        keys.append(str(key))
    return ".".join(reversed(keys))


def groups(root: Any, small: type) -> dict[str, list[Value]]:
    """The leaves by the innermost part that holds them, which is not of the class `small`: the layers of a network.

    What stands in the model itself is in groups by its attribute's name.
    """
    found: dict[str, list[Value]] = {}
    taken, seen = set[Value](), set[int]()
    stack: list[tuple[Path, Path, Any]] = [((), (), root)]  # the path, that of the group, and what stands there
    while stack:
        path, group, thing = stack.pop()
        leaves = [thing] if isinstance(thing, Value) else []
        if not leaves and (thing.__class__ is str or id(thing) in seen):
            continue
        seen.add(id(thing))
        held = () if leaves else _held(thing)
        if {*map(type, held)} == {Value}:  # the many weights, at once
            leaves, held = list(held), ()
        new = [leaf for leaf in leaves if leaf.operation is None and leaf not in taken]
        if new:
            taken.update(new)
            found.setdefault(_name(group or path), []).extend(new)
        if not path or (isinstance(thing, Holder) and not isinstance(thing, small)):
            group = path
        for key, one in reversed(list(zip(_keys(thing, held), held))) if len(held) else ():
            below = (path, key)
            stack.append((below, group or (below if not path else group), one))
    return found


def _load(root: Any, state: Mapping[str, Any], strict: bool) -> None:
    """Put numbers into the leaves; ValueError with all differences in names and shapes, and then nothing is changed."""
    if not isinstance(state, Mapping):
        raise TypeError(
            f"a state is a dict from names to numbers, as state_dict() gives it; got {type(state).__name__}"
        )
    arrays = _arrays(root)
    wrong, fitting = [], []
    for name, held in arrays.items():
        if name not in state:
            wrong += [f"{name} is missing"] if strict else []
            continue
        try:
            given = np.asarray(state[name], dtype=float)
        except (TypeError, ValueError):
            wrong.append(f"{name} holds no numbers, but {type(state[name]).__name__} {state[name]!r:.60}")
            continue
        wanted = np.shape(_data(held))
        if given.shape != wanted:
            wrong.append(f"{name} has the shape {given.shape} and the model needs {wanted}")
        elif not np.isfinite(given).all():
            wrong.append(f"{name} holds {given[~np.isfinite(given)].flat[0]}")
        fitting.append((held, given))
    wrong += [f"{name} is not in the model" for name in state if name not in arrays] if strict else []
    if wrong:
        more = f"; and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        hint = "" if not strict else "; with strict=False, names that only one of the two has are passed over"
        raise ValueError(f"this state does not fit {type(root).__name__}: {'; '.join(wrong[:8])}{more}{hint}")
    for held, given in fitting:
        for leaf, number in zip(_flat(held), given.ravel().tolist()):
            leaf.data = number


def _arrays(root: Any) -> dict[str, Any]:
    """The leaves by name; lists of leaves, and tables of rows of the same length, stay together under one name."""
    found: dict[str, Any] = {}
    taken: set[Value] = set()
    stack: list[tuple[Path, Any]] = [((), root)]
    seen = set()

    def put(path: Path, held: Any) -> None:
        if _name(path) in found:
            raise ValueError(f"two parameters are called {_name(path)}; give the keys of your dict other names")
        found[_name(path)] = held
        taken.update(_flat(held))

    while stack:
        path, thing = stack.pop()
        if isinstance(thing, Value):
            if thing.operation is None and thing not in taken:
                put(path, thing)
        elif thing.__class__ is not str and id(thing) not in seen:
            seen.add(id(thing))
            if _is_table(thing) and taken.isdisjoint(_flat(thing)):
                put(path, thing)
                continue
            held = _held(thing)
            stack.extend(reversed([((path, key), one) for key, one in zip(_keys(thing, held), held)]))
    return found


def _is_table(thing: Any) -> bool:
    """Whether it is a list of leaves, or of such lists of the same shape, each leaf once."""
    if not isinstance(thing, (list, tuple, np.ndarray)) or len(_shape(thing)) == 0:
        return False
    flat = _flat(thing)
    all_leaves = all(isinstance(one, Value) and one.operation is None for one in flat)
    return bool(flat) and all_leaves and len({*map(id, flat)}) == len(flat)


def _shape(thing: Any) -> tuple[int, ...]:
    """() for what is no rectangle of Values."""
    if isinstance(thing, np.ndarray):
        return thing.shape if thing.dtype == object else ()
    shapes = {_shape(one) if isinstance(one, (list, tuple, np.ndarray)) else () for one in thing}
    if len(shapes) != 1 or (isinstance(thing[0], (list, tuple, np.ndarray)) and shapes == {()}):
        return ()
    return (len(thing), *shapes.pop())


def _flat(held: Any) -> list[Any]:
    if isinstance(held, np.ndarray):
        return list(held.ravel())
    return [leaf for one in held for leaf in _flat(one)] if isinstance(held, (list, tuple)) else [held]


def _data(held: Any) -> Any:
    if isinstance(held, np.ndarray):
        return np.array([one.data for one in held.ravel()]).reshape(held.shape)
    return [_data(one) for one in held] if isinstance(held, (list, tuple)) else held.data


def _keys(thing: Any, held: Sequence[Any]) -> Sequence[Any]:
    """How each of what a thing holds is called in it."""
    if isinstance(thing, dict):
        return list(thing)
    if isinstance(thing, np.ndarray):
        return [".".join(map(str, index)) for index in np.ndindex(thing.shape)]
    if isinstance(thing, (list, tuple)):
        return range(len(held))
    names = _attribute_names(thing)
    if _own_parameters(thing):  # it lists leaves, which are attributes if we are lucky
        known = {id(getattr(thing, name)): name for name in names}
        return [known.get(id(one), f"parameters.{i}") for i, one in enumerate(held)]
    return names


def _held(thing: Any, whole: bool = False) -> Sequence[Any]:
    """What a thing holds; `whole`: what stands in its attributes, even where its own parameters() lists less."""
    kind = thing.__class__
    if kind in NOTHING:
        return ()
    if isinstance(thing, (list, tuple)):
        if whole and {*map(type, thing)} <= {Value}:  # the many weights, which hold nothing
            return ()
        return thing if kind in (list, tuple) else list(thing)
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, np.ndarray):
        return thing.ravel().tolist() if thing.dtype == object else []
    if not whole and _own_parameters(thing):
        return list(thing.parameters())
    searched = isinstance(thing, Holder) or _is_plain(kind)
    return [getattr(thing, name) for name in _attribute_names(thing)] if searched else ()


def _own_parameters(thing: Any) -> bool:
    """Whether a user's own parameters() decides, in a Module and elsewhere."""
    own = getattr(thing.__class__, "parameters", None)
    return callable(own) and own is not Holder.parameters


def _attribute_names(thing: Any) -> list[str]:
    slots, own = _slots(thing.__class__), getattr(thing, "__dict__", {})
    return [*(name for name in slots if hasattr(thing, name)), *own] if slots else [*own]


@lru_cache(256)
def _slots(kind: type) -> list[str]:
    slots = [vars(base).get("__slots__", ()) for base in reversed(kind.__mro__)]
    names = [name for each in slots for name in ((each,) if isinstance(each, str) else each)]
    return [name for name in names if not name.startswith("__")]


@lru_cache(256)
def _is_plain(kind: type) -> bool:
    """Whether it is a class of the user's own, dataclasses among them, or a SimpleNamespace: such objects are searched.

    Objects of libraries are not, which may hold anything: a logger holds all other loggers.
    """
    first = kind.__module__.partition(".")[0]
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    library = first in (*sys.stdlib_module_names, "chainrule") or "-packages" in file
    return kind is SimpleNamespace or first == "__main__" or not (library or issubclass(kind, type))
