"""In a browser, the machine of the live page computes what Python computes: each row of the table, and programs."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import OPS, Op, Value
from chainrule.engine.compiler.emit.javascript import as_object
from chainrule.engine.compiler.expression import PRIMITIVES, NoExpression, expression
from chainrule.viz.common.page import asset

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from mathematics import call, differentiable, everyday_sample, random_points, terms

EPS = 2.0**-52
READ = """
  const read = (x) => Array.isArray(x) ? x.map(read) : typeof x === "string" ? Number(x) : x;
  const plain = (t) => ({...t, arguments: Int32Array.from(t.arguments), starts: Int32Array.from(t.starts),
                         numbers: t.numbers.map(read)});
  const tell = (x) => Array.from(x, (y) => Number.isFinite(y) ? (Object.is(y, -0) ? "-0" : y) : String(y));
"""


def told(number):
    """A number as JSON can carry it: what JSON does not have goes as text."""
    return number if math.isfinite(number) else str(number).replace("inf", "Infinity").replace("nan", "NaN")


def plain(tape):
    return {"inputs": tape.inputs, "parameters": tape.parameters, "operations": tape.operations, "starts": tape.starts,
            "rows": [[row.name, row.expression] for row in tape.rows], "arguments": tape.arguments,
            "numbers": [told(number) for number in tape.numbers], "results": tape.results}  # fmt: skip


def in_browser(browser, script, *arguments):
    browser.get("data:text/html,<title>machine</title>")
    source = "return (() => {" + as_object("Primitive") + asset("live", "machine.js") + READ + script + "})()"
    return browser.execute_script(source, *arguments)


def numbers(found):
    return [float(str(one).replace("Infinity", "inf")) for one in found]


def test_every_row_is_made_of_primitives_that_the_page_has(browser):
    used = set()

    def look(tree):
        if isinstance(tree, tuple):
            used.add(tree[0])
            for one in tree[1:]:
                look(one)

    for op in OPS.values():
        look(expression(op))
    known = set(in_browser(browser, "return PRIMITIVES"))
    assert used <= set(PRIMITIVES) <= known


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_each_row_has_python_s_values_and_slopes_in_the_page(browser, op):
    random, points = Random(op.name), {}
    for point in [*everyday_sample(op, 40), *random_points(op, random, 60)]:
        points.setdefault(len(point), []).append(point)
    for length, several in points.items():
        slopes = list(differentiable(op, several[0]))
        leaves = [Value(x) for x in several[0]]
        index = [float(x[-1]) for x in several] if op.name == "pick" else None
        params = leaves[:-1] if index else leaves

        def row(x, params=params, index=index):
            return op([*params], x) if index else call(op, params, wrap=lambda one: one) + 0.0 * x

        program = cr.compile(row, params)
        tape = program.tape("value_and_grad", np.array(index, int) if index else np.zeros(1))
        script = """
          const tape = plain(arguments[0]), machine = new Machine(tape, tape.results);
          return arguments[1].map(([x, theta]) => tell(machine.one([read(x)], read(theta))));"""
        given = [[index[i] if index else 0.0, list(map(told, point[:-1] if index else point))]
                 for i, point in enumerate(several)]  # fmt: skip
        for point, found in zip(several, in_browser(browser, script, plain(tape), given)):
            values = [Value(x) for x in (point[:-1] if index else point)]
            out = op(values, int(point[-1])) if index else call(op, values, wrap=lambda one: one)
            out.backward()
            scale = max(1.0, math.fsum(abs(a) for a in point) if op.variadic else 1.0)
            if op.name == "dot":
                scale = max(1.0, math.fsum(abs(a * b) for a, b in zip(point, point[length // 2 :])))
            if op.name in ("digamma", "lgamma"):
                scale = op.ulp / 4.0 * float(terms(op, point))
            wanted = [out.data, *(values[i].grad for i in slopes)]
            for want, got in zip(wanted, numbers(found)):
                if math.isfinite(want):
                    bound = 4.0 * EPS * max(scale, abs(want))
                    assert abs(got - want) <= bound, (op.name, point, want, got)
                else:
                    assert got == want or got != got or math.isinf(got), (op.name, point, want, got)


def test_a_row_with_a_spelling_of_its_own_is_refused_by_name():
    odd = Op(name="odd", forward=lambda a: a, partials=(lambda out, a: 1.0,), numpy="np.i0({})")
    with pytest.raises(NoExpression, match=r"the operation odd has no spelling.*np\.i0.*np\.where"):
        expression(odd)


def test_a_spelling_with_a_keyword_is_refused():
    odd = Op(name="odd", forward=lambda a: a, partials=(lambda out, a: 1.0,), numpy="np.exp({}, dtype=np.float32)")
    with pytest.raises(NoExpression, match="dtype"):
        expression(odd)


def test_infinity_and_nan_in_a_spelling_reach_the_page(browser):
    odd = Op(name="odd", forward=lambda a: a, partials=(lambda out, a: 1.0,),
             numpy="np.where({0} > 1.0, -np.inf, np.where({0} > 0.0, 1e999, np.nan))")  # fmt: skip
    tape = {"inputs": 1, "parameters": 0, "operations": [0], "starts": [0, 1], "arguments": [0], "numbers": [],
            "rows": [["odd", expression(odd)]], "results": [1]}  # fmt: skip
    json.dumps(tape, allow_nan=False)
    script = """
      const tape = plain(arguments[0]), machine = new Machine(tape, tape.results);
      return [2, 0.5, -1].map((x) => String(machine.one([x], [])[0]));"""
    assert in_browser(browser, script, tape) == ["-Infinity", "Infinity", "NaN"]


SEEDS = [seed if seed < 4 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(20)]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_models_have_python_s_loss_and_gradient_in_the_page(browser, seed):
    random = Random(seed)
    nin, hidden = random.randint(1, 5), [random.randint(1, 7) for _ in range(random.randint(0, 3))]
    classes = random.choice([1, 1, 2, 3])
    activation = random.choice(["tanh", "relu", "sigmoid", "gelu", "silu", "softplus", "elu", "leaky_relu"])
    model = cr.MLP(nin, [*hidden, classes], activation=activation, rng=seed)
    data = np.random.default_rng(seed)
    X = data.normal(size=(70, nin))
    y = data.normal(size=70) if classes == 1 else data.integers(0, classes, size=70)
    loss = cr.mse if classes == 1 else cr.cross_entropy
    program = cr.compile(lambda x, t: loss(model(x), t), model.parameters())
    value, gradient = program.value_and_grad(X, y)
    tape = program.tape("value_and_grad")
    script = """
      const tape = plain(arguments[0]), machine = new Machine(tape, tape.results);
      const into = new Float64Array(tape.results.length);
      return tell(machine.means(Float64Array.from(arguments[1]), arguments[2], null, arguments[3], into));"""
    rows = np.column_stack([X, y]).ravel().tolist()
    found = numbers(in_browser(browser, script, plain(tape), rows, program.parameters().tolist(), len(X)))
    terms = np.abs(program.per_example(X, y)).mean(axis=0)
    assert abs(found[0] - value) <= 1e-12 * max(1.0, abs(value))
    assert (np.abs(np.array(found[1:]) - gradient) <= 1e-12 * np.maximum(1.0, terms)).all()


def test_the_steps_of_a_tape_are_the_chain_rule_and_end_at_the_gradient(browser):
    model = cr.MLP(2, [3, 2], activation="tanh", rng=1)
    program = cr.compile(lambda x, t: cr.cross_entropy(model(x), t), model.parameters())
    X, y = np.array([[0.3, -0.7]]), np.array([1])
    tape = program.tape("steps", X, y)
    script = """
      const tape = plain(arguments[0]), flat = arguments[1].flat();
      const machine = new Machine(tape, [...flat, ...tape.results], { keep: true, block: 1 });
      return tell(machine.one(arguments[2], arguments[3]));"""
    steps = [list(step[3:]) for step in tape.steps]
    found = numbers(in_browser(browser, script, plain(tape), steps, [0.3, -0.7, 1.0], program.parameters().tolist()))
    told_steps, results = np.array(found[: 5 * len(steps)]).reshape(-1, 5), found[5 * len(steps) :]
    grads = {tape.results[-1]: 1.0}
    for step, (local, upstream, passed, before, after) in zip(tape.steps, told_steps):
        assert upstream == grads[step.giver] and before == grads.get(step.receiver, 0.0)
        assert passed == pytest.approx(local * upstream, rel=1e-15) and after == before + passed
        grads[step.receiver] = after
    _, gradient = program.value_and_grad(X, y)
    assert [grads.get(3 + k, 0.0) for k in range(len(gradient))] == pytest.approx(gradient.tolist(), abs=1e-14)
    assert results[1:-1] == pytest.approx(gradient.tolist(), abs=1e-14)
