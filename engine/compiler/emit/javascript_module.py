"""A program as one ES module, which needs nothing else: it runs in browsers, in node and in workers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from ..literals import wrapped
from .about import About, Interface
from .javascript import data, needed_pieces, number

SAYS = {
    "value": "What the function gives for each example: a Float64Array.",
    "value_and_grad": "[the mean over the examples, its gradient to theta].",
    "input_gradients": "For each example the gradients to its inputs, as one Float64Array; null for whole numbers.",
}
CLASS = """\
// The class of each example{named}; null where an output is nan.
export function predict_class({given}) {{
  const outputs = value({given}), count = {count};
  return Array.from({{ length: outputs.length / count }}, (_, k) => {{
    const one = outputs.subarray(k * count, (k + 1) * count);
    return one.some(Number.isNaN) ? null : {place};
  }});
}}
"""


def javascript_module(
    texts: Mapping[str, str], interface: Interface, theta: Sequence[float], about: About | None = None
) -> str:
    """The text of the module; `texts` holds that of bind_NAME(n) for each function."""
    names = interface.names
    arguments = ", ".join([*names, *["at = theta"] * bool(theta)])
    parts = [_head(interface, list(texts))]
    if theta:
        numbers = wrapped(map(number, theta))
        parts.append(f"export const theta = new Float64Array([ // the parameters\n{numbers}\n]);\n")
    if about is not None:
        parts.append(_constants(about))
    inputs = [{"name": name, "shape": list(shape), "whole": integers}
              for name, shape, integers in zip(names, interface.shapes, interface.whole)]  # fmt: skip
    parts.append(f"const taken = {data(inputs)};\n")
    given = f"inputs(taken, {data(interface.batch)}, [{', '.join(names)}])"
    numbers = f"parameters(at, {len(theta)})" if theta else "null"
    for name in texts:
        parts.append(f"// {SAYS[name]}\nexport function {name}({arguments}) {{\n  const call = {given};\n"
                     f"  return {name}_for(call.n)({numbers}, ...call.arrays);\n}}\n")  # fmt: skip
    if about is not None:
        parts.append("export { value as predict };\n")
    if about is not None and about.classifies:
        parts.append(_predict_class(about, ", ".join([*names, *["at"] * bool(theta)]), interface.outputs))
    parts += texts.values()
    parts.append("".join([f"const {name}_for = kept(bind_{name});\n" for name in texts]))
    body = "\n".join(parts)
    helpers = needed_pieces(body, "primitives.js", "running.js")
    return "\n".join([body, "// --- what these need while they run\n", "\n\n".join(helpers), ""])


def _head(interface: Interface, functions: Sequence[str]) -> str:
    batch, outputs = interface.batch, interface.outputs
    said, given = interface.said(), ", ".join(interface.names)
    count = f"{'n' * batch}{' * ' * (batch and outputs is not None)}{outputs or ''}" or "one number"
    lines = [
        "A program that chainrule compiled from scalar code; it needs nothing else.",
        "",
        *textwrap.wrap(f"Shapes: {said}. An input is a typed array with one example after the other, or a "
                       "list, or a list of lists.", 116) * bool(said),
        "",
        f'import {{ {", ".join(functions)} }} from "./net.js";',
        f"value({given}) // {count if count == 'one number' else f'a Float64Array of {count} numbers'}",
        *["const [mean, gradient] = value_and_grad(" + given + ");"] * ("value_and_grad" in functions),
    ]  # fmt: skip
    return "".join([f"// {line}".rstrip() + "\n" for line in lines])


def _constants(about: About) -> str:
    """What users called things, as constants."""
    known = {
        "columns": list(about.columns), "classes": list(about.classes), "input_mean": list(about.mean),
        "input_scale": list(about.scale), "output_scaling": list(about.answer or ()),
    }  # fmt: skip
    says = {"columns": "the names of the inputs, in their order", "classes": "the names of the classes",
            "input_mean": "of the inputs, in the units of the table; the program scales them itself",
            "output_scaling": "the mean and the scale of what is predicted; the program scales it back"}  # fmt: skip
    return "".join([f"export const {name} = {data(found)};{f' // {says[name]}' if name in says else ''}\n"
                    for name, found in known.items() if found])  # fmt: skip


def _predict_class(about: About, given: str, outputs: int | None) -> str:
    place = "one.indexOf(Math.max(...one))" if outputs else f"one[0] > {number(about.threshold)} ? 1 : 0"
    place = f"classes[{place}]" if about.classes else place
    named = ", by its name" if about.classes else ""
    return CLASS.format(named=named, given=given, count=outputs or 1, place=place)
