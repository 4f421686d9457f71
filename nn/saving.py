"""Models in files: JSON that can be read, exact to the last digit, and never executed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from chainrule.engine import Value
from chainrule.engine.compiler.run.saving import write
from chainrule.engine.numeric import counted

from .arguments import file_path, given
from .data.preparation import Preparation

__all__ = [
    "KINDS", "WRITERS", "Kind", "ModelFileError", "Part", "build", "checksum", "describe", "laid_out", "load",
    "number_text", "read", "save",
]  # fmt: skip

FORMAT, VERSION = "chainrule model", 1
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}  # JSON has no numbers for them
DAMAGED = "save the model again, or take another copy of the file"


class ModelFileError(ValueError):
    """A file that holds no model that can be read: the message names the file, the place in it, and what to do.

    >>> from pathlib import Path
    >>> from chainrule import ModelFileError, load
    >>> _ = Path("no_model.json").write_text("[]")
    >>> try:
    ...     load("no_model.json")
    ... except ModelFileError as error:
    ...     print("no_model.json" in str(error))
    True
    """


@dataclass(frozen=True)
class Kind:
    """How models of one class are written and made again. A description consists of dicts, lists, texts and numbers.

    `describe` returns None for a model that its description would not give back, as one with weights that are tied.
    """

    name: str
    describe: Callable[[Any], dict[str, Any] | None]
    build: Callable[[Part], Any]


WRITERS: dict[str, Callable[..., Any]] = {}  # what writes a file with another ending than .json; exports fill it
KINDS: dict[type, Kind] = {}  # the classes whose architecture is written; nn/kinds.py fills it


def save(model: Any, path: str | os.PathLike[str], **settings: Any) -> Path:
    """Write the model to a file, for `Module.save`, which says what is in it; return the path."""
    target = file_path(path, "m.json")
    ending = target.suffix.lower()
    if ending in WRITERS:
        WRITERS[ending](model, target, **settings)
        return target
    if ending not in ("", ".json") and ending[1:2].isalpha():  # "net-0.5" has none
        raise ValueError(_no_writer(target, ending))
    if settings:
        raise TypeError(f"save: {', '.join(settings)} is for files of C, JavaScript and Python, not for {str(path)!r}")
    named = list(model.named_parameters())
    if len(dict(named)) < len(named):
        twice = next(name for name, p in named if dict(named)[name] is not p)
        raise ValueError(f"two parameters are called {twice!r}; rename the attribute or the key of one of them")
    parameters = [p for _, p in named]
    description, standard = _faithful(model, [name for name, _ in named]), parameters
    if description is None:
        numbers = {name: number_text(p.data) for name, p in named}
        description = {"kind": "parameters", "class": type(model).__name__, "parameters": numbers}
    else:
        standard = build(Part("", "model", description)).parameters()
    content: dict[str, Any] = {"model": description}
    labels = {str(i): p.label for i, (p, own) in enumerate(zip(parameters, standard)) if p.label != own.label}
    frozen = [i for i, p in enumerate(parameters) if not p.requires_grad]
    content |= {key: found for key, found in (("labels", labels), ("frozen", frozen)) if found}
    if (preparation := getattr(model, "preparation", None)) is not None:
        content["preparation"] = preparation.to_dict()
    if class_labels := getattr(model, "class_labels", ()):
        content["class_labels"] = np.asarray(class_labels).tolist()
    whole = {"format": FORMAT, "version": VERSION, "checksum": checksum(content), **content}
    write(target, laid_out(whole) + "\n")
    return target


def _no_writer(target: Path, ending: str) -> str:
    instead = f"write model.save({str(target.with_suffix('.json'))!r}), which cr.load reads"
    if ending in (".pt", ".pth"):
        instead += "; cr.to_torch(model) makes a module of PyTorch, which torch.save keeps"
    return f"model.save writes .json, {', '.join(sorted(WRITERS))}, and has nothing for {ending!r}; {instead}"


def describe(model: Any) -> dict[str, Any] | None:
    """The model as plain dicts, lists, texts and numbers; None if it cannot be written so that it comes back."""
    kind = KINDS.get(type(model))
    found = kind.describe(model) if kind else None
    return None if kind is None or found is None else {"kind": kind.name, **found}


def _faithful(model: Any, names: Sequence[str]) -> dict[str, Any] | None:
    """The description, if a model with the same parameters comes back from it: none are tied, and none were added."""
    try:
        description = describe(model)
        if description is not None:
            made = build(Part("", "model", description))
            return description if [name for name, _ in made.named_parameters()] == list(names) else None
    except ModelFileError:
        pass  # the layers do not fit together, so a class of a user's own calls them
    return None


def load(path: str | os.PathLike[str], into: Any = None) -> Any:
    """The model that `model.save(path)` wrote. With `into`, set the parameters of that model instead, and return it.

    Nothing in the file is executed, and no name in it is imported. So a Module of a user's own has to be made by the
    user first, `cr.load(path, into=MyModel())`: the names of its parameters are compared with those in the file, and
    if they differ, nothing is changed.

    Errors: ModelFileError, which is a ValueError, for everything that is wrong with the file; FileNotFoundError.

    >>> from chainrule import MLP
    >>> model = MLP(2, [3, 1], activation="tanh")
    >>> path = model.save("m.json")
    >>> load(path)([1.0, 2.0]).data == model([1.0, 2.0]).data
    True
    """
    if (into is not None and not callable(getattr(into, "named_parameters", None))) or isinstance(into, type):
        hint = f"{into.__name__}(...)" if isinstance(into, type) else "MyModel()"
        raise TypeError(f"into is a model, whose parameters are set; got {given(into)}; write into={hint}")
    content = read(path)
    part = content["model"]
    known = part.fields(["kind"], others=True)["kind"].text()
    if known == "parameters":
        fields = part.fields(["kind", "class", "parameters"])
        if into is None:
            name = fields["class"].text()
            made = name if name.isidentifier() and len(name) < 60 else "MyModel"
            part.fail(
                f"it holds the parameters of {made}, which no file describes: it is a class of somebody's own, or a "
                "model with tied weights or with an activation that is a function; nothing is imported from a file",
                f"make the model, and load into it: cr.load({os.fspath(path)!r}, into={made}(...))",
            )
        numbers = {name: each.number() for name, each in fields["parameters"].mapping().items()}
        model = into
    else:
        try:
            made = build(part)
        except RecursionError:
            part.fail("the model is nested too deeply")
        if not hasattr(made, "named_parameters"):
            part.fail("this is a part of a model, and not a model")
        numbers = {name: p.data for name, p in made.named_parameters()}
        model = made if into is None else into
    _apply(content, part, numbers, model)
    return model


def _apply(content: Mapping[str, Part], part: Part, numbers: Mapping[str, float], model: Any) -> None:
    """Set parameters, labels, what is frozen and the preparation. If anything is wrong, nothing is changed."""
    named = dict(model.named_parameters())
    _check_names(part, numbers, named)
    parameters = [named[name] for name in numbers]
    labels: dict[int, str] = {}
    if "labels" in content:
        for key, each in content["labels"].mapping().items():
            labels[each.index_of(key, len(parameters))] = each.text()
    frozen = {each.index(len(parameters)) for each in content["frozen"].items()} if "frozen" in content else set()
    preparation = content["preparation"].prepared() if "preparation" in content else None
    class_labels = content["class_labels"].plain() if "class_labels" in content else ()
    if len(class_labels) not in (0, 2):
        content["class_labels"].fail(f"there are {len(class_labels)} of them, and a model has two or none")
    for i, (p, number) in enumerate(zip(parameters, numbers.values())):
        p.data, p.requires_grad = number, i not in frozen
        p.label = labels.get(i, p.label)
    if preparation is not None:
        model.preparation = preparation
    if class_labels:
        model.class_labels = class_labels


def _check_names(part: Part, numbers: Collection[str], named: Mapping[str, Value]) -> None:
    missing, extra = [n for n in named if n not in numbers], [n for n in numbers if n not in named]
    if missing or extra:
        said = [f"it has {counted(len(numbers), 'parameter')} and the model {len(named)}"]
        for what, names in (("only the model has", missing), ("only the file has", extra)):
            if names:
                said.append(f"{what} {', '.join(names[:5])}{', …' * (len(names) > 5)}")
        part.fail("; ".join(said), "make the model as it was when it was saved")


def build(part: Part) -> Any:
    """The model that this part of a file describes."""
    name = part.fields(["kind"], others=True)["kind"].text()
    names = {kind.name: kind for kind in KINDS.values()}
    if name not in names:
        part.fail(f"the kind {name!r} is unknown; there are {', '.join(names)}", DAMAGED)
    return names[name].build(part)


# --- the file


def read(path: str | os.PathLike[str]) -> dict[str, Part]:
    """The parts of a file, after the checks that concern it as a whole."""
    file = file_path(path, "m.json")
    name = str(file)
    start = Part(name, "start", None)
    try:
        text = file.read_bytes().decode("utf-8")
        whole = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except json.JSONDecodeError as problem:
        place = Part(name, f"line {problem.lineno}, column {problem.colno}", None)
        place.fail(f"the file is no JSON or is not whole ({problem.msg})", DAMAGED)
    except UnicodeDecodeError as problem:
        Part(name, f"byte {problem.start}", None).fail("the file is no UTF-8 text", DAMAGED)
    except RecursionError:
        start.fail("the file is nested too deeply for a model", DAMAGED)
    except ValueError as problem:  # a key that stands twice, NaN, a number of too many digits
        start.fail(str(problem).splitlines()[0], DAMAGED)
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        start.fail(f'the file holds no chainrule model (no "format": "{FORMAT}")', "load what model.save(path) wrote")
    version = Part(name, "version", whole.get("version"))
    if isinstance(version.value, int) and version.value > VERSION:
        version.fail(f"the file is of version {version.value}, this is {VERSION}", "install a newer chainrule")
    if version.value != VERSION or isinstance(version.value, bool):
        version.fail(f"{version.value!r:.50} is no version", DAMAGED)
    content = {key: value for key, value in whole.items() if key not in ("format", "version", "checksum")}
    if "checksum" in whole and whole["checksum"] != checksum(content):
        advice = 'take another copy; if you changed it on purpose, remove the line "checksum"'
        Part(name, "checksum", None).fail("what the file holds is not what was saved", advice)
    Part(name, "", content).fields(["model"], ["labels", "frozen", "preparation", "class_labels"])
    return {key: Part(name, key, value) for key, value in content.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r:.50} stands twice")
    return found


def _refused(constant: str) -> NoReturn:
    raise ValueError(f'{constant} is no number of JSON; a model has "{constant.lower().replace("infinity", "inf")}"')


def checksum(content: Any) -> str:
    """A number that changes whenever anything in the content does, but not with spaces and line ends."""
    import hashlib  # here, since it loads all of OpenSSL

    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def laid_out(thing: Any, margin: str = "") -> str:
    """JSON with a line for each field and for each list of plain things, such as the weights of one neuron."""
    inner = margin + "  "
    if isinstance(thing, dict) and thing:
        lines = [f"{inner}{json.dumps(key)}: {laid_out(value, inner)}" for key, value in thing.items()]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
    if isinstance(thing, (list, tuple)) and any(isinstance(each, (dict, list, tuple)) for each in thing):
        return "[\n" + ",\n".join(inner + laid_out(each, inner) for each in thing) + f"\n{margin}]"
    return json.dumps(thing, allow_nan=False)


def number_text(number: float) -> float | str:
    """The number as it is written: as a text if it is not finite."""
    return number if math.isfinite(number) else repr(number)


@dataclass(frozen=True)
class Part:
    """A part of a file, which may hold anything: each question is answered as asked or is a ModelFileError."""

    file: str
    place: str
    value: Any

    def fail(self, said: str, advice: str = DAMAGED) -> NoReturn:
        """Raise the one kind of error that there is."""
        raise ModelFileError(f"{self.file}, {self.place or 'start'}: {said}; {advice}")

    def _is(self, what: str, right: bool) -> None:
        if not right:
            self.fail(f"{what} is wanted here, not {self.value!r:.60}")

    def mapping(self) -> dict[str, Part]:
        self._is("an object {…}", isinstance(self.value, dict))
        inside = self.place and self.place + "."
        return {key: Part(self.file, inside + (key if key.isidentifier() else f"{key!r:.60}"), each)
                for key, each in self.value.items()}  # fmt: skip

    def fields(self, required: Sequence[str], optional: Sequence[str] = (), others: bool = False) -> dict[str, Part]:
        """The parts of an object that has these keys; with `others`, it may have more."""
        found = self.mapping()
        if missing := [key for key in required if key not in found]:
            self.fail(f"{missing[0]!r} is missing")
        for key in found:
            if not others and key not in required and key not in optional:
                near = "".join(f" (is it {one!r}?)" for one in get_close_matches(key, [*required, *optional], 1))
                self.fail(f"the key {key!r:.60} is unknown{near}")
        return found

    def items(self, at_least: int = 0) -> list[Part]:
        self._is("a list", isinstance(self.value, list))
        if len(self.value) < at_least:
            self.fail(f"{len(self.value)} entries are too few; {at_least} is the least")
        return [Part(self.file, f"{self.place}[{i}]", each) for i, each in enumerate(self.value)]

    def text(self) -> str:
        self._is("a text", isinstance(self.value, str))
        return str(self.value)

    def number(self) -> float:
        if isinstance(self.value, str) and self.value in NOT_FINITE:
            return NOT_FINITE[self.value]
        self._is("a number", isinstance(self.value, (int, float)) and not isinstance(self.value, bool))
        try:
            number = float(self.value)
        except OverflowError:
            number = math.inf
        self._is('a number that a float holds, or "inf",', math.isfinite(number))
        return number

    def numbers(self, count: int | None = None, at_least: int = 1) -> list[float]:
        """A list of numbers: so many, or at least so many."""
        found = [each.number() for each in self.items(at_least)]
        if count is not None and len(found) != count:
            self.fail(f"{len(found)} numbers stand here, and {count} are needed")
        return found

    def plain(self) -> tuple[Any, ...]:
        """A list of texts and numbers."""
        for each in self.items():
            if not isinstance(each.value, str):
                each.number()
        return tuple(self.value)

    def index(self, length: int) -> int:
        right = isinstance(self.value, int) and not isinstance(self.value, bool) and 0 <= self.value < length
        self._is(f"the number of one of {length} parameters", right)
        return int(self.value)

    def index_of(self, key: str, length: int) -> int:
        right = key.isascii() and key.isdigit() and len(key) < 10 and int(key) < length
        if not right:
            self.fail(f"{key!r:.60} is the number of none of the {length} parameters")
        return int(key)

    def prepared(self) -> Any:
        """The preparation that was written by `to_dict`."""
        try:
            return Preparation.from_dict(self.value)
        except Exception as problem:  # whatever a hostile file makes it do
            self.fail(str(problem).splitlines()[0] if str(problem) else type(problem).__name__)
