"""Programs saved as JavaScript give the numbers of the NumPy programs, in node and in a browser."""

import json
import re
from functools import partial

import numpy as np
import pytest
from eager import close, examples, run
from javascript import back, in_browser, in_node, needs_node, run_node
from mathematics import interval
from saved_programs import KINDS
from structures import Structure
from test_products import KINDS as ATTENTION
from test_products import WIDTH, attention, causal
from test_structures import FOUND, inputs_of

from chainrule import engine
from chainrule.engine import OPS, Op, Value, pick, sin
from chainrule.engine.compiler.emit.about import About


def calls_of(program, file, inputs):
    """What is asked of a saved program: every function, at the parameters and elsewhere."""
    latest = program._latest()
    calls = []
    for name in latest.names:
        calls.append((file, name, inputs))
        if len(program.parameters()):
            calls.append((file, name, [*inputs, program.parameters() + 0.25]))
    return calls


def wanted_of(program, calls, count):
    """What NumPy's program gives for these calls, each as flat lists."""
    for _, name, given in calls:
        at = given[count] if len(given) > count else None
        method = program if name == "value" else getattr(program, name)
        yield method(*given[:count], at=at)


def flat(found):
    if found is None:
        return []
    if isinstance(found, (tuple, list)):
        return [number for one in found for number in flat(one)]
    return np.ravel(found).tolist()


def sizes_of(runs, name):
    """The sums of the |terms| of what the function of that name gives; `runs` are those of eager code, by example."""
    if name == "value":
        return max(one.value_terms for one in runs)
    if name == "value_and_grad":
        return np.array([np.mean([r.value_terms for r in runs]), *np.mean([r.parameter_terms for r in runs], axis=0)])
    return max([float(np.max(size, initial=0.0)) for r in runs for size in r.input_terms], default=1.0)


def runs_of(f, parameters, inputs, batch, shift):
    """The examples in eager code, with each parameter moved by `shift`."""
    for parameter in parameters:
        parameter.data += shift
    runs = [run(f, parameters, example) for example in (examples(inputs) if batch else [inputs])]
    for parameter in parameters:
        parameter.data -= shift
    return runs


def assert_alike(cases, folder, ask=in_node):
    """Assert that the modules of these cases, each (f, parameters, inputs, batch), give what NumPy's programs give."""
    calls, wanted, sizes = [], [], []
    for i, (f, parameters, inputs, batch) in enumerate(cases):
        program = engine.compile(f, params=parameters, batch=batch)
        program(*inputs)
        program.save(folder / f"case{i}.mjs")
        asked = calls_of(program, f"case{i}.mjs", inputs)
        calls += asked
        wanted += list(wanted_of(program, asked, len(inputs)))
        runs = {moved: runs_of(f, parameters, inputs, batch, 0.25 * moved) for moved in (False, True)}
        sizes += [sizes_of(runs[len(given) > len(inputs)], name) for _, name, given in asked]
    for call, answer, expected, size in zip(calls, ask(folder, calls), wanted, sizes, strict=True):
        found, expected = flat(back(answer)), flat(expected)
        assert len(found) == len(expected), call[:2]
        assert close(found, np.array(expected), size).all(), (call[:2], found, expected)


@pytest.mark.slow
@needs_node
def test_saved_modules_give_the_numbers_of_numpy(tmp_path):
    assert_alike([kind(np.random.default_rng(0)) for kind in KINDS], tmp_path)


def rows_of_the_table():
    """A program for each row, on its whole domain: on arrays of examples, and scalar by scalar."""
    for op in [op for op in OPS.values() if not op.variadic]:
        chance = np.random.default_rng(0)
        x = np.array([chance.uniform(*interval(op, i), size=12) for i in range(op.arity)]).T
        yield (lambda x, op=op: op(*x)), [], (x,), True
        yield (lambda x, op=op: op(*x)), [], (x[0],), False


@needs_node
def test_every_row_of_the_table_in_javascript_gives_the_numbers_of_numpy(tmp_path):
    assert_alike(list(rows_of_the_table()), tmp_path)


def structures(seeds):
    for seed in seeds:
        f, chance = Structure(seed), np.random.default_rng(seed)
        how_many = seed % 3 + 1
        yield f, f.parameters, inputs_of(chance, how_many), True
    for seed in list(seeds)[::4]:
        f, chance = Structure(seed), np.random.default_rng(seed)
        yield f, f.parameters, examples(inputs_of(chance, 1))[0], False


@needs_node
@pytest.mark.parametrize("start", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 60, 12))])
def test_random_structures_in_javascript_give_the_numbers_of_numpy(start, tmp_path):
    assert_alike(structures(range(start, start + 12)), tmp_path)


