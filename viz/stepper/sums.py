"""The gradients as sums in LaTeX: for each value, its local derivatives times the upstream gradients."""

from __future__ import annotations

from collections.abc import Sequence

from ..common.formulas import DIGITS, agrees, in_brackets, product, read
from ..common.text import short
from .chain_rule import Application
from .chains import Chains, factors
from .latex import cell, formula_as_latex, name_as_latex, number_as_latex
from .local_derivatives import local_texts
from .narration import Narrator


def sums_as_latex(narrator: Narrator, applied: Sequence[Application]) -> str:
    """For each value from the result back: ∂root/∂value = the sum of local derivative × upstream gradient."""
    root = len(narrator.order) - 1
    lines = [rf"{_partial(narrator, root)} &= 1"] if narrator.order[root].requires_grad else []
    into: dict[int, list[Application]] = {}
    for step in applied:
        into.setdefault(step.receiver, []).append(step)
    complete = sorted(into, reverse=True)  # arguments come after their results
    formulas = _Formulas(narrator)
    for receiver in complete:
        steps = into[receiver]
        symbols = [rf"{formulas.of(step)} \cdot {_partial(narrator, step.giver)}" for step in steps]
        numbers, sign = _numbers(steps)
        result = number_as_latex(short(steps[-1].after))
        lines.append(rf"{_partial(narrator, receiver)} &= {' + '.join(symbols)} {sign} {numbers} {sign} {result}")
    return _aligned(lines)


def chain_as_latex(narrator: Narrator, found: Chains, start: int) -> str:
    """∂root/∂value as the sum of the products along the strongest ways; each factor is a local derivative."""
    root, formulas = len(narrator.order) - 1, _Formulas(narrator)
    left = rf"\frac{{\partial {_name(narrator, root)}}}{{\partial {_name(narrator, start)}}}"
    if start == root:
        return _aligned([f"{left} &= 1"])
    symbols = [r" \cdot ".join([formulas.of(step) for step in path.steps]) for path in found.paths]
    written = [factors(path) for path in found.paths]
    numbers = _terms([r" \cdot ".join(map(number_as_latex, texts)) for texts, _, _ in written])
    more = r" + \dots" if found.count > len(found.paths) else ""
    sign = "=" if all(sign == "=" for _, sign, _ in written) and not more else r"\approx"
    if len(written) > 1:
        products = [short(path.product) for path in found.paths]
        if not agrees(sum(map(read, products)), found.gradient):
            sign = r"\approx"
    return _aligned(
        [
            f"{left} &= {' + '.join(symbols)}{more}",
            f"&{sign} {' + '.join(numbers)}{more}",
            f"&{sign} {number_as_latex(short(found.gradient))}",
        ]
    )


class _Formulas:
    """The local derivatives as formulas in names; a number where the table has no formula."""

    def __init__(self, narrator: Narrator) -> None:
        self.narrator = narrator
        self._known: dict[int, list[str]] = {}

    def of(self, step: Application) -> str:
        if step.giver not in self._known:
            self._known[step.giver] = self._written(step.giver)
        return self._known[step.giver][step.argument]

    def _written(self, giver: int) -> list[str]:
        narrator = self.narrator
        value = narrator.order[giver]
        places = [narrator.number[id(parent)] for parent in value._prev]
        texts = local_texts(value, cell(giver), [cell(place) for place in places], narrator.found.changed[giver])
        found = []
        for text, local in zip(texts, value._local_grads):
            formula = formula_as_latex(text.formula, narrator.names) if text.formula else number_as_latex(short(local))
            needs_brackets = (text.formula and any(sign in formula for sign in "+-/")) or formula.startswith("-")
            found.append(rf"\left({formula}\right)" if needs_brackets else formula)
        return found


def _numbers(steps: Sequence[Application]) -> tuple[str, str]:
    """The sum in numbers, and = or ≈ around it."""
    result = steps[-1].after
    for digits in DIGITS:
        pairs = [[short(step.local, digits), short(step.upstream, digits)] for step in steps]
        taken = [pair for pair, step in zip(pairs, steps) if not step.is_left_out]
        if holds := agrees(sum(read(one) * read(other) for one, other in taken), result):
            break
    else:
        pairs = [product(None, step.local, step.upstream, step.passed)[0][1:] for step in steps]
    terms = [rf"{number_as_latex(one)} \cdot {number_as_latex(in_brackets(other))}" for one, other in pairs]
    return " + ".join(_terms(terms)), "=" if holds else r"\approx"


def _terms(terms: Sequence[str]) -> list[str]:
    """The terms of a sum: all but the first in brackets if a minus sign begins them."""
    return [rf"\left({term}\right)" if place and term.startswith("-") else term for place, term in enumerate(terms)]


def _name(narrator: Narrator, index: int) -> str:
    return name_as_latex(narrator.names[index])


def _partial(narrator: Narrator, index: int) -> str:
    return rf"\frac{{\partial {_name(narrator, len(narrator.order) - 1)}}}{{\partial {_name(narrator, index)}}}"


def _aligned(lines: Sequence[str]) -> str:
    joined = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"
