"""Each rule of the array program applies where it should, and what it makes holds the same numbers."""

import numpy as np
import pytest

from chainrule.engine import OPS
from chainrule.engine.compiler.arrays.ir import Number, Rows, is_batched
from chainrule.engine.compiler.arrays.program import Program
from chainrule.engine.compiler.arrays.rules import RULES
from chainrule.engine.compiler.arrays.spec import check

N = 5


def value(operand, inputs):
    """The numbers of an operand, instruction by instruction in NumPy."""
    if isinstance(operand, Number):
        return np.float64(operand.number) * float(N) ** operand.power
    array = operand.array
    whole = inputs[array] if array in inputs else getattr(np, array.op)(*(value(a, inputs) for a in array.args))
    return whole[operand.start : operand.start + operand.step * operand.count : operand.step]


# For each word: what is written first, from two arrays, and then given to the rule; a rule may have several.
EXAMPLES = {
    "add": [
        lambda p, a, b: (a, a),
        lambda p, a, b: (a, p.ufunc("multiply", b, Number(-1.0))),
        lambda p, a, b: (p.ufunc("multiply", b, Number(-1.0)), a),
        lambda p, a, b: (Number(1.0), p.elementwise("multiply", p.ufunc("multiply", b, Number(-1.0)), a)),
        lambda p, a, b: (Number(2.0, -1), Number(3.0, -1)),
    ],
    "multiply": [
        lambda p, a, b: (a, a),
        lambda p, a, b: (p.ufunc("multiply", a, Number(3.0, -1)), Number(0.5)),
        lambda p, a, b: (Number(0.5), p.ufunc("multiply", a, Number(3.0))),
        lambda p, a, b: (Number(2.0, 1), Number(3.0, -2)),
        lambda p, a, b: (p.ufunc("multiply", a, Number(-1.0)), p.ufunc("multiply", b, Number(3.0, -1))),
        lambda p, a, b: (p.ufunc("multiply", a, Number(3.0)), p.ufunc("multiply", b, Number(-1.0))),
    ],
    "negative": [lambda p, a, b: (a,)],
    "positive": [lambda p, a, b: (a,)],
    "power": [lambda p, a, b: (a, Number(2.0))],
    "sign": [lambda p, a, b: (p.ufunc("maximum", a, Number(0.0)),)],
    "subtract": [lambda p, a, b: (a, p.ufunc("multiply", b, Number(-1.0)))],
}
CASES = [(word, i) for word in RULES for i in range(len(EXAMPLES.get(word, ())))]


@pytest.mark.parametrize(("word", "example"), CASES)
def test_a_rule_keeps_the_numbers(word, example):
    program, chance = Program(), np.random.default_rng(0)
    a, b = (program.write("input", (), 3, True, name, False) for name in "ab")
    inputs = {each.array: chance.normal(size=(3, N)) for each in (a, b)}
    given = EXAMPLES[word][example](program, a, b)
    made = program.ufunc(word, *given)
    assert not (isinstance(made, Rows) and made.array.op == word and made.array.args == given), "no rule was applied"
    expected = getattr(np, word)(*(value(x, inputs) for x in given))
    assert value(made, inputs) == pytest.approx(expected, rel=1e-15, abs=0.0)
    assert is_batched(made) == any(map(is_batched, given))
    check(program.code)


@pytest.mark.parametrize(("word", "place"), [(op.name, i) for op in OPS.values() for i in range(len(op.neutral))])
def test_a_neutral_number_leaves_no_instruction(word, place):
    program, neutral = Program(), OPS[word].neutral[place]
    a = program.write("input", (), 3, True, "a", False)
    number = Number(5.0 if neutral is None else neutral)
    made = program.ufunc(word, *((number, a) if place == 0 else (a, number)))
    assert (made == a) == (neutral is not None)


def test_no_rule_is_without_an_example():
    missing = RULES.keys() - EXAMPLES.keys()
    assert not missing, (
        f"add to EXAMPLES in {__name__.split('.')[-1]}.py what each of these rules applies to: {missing}"
    )
    assert EXAMPLES.keys() == RULES.keys()


@pytest.mark.parametrize("factors", [(1e-8, 1e8), (1e8, 1e-8), (1e-300, 1e300)])
def test_factors_that_may_overflow_are_not_multiplied_first(factors):
    program = Program()
    a = program.write("input", (), 2, True, "a", False)
    first = program.ufunc("multiply", a, Number(factors[0]))
    assert program.ufunc("multiply", first, Number(factors[1])).array.args == (first, Number(factors[1]))


def test_nothing_is_written_twice():
    program = Program()
    a = program.write("input", (), 2, True, "a", False)
    assert program.ufunc("exp", a) == program.ufunc("exp", a) and len(program.code) == 2
    numbers = [program.write("numbers", (), 1, False, (text,)) for text in ("0.0", "(-0.0)", "0.0")]
    assert numbers[0] == numbers[2] != numbers[1]
    assert program.ufunc("divide", a, Number(0.0)) != program.ufunc("divide", a, Number(-0.0))