@pytest.mark.slow
@needs_node
def test_attention_in_javascript_gives_the_numbers_of_numpy(tmp_path):
    chance = np.random.default_rng(0)
    cases = [(*attention(chance, **kind), (chance.normal(size=(2, 8, WIDTH)),), True) for kind in ATTENTION.values()]
    assert_alike(cases, tmp_path)


@needs_node
def test_what_a_position_does_not_see_does_not_matter_to_it_in_javascript(tmp_path):
    chance, losses = np.random.default_rng(4), []
    f, parameters = attention(chance, causal, out=lambda t, mixed: losses.append(sum(mixed)) or losses[-1])

    def outputs(sequence):
        losses.clear()
        f(sequence)
        return list(losses)

    given = chance.normal(size=(2, 6, WIDTH))
    program = saved(tmp_path, outputs, parameters, given)
    given[1, 5] = np.inf
    [answer] = in_node(tmp_path, [("net.mjs", "value", [given])])
    found, wanted = np.reshape(back(answer), (2, 6)), program(given)
    assert (np.isnan(found) == np.isnan(wanted)).all() and np.isfinite(found[1, :5]).all()
    assert np.abs(found - wanted)[np.isfinite(wanted)].max() < 1e-12


@needs_node
def test_structures_that_once_failed_give_the_numbers_of_numpy(tmp_path):
    assert_alike([(*kind(np.random.default_rng(0)), True) for kind in FOUND], tmp_path)


def test_saved_modules_give_the_numbers_of_numpy_in_a_browser(browser, tmp_path):
    cases = [kind(np.random.default_rng(0)) for kind in KINDS] + list(structures(range(12, 20)))
    assert_alike(cases, tmp_path, partial(in_browser, browser))


def orbit(steps):
    """Runge-Kutta of fourth order for a pendulum: a long chain, in which little runs in parallel."""
    gravity, friction = Value(2.0), Value(0.1)

    def slope(angle, speed):
        return speed, -gravity * sin(angle) - friction * speed

    def f(x):
        angle, speed, h = x, Value(0.0), 0.05
        for _ in range(steps):
            a1, s1 = slope(angle, speed)
            a2, s2 = slope(angle + a1 * (h / 2), speed + s1 * (h / 2))
            a3, s3 = slope(angle + a2 * (h / 2), speed + s2 * (h / 2))
            a4, s4 = slope(angle + a3 * h, speed + s3 * h)
            angle = angle + (a1 + a2 * 2.0 + a3 * 2.0 + a4) * (h / 6)
            speed = speed + (s1 + s2 * 2.0 + s3 * 2.0 + s4) * (h / 6)
        return angle * angle

    return f, [gravity, friction]


@pytest.mark.slow
@needs_node
def test_long_chains_run_scalar_by_scalar(tmp_path):
    f, parameters = orbit(30)
    assert_alike([(f, parameters, (np.array([0.3, 1.0, -2.0]),), True), (f, parameters, (0.7,), False)], tmp_path)
    assert "function value_and_grad_1(" in (tmp_path / "case1.mjs").read_text(encoding="utf-8")


def saved(folder, f, parameters, *inputs, about=None, **options):
    program = engine.compile(f, parameters, **options)
    program(*inputs)
    program.save(folder / "net.mjs", about=about)
    return program


def said(folder, *calls):
    """The errors of these calls of net.mjs, each (function, arguments)."""
    answers = in_node(folder, [("net.mjs", name, given) for name, given in calls])
    return [answer["error"] for answer in answers]


@needs_node
def test_calls_that_do_not_fit_are_refused_with_their_numbers(tmp_path):
    w = [Value(0.5), Value(1.0)]
    saved(tmp_path, lambda x, k: pick([x[0], x[1], w[0]], k) * w[1], w, np.ones((4, 2)), np.array([0, 1, 2, 0]))
    assert said(
        tmp_path,
        ("value", [[[1.0, 2.0, 3.0]], [0]]),
        ("value", [[1.0, 2.0, 3.0], [0]]),
        ("value", [[[1.0, 2.0]], [3]]),
        ("value", [[[1.0, 2.0]], [0.5]]),
        ("value", [[[1.0, 2.0], [1.0, 2.0]], [0, 1, 2]]),
        ("value", [[], []]),
        ("value", [[[1.0, 2.0]]]),
        ("value_and_grad", [[[1.0, 2.0]], [0], [1.0]]),
    ) == [
        "RangeError: one example of x has 3 numbers; this program takes 2",
        "RangeError: x holds 3 numbers; one example has 2",
        "RangeError: index 3 is out of range: pick has 3 values (indices 0 to 2)",
        "TypeError: y holds 0.5; this program takes whole numbers there",
        "RangeError: the inputs have 2 and 3 examples; all need the same number",
        "RangeError: the batch is empty: the inputs have 0 examples, and at least 1 is needed",
        "TypeError: y is missing: write x, y",
        "RangeError: theta has 1 numbers; it needs 2, one for each parameter",
    ]


