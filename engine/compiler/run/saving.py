"""A compiled program as a module of its own, which needs NumPy alone."""

from __future__ import annotations

import errno
import inspect
import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path

from ...op import no_such_index, picked
from ..emit.about import Interface
from ..literals import literal, wrapped
from . import running

EXAMPLES = 5  # in the docstring
LEFT_BEHIND = 3600.0  # seconds: no writer takes so long
SAYS = {
    "value": "What the function gives for each example.",
    "value_and_grad": "The mean over the examples, and its gradient to theta.",
    "input_gradients": "For each example the gradients to its inputs; None for whole numbers.",
}


def module(texts: Mapping[str, str], interface: Interface, theta: Sequence[float]) -> str:
    """The text of the module; `texts` holds the text of bind(n, theta) for each function."""
    names = interface.names
    head, helpers = inspect.getsource(running).split('"""\n\n', 1)[1].split("\n\n\n", 1)
    everything = "".join(texts.values())
    if re.search(r"\bpicked\(", everything):
        helpers += "\n\n" + inspect.getsource(no_such_index) + "\n\n" + inspect.getsource(picked)
    if "math." in everything:
        head = head.replace("from collections", "import math\nfrom collections", 1)
    given = arguments = ", ".join(names)
    numbers = "np.zeros(0)"
    if theta:
        head += f"\n\ntheta = np.array([  # the parameters\n{wrapped(map(literal, theta), ' ' * 4)},\n])"
        arguments, numbers = ", ".join([*names, "theta=theta"]), f"parameters(theta, {len(theta)})"
    parts = [f'"""{_documentation(interface)}"""\n\n{head}\n\n']
    for name in texts:
        more = f", {interface.outputs is not None}" if name == "value" else ""
        call = {"value": "outputs"}.get(name, name)
        body = f"inputs({given}).{call}({name}_pools, {numbers}{more})"
        parts.append(f'def {name}({arguments}):\n    """{SAYS[name]}"""\n    return {body}\n\n')
    expected = f"{list(interface.shapes)}, {list(interface.whole)}"
    checked = f"Call([{given}], batch={interface.batch}).expect({expected})"
    parts.append(f'def inputs({given}):\n    """The inputs of one call, checked."""\n    return {checked}\n\n')
    parts += [text.replace("def bind(", f"def bind_{name}(", 1) + "\n" for name, text in texts.items()]
    pools = "".join(f"{name}_pools = Pools(partial(Pool, bind_{name}))\n" for name in texts)
    return "\n".join([*parts, f"# --- what these need while they run\n\n\n{helpers}\n\n{pools}"])


def _documentation(interface: Interface) -> str:
    """The docstring of the module: the shapes, and an example that runs."""
    shapes, whole, outputs, batch, parameters = interface
    said = interface.said()
    sizes = [(EXAMPLES, *shape) if batch else shape for shape in shapes]
    given = ", ".join([f"np.zeros({size}{', int' * integers})" for size, integers in zip(sizes, whole)])
    result = (*[EXAMPLES] * (batch and bool(shapes)), *[outputs] * (outputs is not None))
    return (
        "A program that chainrule compiled from scalar code; it needs NumPy alone.\n\n"
        + f"Shapes: {said}.\n\n" * bool(said)
        + f">>> np.shape(value({given}))\n{result}\n"
        + f">>> mean, gradient = value_and_grad({given})\n" * (parameters > 0 and outputs is None)
    )


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a file. Whoever reads it, even after a crash, finds the old text or the new one, never a part of it.

    What a process that was killed while it wrote has left behind is removed by the next writer, an hour later.
    """
    target = Path(path)
    for left in target.parent.glob(f".{escape(target.name)}.*.part"):
        with suppress(OSError):  # another writer may be quicker, or the file may belong to somebody else
            if time.time() - left.stat().st_mtime > LEFT_BEHIND:
                left.unlink()
    if not target.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, "there is no such folder to write into; make it first", str(target.parent)
        )
    part = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    except OSError as problem:
        if problem.filename is not None:
            problem.filename, problem.filename2 = str(target), None  # the name that the caller knows
        raise
    finally:
        part.unlink(missing_ok=True)