@needs_node
def test_inputs_may_be_lists_lists_of_lists_typed_arrays_or_one_number_for_all(tmp_path):
    w = Value(0.5)
    saved(tmp_path, lambda x, t: (x[0] - x[1] * w) * t, [w], np.ones((2, 2)), np.ones(2))
    ask = """
        import { value, theta } from "./net.mjs";
        const rows = [[1, 2], [3, 4], [5, 6]], flat = rows.flat();
        const ways = [rows, flat, Float64Array.from(flat), Float32Array.from(flat), BigInt64Array.from(flat, BigInt),
          rows.map((row) => Float64Array.from(row))];
        const found = ways.flatMap((x) => [value(x, 2), value(x, [2, 2, 2], theta)]);
        console.log(JSON.stringify([...new Set(found.map((one) => one.join()))]));
    """
    (tmp_path / "ask.mjs").write_text(ask, encoding="utf-8")
    assert run_node(tmp_path, "ask.mjs") == '["0,2,4"]'


HOSTILE = ["</script><script>alert(1)</script>", 'a"b\\', "`${1}`", "\u2028", "\n*/", "🙂", "עברית"]


@needs_node
def test_hostile_names_stay_texts(tmp_path):
    w = [Value(0.5), Value(1.0)]
    about = About(columns=HOSTILE, classes=HOSTILE[:2], mean=[1.0], scale=[2.0], answer=(0.0, 1.0), classifies=True)
    saved(tmp_path, lambda x: [x[0] * w[0], x[1] * w[1]], w, np.ones((4, 7)), about=about)
    text = (tmp_path / "net.mjs").read_text(encoding="utf-8")
    assert "<" + "/script" not in text and text.isascii()
    ask = """
        import * as net from "./net.mjs";
        console.log(JSON.stringify([net.columns, net.classes, net.predict_class([9, 1, 0, 0, 0, 0, 0])]));
    """
    (tmp_path / "ask.mjs").write_text(ask, encoding="utf-8")
    assert json.loads(run_node(tmp_path, "ask.mjs")) == [HOSTILE, HOSTILE[:2], [HOSTILE[0]]]


@needs_node
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("classes", [[], ["no", "yes"]])
def test_an_output_that_is_nan_is_no_class(outputs, classes, tmp_path):
    w = Value(2.0)
    saved(tmp_path, lambda x: [w * x, 1.0 - x] if outputs > 1 else w * x, [w], np.ones(2),
          about=About(classes=classes, classifies=True))  # fmt: skip
    [found] = in_node(tmp_path, [("net.mjs", "predict_class", [[-1.0, np.nan, 1.0]])])
    below, above = (0, 1) if outputs == 1 else (1, 0)
    assert found == [classes[below] if classes else below, None, classes[above] if classes else above]


def test_labels_never_reach_the_module(tmp_path):
    w = Value(0.5, label="*/ alert(1)")
    saved(tmp_path, lambda x: (w * x).tanh(), [w], np.ones(2))
    assert "alert" not in (tmp_path / "net.mjs").read_text(encoding="utf-8")


def test_an_operation_without_a_spelling_and_another_ending_are_named(tmp_path):
    odd = Op(name="odd", forward=lambda a: a, partials=(lambda out, a: 1.0,), numpy="np.i0({0}) * 0.0 + {0}")
    program = engine.compile(lambda x: odd(x) + 1.0)
    program(np.ones(2))
    program.save(tmp_path / "net.py")
    for ending, what in (
        (".js", r"the operation odd has no spelling.*np\.i0"),
        (".txt", r"'.*net.txt' is none of \.py"),
    ):
        with pytest.raises(ValueError, match=what):
            program.save(tmp_path / f"net{ending}")
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]


def test_every_name_in_a_module_is_defined_once(tmp_path):
    for number, (f, parameters, inputs, batch) in enumerate(structures(range(30, 36))):
        program = engine.compile(f, params=parameters, batch=batch)
        program(*inputs)
        program.save(tmp_path / f"{number}.js")
        text = (tmp_path / f"{number}.js").read_text(encoding="utf-8")
        top = re.findall(r"^(?:export )?(?:const|function) (\w+)", text, re.MULTILINE)
        assert len(top) == len(set(top))
