"""Tracing: code that cannot be traced is an error that names the place; the texts and pickles of traced programs."""

import math
import pickle
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import engine
from chainrule.engine import TraceError, Value, atan2, exp, log, no_grad, pick, step, tanh, where
from chainrule.nn import MLP, cross_entropy

HERE = Path(__file__).name
X = np.array([1.0, 2.0, 3.0])


def first_line(f):
    return f.__code__.co_firstlineno


# --- reading numbers

READS = {
    "if x.data > 0": lambda x: x if x.data > 0 else -x,
    "max of data": lambda x: x * max(v.data for v in [x, x + 1]),
    "int": lambda x: x * int(x),
    "float": lambda x: x * float(x),
    "bool": lambda x: x if x else -x,
    "<": lambda x: x if x < 2 else -x,
    "<=": lambda x: x if x <= 2 else -x,
    ">": lambda x: x if x < 2 else -x,
    ">= of what is computed": lambda x: x if tanh(x) >= x * x else -x,
    "max": lambda x: max(x, x * x),
    "sorted": lambda x: sorted([x, -x])[0],
    "format": lambda x: x * float(f"{x:.3f}"),
    "math": lambda x: x * math.exp(x),
    "an array of floats": lambda x: x * np.array([x], dtype=float)[0],
    "NumPy's maximum of an array": lambda x: np.maximum(np.array([x]), 0.0)[0],
    "detach": lambda x: x * x.detach(),
}


@pytest.mark.parametrize("f", READS.values(), ids=list(READS))
@pytest.mark.parametrize("of", ["input", "parameter"])
def test_reading_a_number_is_an_error_that_names_the_place(f, of):
    w = Value(1.5, label="weight")
    program = engine.compile(f) if of == "input" else engine.compile(lambda x: f(w) * x, params=[w])
    with pytest.raises(TraceError, match=rf"{HERE}:{first_line(f)}: the number of .* was read.*where") as caught:
        program(X)
    assert 'frozen="allow"' in str(caught.value)
    assert type(w) is Value and w.data == 1.5


def test_the_error_about_a_number_that_was_read_names_the_value():
    w = Value(1.0, label="weight")
    functions = [
        (lambda x: x if w > 0 else -x, "weight"),
        (lambda x: x if tanh(x) > 0 else -x, "the result of tanh(x0)"),
    ]
    for f, name in functions:
        with pytest.raises(TraceError, match=re.escape(f"the number of {name} was read")):
            engine.compile(f, params=[w])(X)


def test_the_place_may_be_in_a_file_whose_name_begins_like_the_engine():
    beside = str(Path(engine.__file__).resolve().parent) + "_of_mine.py"
    names = {}
    exec(compile("def f(x):\n    return x if x > 0 else -x\n", beside, "exec"), names)
    with pytest.raises(TraceError, match=r"engine_of_mine.py:2: "):
        engine.compile(names["f"])(X)


def test_for_code_inside_numpy_the_error_names_the_line_that_called_it():
    def f(x):
        return np.max(x)

    with pytest.raises(TraceError, match=rf"{HERE}:{first_line(f) + 1}: the number"):
        engine.compile(f)(np.ones((2, 3)))


def test_frozen_allow_lists_the_numbers_that_were_read():
    def f(x):
        if x.data > 0:
            return x * 2
        return -x

    program = engine.compile(f, frozen="allow")
    assert program(X).tolist() == [2.0, 4.0, 6.0]
    [frozen] = program.frozen
    assert (Path(frozen.file).name, frozen.line) == (HERE, first_line(f) + 1)
    assert frozen.read == "the number of x0 was read" and f"{HERE}:{frozen.line}: the number" in str(frozen)


def test_a_program_that_reads_no_number_lists_nothing_as_frozen():
    program = engine.compile(lambda x: x * x, frozen="allow")
    program(X)
    assert program.frozen == []


def test_numbers_of_constants_may_be_read():
    rate = Value(0.5)
    assert engine.compile(lambda x: x * 2 if rate.data < 1 else x)(X).tolist() == [2.0, 4.0, 6.0]


def test_a_branch_that_differs_between_examples_is_an_error_even_with_frozen_allow():
    program = engine.compile(lambda x: x * 2 if x.data > 0 else -x, frozen="allow")
    with pytest.raises(ValueError, match=r"example 0 and example 1 give different programs: .*branch.*where\(\)"):
        program(np.array([1.0, -1.0]))


def test_a_random_number_in_the_function_is_an_error():
    chance = random.Random(0)
    with pytest.raises(ValueError, match=r"example 0 and example 1 .*random number.*hand random numbers in as inputs"):
        engine.compile(lambda x: x * chance.random())(X)


def test_the_error_shows_the_difference_with_the_names_of_inputs_and_parameters():
    chance = random.Random(0)
    said = r"multiply\(x0, 0\.\d+\) against multiply\(x0, 0\.\d+\)"
    with pytest.raises(ValueError, match=said):
        engine.compile(lambda x: tanh(x * chance.random()))(X)


def test_outputs_that_differ_from_run_to_run_are_an_error():
    chance = random.Random(0)
    with pytest.raises(ValueError, match="example 0 and example 1 give different outputs"):
        engine.compile(lambda x: chance.random())(X)


@pytest.mark.parametrize("batch", [True, False])
def test_a_random_number_is_an_error_with_one_example_too(batch):
    chance = random.Random(0)
    program = engine.compile(lambda x: x * chance.random(), batch=batch)
    with pytest.raises(ValueError, match=r"two runs on example 0 give different programs.*random number"):
        program(np.ones(1) if batch else 1.0)


def test_a_frozen_branch_is_an_error_at_the_first_call_with_examples_that_differ():
    program = engine.compile(lambda x: x * 2 if x > 1.5 else x * 3, frozen="allow")
    assert program(np.ones(1)).tolist() == [3.0]
    with pytest.raises(ValueError, match=r"example 0 and example 1 give different programs: .*branch"):
        program(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"another batch and this one give different programs: .*branch"):
        program(np.array([2.0, 2.0]))


# --- code that a trace cannot record

SQUARES = engine.compile(lambda x: x * x)
FORBIDDEN = {
    "backward": (lambda x: (x * x).backward(), r"backward\(\) was called.*gradients\(y, xs\)"),
    "no_grad": (no_grad()(lambda x: x * x), r"multiply was called inside no_grad\(\), where .*; take no_grad\(\) out"),
    "indexing a list": (lambda x: [x, x][x], r"a list was indexed by a traced number.*; write pick\(values, index\)"),
    "indexing a tuple of numbers": (lambda x: (1.0, 2.0)[x], r"pick\(values, index\)"),
    "indexing an array": (lambda x: np.array([1.0, 2.0])[x], r"pick\(values, index\), or Table\(rows\)\[index\]"),
    "looking up in a dictionary": (lambda x: {0: 1.0}.get(x, 2.0), r"x0 was looked up in a dictionary.*pick.*Table"),
    "looking up in a set": (lambda x: x if x in {0, 1} else -x, r"x0 was looked up in a dictionary or a set.*pick"),
    "reading a gradient": (lambda x: x * x.grad, r"\.grad was read: .*use gradients\(y, xs\)"),
    "refresh": (lambda x: (x * x).refresh(), r"refresh\(\) was called: .* nothing is out of date"),
    "range": (
        lambda x: sum(x for _ in range(x)),
        r"counted by it, as in range\(k\); .*where\(step\(k - i\), a, 0\.0\)",
    ),
    "a program": (lambda x: SQUARES(x) * x, "a program was called, .* call the function that it was compiled from"),
}


@pytest.mark.parametrize(("f", "said"), FORBIDDEN.values(), ids=list(FORBIDDEN))
@pytest.mark.parametrize("frozen", ["error", "allow"])
def test_code_that_cannot_be_recorded_is_an_error_that_names_the_place(f, said, frozen):
    with pytest.raises(TraceError, match=rf"\.py:\d+: .*{said}|\.py:\d+: {said}"):
        engine.compile(f, frozen=frozen)(np.array([0, 1]))


@pytest.mark.parametrize("frozen", ["error", "allow"])
def test_changing_data_in_a_traced_function_is_an_error(frozen):
    w = Value(1.0)

    def f(x):
        w.data += 0.1
        return w * x

    with pytest.raises(TraceError, match=rf"{HERE}:{first_line(f) + 1}: .*was (read|written)"):
        engine.compile(f, params=[w], frozen=frozen)(X)
    assert w.data == 1.0 and type(w) is Value


def test_a_hand_made_node_in_a_traced_function_is_an_error():
    def f(x):
        out = Value(2.0, (x,), "mine")
        out._backward = lambda: None
        return out * x

    with pytest.raises(TypeError, match="hand-written _backward; add a row"):
        engine.compile(f)(X)


def test_parameters_keep_their_class_and_numbers_when_the_function_raises():
    class Weight(Value):
        pass

    parameters = [Value(1.0), Weight(2.0)]

    def f(x):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        engine.compile(f, params=parameters)(X)
    assert [type(p) for p in parameters] == [Value, Weight] and [p.data for p in parameters] == [1.0, 2.0]
    assert (parameters[0] * 2 > 1) and engine.gradients(parameters[0] * 3, parameters)[0].data == 3.0


def test_a_parameter_of_a_users_own_class_keeps_its_class():
    class Weight(Value):
        pass

    w = Weight(3.0)
    assert engine.compile(lambda x: w * x, params=[w]).value_and_grad(X)[1].tolist() == [2.0]
    assert type(w) is Weight and type(w * 2) is Weight


# --- the text of a program

HOSTILE = ['"; raise SystemExit #', "'''", "\n    raise SystemExit", "{0}", "{x.__class__}", "\\", "open('x')", "x"]


@pytest.mark.parametrize("label", HOSTILE)
@pytest.mark.parametrize("batch", [True, False])
def test_labels_never_reach_the_source(label, batch):
    w, c = Value(2.0, label=label), Value(3.0, label=label)

    def f(x):
        y = w * x + exp(c * x)
        y.label = label
        return y.tanh()

    named, plain = (engine.compile(f, params=[w], batch=batch) for _ in range(2))
    assert np.all(named(X if batch else 1.0) == named(X if batch else 1.0))
    w.label = c.label = ""
    label_before, label = label, ""
    plain(X if batch else 1.0)
    assert named.source == plain.source
    assert any(label_before in node for line in named.instructions for node in line.nodes)


def test_the_source_is_the_python_that_runs():
    model = MLP(2, [3, 1], rng=0)
    program = engine.compile(lambda x: model(x), params=model)
    program(np.ones((2, 2)))
    compile(program.source, "source", "exec")
    assert "def " in program.source and all(str(line) and line.text for line in program.instructions)


NUMBERS = {
    "a negative base": (lambda x: (-2.0) ** x, lambda x: (-2.0) ** x),
    "a negative number taken away": (lambda x: x - (-3.0), lambda x: x + 3.0),
    "minus times minus": (lambda x: -1.0 * (-2.0 * (x * -1.0)), lambda x: -2.0 * x),
    "a negative exponent": (lambda x: x**-2, lambda x: x**-2.0),
    "inf": (lambda x: where(x - 2.5, float("inf"), 1.0) * x, lambda x: np.inf),
    "minus inf": (lambda x: -float("inf") - x, lambda x: -np.inf),
    "nan": (lambda x: x * float("nan"), lambda x: np.nan),
    "tiny and huge": (lambda x: x * 5e-324 + x * -1e300 * 1e-300, lambda x: -x),
    "minus zero": (lambda x: atan2(x * 0.0, -0.0), lambda x: np.pi),
}


@pytest.mark.parametrize(("f", "meant"), NUMBERS.values(), ids=list(NUMBERS))
def test_numbers_in_a_program_are_spelled_exactly(f, meant):
    for x in (1.0, 2.0, 3.0):
        wanted = pytest.approx(float(meant(x)), rel=1e-15, nan_ok=True)
        assert engine.compile(f, batch=False)(x) == wanted
        assert engine.compile(f)(np.array([x, x])).tolist() == [wanted, wanted]


@pytest.mark.parametrize("batch", [True, False])
def test_a_negative_number_stands_in_brackets_in_a_users_own_spelling(batch):
    raised = engine.Op(
        name="raised", forward=lambda a, b: a**b, numpy="{} ** {}", partials=(lambda out, a, b: 0.0,) * 2
    )  # fmt: skip
    program = engine.compile(lambda x: raised(-2.0, x), batch=batch)
    assert np.all(program(np.array([2.0, 2.0]) if batch else 2.0) == 4.0)


@pytest.mark.parametrize("batch", [True, False])
def test_source_before_the_first_call_is_an_error(batch):
    program = engine.compile(lambda x: x, batch=batch)
    for name in ("source", "instructions", "frozen", "constants"):
        with pytest.raises(ValueError, match="nothing is traced yet: call the program once"):
            getattr(program, name)


# --- pickling

ELSEWHERE = """
import pickle, sys
import numpy as np
program = pickle.load(sys.stdin.buffer)
x, y = np.arange(12.0).reshape(4, 3) / 10.0, np.array([0, 1, 1, 0])
results = [program(x, y), *program.value_and_grad(x, y), program.per_example(x, y), program.input_gradients(x, y)[0]]
sys.stdout.buffer.write(pickle.dumps(results))
"""


def test_a_pickled_program_runs_in_another_process():
    model = MLP(3, [4, 2], activation="tanh", rng=0)
    scale = Value(1.5, label="a constant's name")
    program = engine.compile(lambda x, y: scale * cross_entropy(model(x), y), params=model)
    x, y = np.arange(12.0).reshape(4, 3) / 10.0, np.array([0, 1, 1, 0])
    program(x, y)  # so far only values were computed; gradients have to work in the other process, too
    folder = Path(chainrule.__file__).resolve().parents[1]
    given = pickle.dumps(program)
    run = subprocess.run([sys.executable, "-c", ELSEWHERE], input=given, capture_output=True, cwd=folder, check=False)
    assert run.returncode == 0, run.stderr.decode()
    there = pickle.loads(run.stdout)
    here = [program(x, y), *program.value_and_grad(x, y), program.per_example(x, y), program.input_gradients(x, y)[0]]
    assert all(np.array_equal(a, b) for a, b in zip(there, here, strict=True))


@pytest.mark.parametrize("batch", [True, False])
def test_a_pickled_program_gives_the_same_results(batch):
    w = Value(2.0, label="w")
    program = engine.compile(lambda x: pick([log(w * x), w * x], 0) + 1.0, params=[w], batch=batch)
    x = X if batch else 1.0
    program(x)
    again = pickle.loads(pickle.dumps(program))
    assert again.source == program.source and list(map(str, again.instructions)) == list(map(str, program.instructions))
    assert np.all(again(x) == program(x)) and again.parameters().tolist() == [2.0]
    assert np.all(again.per_example(x) == program.per_example(x))
    again.assign([7.0])
    assert w.data == 2.0 and np.all(again(x) == program(x, at=[7.0]))
    if not batch:
        assert again(0.0) == -math.inf  # Python's log raises here


def test_the_error_of_a_pickled_program_names_shapes_that_were_not_traced():
    program = engine.compile(lambda x: x * x)
    program(X)
    again = pickle.loads(pickle.dumps(program))
    assert again(X[:2]).tolist() == [1.0, 4.0]
    with pytest.raises(ValueError, match=r"shapes \[\(3,\)\] were not traced before this program was pickled"):
        again(np.ones((2, 3)))


# --- errors about the arguments of compile and of programs

W = Value(2.0)


@pytest.mark.parametrize("name", ["value_and_grad", "per_example"])
def test_the_error_about_gradients_without_parameters_names_input_gradients(name):
    with pytest.raises(ValueError, match=rf"{name} .*params=\(\).*use input_gradients"):
        getattr(engine.compile(lambda x: x * x), name)(X)


def test_frozen_takes_error_and_allow():
    with pytest.raises(ValueError, match=r"frozen='maybe' is not one of \"error\", \"allow\""):
        engine.compile(lambda x: x, frozen="maybe")


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ([W * 2], TypeError, r"parameter 0 is Value\(data=4.0, .*, which was computed; list the Values"),
        ([W, 3.0], TypeError, r"parameter 1 is 3.0, not a Value; params is a flat list"),
        ([[W]], TypeError, r"parameter 0 is \[Value.*, not a Value; params is a flat list"),
        ([W, Value(1.0), W], ValueError, "listed twice; list tied weights once"),
    ],
)
def test_parameters_must_be_leaves_and_each_given_once(params, error, said):
    with pytest.raises(error, match=said):
        engine.compile(lambda x: W * x, params=params)


@pytest.mark.parametrize("theta", [[], [1.0, 2.0], 1.0, [[1.0]]], ids=str)
@pytest.mark.parametrize("name", ["__call__", "value_and_grad", "per_example", "input_gradients"])
def test_theta_needs_a_number_for_each_parameter(name, theta):
    program = engine.compile(lambda x: W * x, params=[W])
    with pytest.raises(ValueError, match=rf"theta has shape \({'.*'}\); it needs shape \(1,\), a number for each"):
        getattr(program, name)(X, at=theta)
    with pytest.raises(ValueError, match="theta has shape"):
        program.assign(theta)
    assert W.data == 2.0


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([1.0, 2.0], dtype=object), r"input 1 has dtype object; .* write x.astype\(float\)"),
        (np.array([Value(1.0), Value(2.0)]), r"an array of object: row 0 of input 1 holds Value\(.*give its .data"),
        (np.array(["1", "2"]), r"an array of <U1: row 0 of input 1 holds '1', a text; .*: x.astype\(float\)"),
        (np.array(["1", "b"]), "row 1 of input 1 holds 'b', a word; number the words"),
        (np.array([1j, 2.0]), "an array of complex128: row 0 of input 1 holds 1j, .*: x.real and x.imag"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), r"row 0 .*, a time; .* \(x - x.min\(\)\) / np.timedelta64"),
    ],
    ids=["objects", "Values", "texts", "words", "complex", "times"],
)
def test_inputs_are_numbers(array, said):
    with pytest.raises(TypeError, match=said):
        engine.compile(lambda x, y: x * y)(X[: len(array)], array)


def test_an_empty_batch_is_an_error():
    program = engine.compile(lambda x: W * x, params=[W])
    for way in (program, program.value_and_grad, program.per_example, program.input_gradients):
        with pytest.raises(ValueError, match="the batch is empty: the inputs have 0 examples, and at least 1"):
            way(np.array([]))


def test_inputs_need_the_same_number_of_examples():
    with pytest.raises(ValueError, match="the inputs have 2 and 3 examples; all need the same number"):
        engine.compile(lambda x, y: x * y)(X, X[:2])


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_out_of_range_is_an_error_at_each_call(label):
    model = MLP(2, [3], rng=0)
    program = engine.compile(lambda x, y: cross_entropy(model(x), y), params=model)
    x, good, bad = np.ones((4, 2)), np.array([0, 1, 2, 0]), np.array([0, 1, 2, label])
    with pytest.raises(IndexError, match=str(label)):
        program(x, bad)
    program(x, good)
    for way in (program, program.value_and_grad, program.per_example, program.input_gradients):
        with pytest.raises(IndexError, match=rf"index {label} is out of range: pick has 3 values \(indices 0 to 2\)"):
            way(x, bad)
    with pytest.raises(IndexError, match=rf"index {label} is out of range: pick has 3 values \(indices 0 to 2\)"):
        engine.compile(lambda x, y: cross_entropy(model(x), y), batch=False)(x[0], label)


def test_a_function_may_not_return_a_list_of_lists():
    with pytest.raises(TypeError, match=r"list \[Traced\(x0\)\], not a Value; return one Value, or a flat list"):
        engine.compile(lambda x: [[x[0]], [x[1]]])(np.ones((2, 2)))


@pytest.mark.parametrize("result", [None, "ab", {"loss": 1.0}, [[Value(1.0)]], [None]], ids=str)
def test_a_function_must_return_values(result):
    with pytest.raises(TypeError, match=r"compile: the function returned .*not a Value"):
        engine.compile(lambda x: result)(X)


def test_tracing_leaves_the_parameters_as_they_were():
    w = Value(1.0, label="w")
    before = (w.data, w.grad, w.label, w.requires_grad, dict(w.__dict__), w.arguments)
    engine.compile(lambda x: tanh(w * x), params=[w]).value_and_grad(X)
    assert (w.data, w.grad, w.label, w.requires_grad, dict(w.__dict__), w.arguments) == before


@pytest.mark.parametrize("empty", [[], (), np.array([])], ids=repr)
def test_a_function_must_return_at_least_one_output(empty):
    with pytest.raises(TypeError, match="the function returned no output"):
        engine.compile(lambda x: empty)(X)


@pytest.mark.parametrize("f", [3, None, [W]], ids=repr)
def test_compile_takes_only_functions(f):
    with pytest.raises(TypeError, match=r"compile: f is .*; write compile\(f, params\)"):
        engine.compile(f, [W])


def test_the_error_about_one_value_for_params_says_what_to_write():
    with pytest.raises(TypeError, match=r"params is a flat list of Values, or a model; got bool True"):
        engine.compile(lambda x: x, True)
    with pytest.raises(TypeError, match=r"argnums is the place of an argument.*got 'x'"):
        engine.grad(lambda x: x, "x")
    with pytest.raises(TypeError, match=r"params is one Value; write params=\[\.\.\.\]"):
        engine.compile(lambda x: W * x, params=W)


def test_reading_local_derivatives_in_a_traced_function_is_an_error():
    with pytest.raises(TraceError, match=rf"{HERE}:\d+: .*_local_grads.*gradients\(y, xs\)"):
        engine.compile(lambda x: (x * x)._local_grads[0] * x)(X)


def test_a_range_to_a_traced_number_may_be_written_as_the_error_says():
    program = engine.compile(lambda k: sum(where(step(k - i), W * i, 0.0) for i in range(4)), [W])
    counts = np.array([0, 1, 3, 4])
    assert program(counts).tolist() == [sum(W.data * i for i in range(k)) for k in counts]


def test_a_program_of_the_same_parameters_in_a_traced_function_is_an_error_that_names_the_line():
    known = engine.compile(lambda x: W * x, [W])
    known(X)
    for f in (lambda x: known(X).sum() * x, lambda x: known.value_and_grad(X)[0] * x):
        with pytest.raises(TraceError, match=rf"{HERE}:\d+: a program was called, .* call the function"):
            engine.compile(f, [W])(X)


@pytest.mark.parametrize("given", [Value(2.0), [Value(1.0), 2.0], np.array([Value(1.0)])], ids=["one", "list", "array"])
def test_the_error_about_values_as_inputs_of_a_program_names_the_function(given):
    with pytest.raises(
        TypeError, match=r"input 0 holds Value\(.*\.data, which has no derivative; .* call the function"
    ):
        SQUARES(given)


def test_detach_is_an_error_unless_numbers_may_be_read():
    with pytest.raises(TraceError, match=rf"{HERE}:\d+: .* was read by detach\(\): .* as an input"):
        engine.compile(lambda x: (W * x).detach() * W, [W])(X)
    program = engine.compile(lambda x: W.detach() * x * W, [W], frozen="allow")
    assert program.value_and_grad(X)[1].tolist() == [X.mean() * W.data] and len(program.frozen) > 0


class OfSeveral:
    """What takes one example for several numbers, or for other ones, and what the note says of it."""

    def __init__(self, f, said, *inputs):
        self.f, self.said, self.inputs = f, said, inputs or (X,)


ONE_NUMBER = r"Input 0 has shape \(\d,\), so each of its numbers is an example, .* write x\[None\]"
NOTED = {
    "subscript": OfSeveral(lambda x: x[0], ONE_NUMBER),
    "loop": OfSeveral(lambda x: sum(x), ONE_NUMBER),
    "integers": OfSeveral(lambda x: sum(x), ONE_NUMBER, np.arange(3)),
    "length": OfSeveral(lambda x: len(x) * x, ONE_NUMBER),
    "star": OfSeveral(lambda x: max(*x), ONE_NUMBER),
    "attribute": OfSeveral(lambda x: x.shape, ONE_NUMBER),
    "dot": OfSeveral(lambda x: engine.dot([W, W], x), ONE_NUMBER),
    "matmul": OfSeveral(lambda x: np.array([W, W]) @ x, ONE_NUMBER),
    "a number": OfSeveral(lambda x: x[0], "Input 0 is a number, and the function gets one Value", 2.0),
    "index": OfSeveral(lambda x: x[1], r"one example, of which input 0 has shape \(1,\)", np.ones((3, 1))),
    "unpacking": OfSeveral(lambda x: [a for a, b in [x]], r"input 0 has shape \(1,\)", np.ones((3, 1))),
    "arguments": OfSeveral(lambda x: x, r"input 0 has shape \(\), input 1 has shape \(2,\)", X, np.ones((len(X), 2))),
}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes since Python 3.11")
@pytest.mark.parametrize("case", NOTED.values(), ids=list(NOTED))
def test_an_error_about_the_shape_of_an_example_says_its_shape(case):
    with pytest.raises((TypeError, AttributeError, LookupError, ValueError)) as caught:
        engine.compile(case.f)(*case.inputs)
    assert re.search(case.said, " ".join(caught.value.__notes__)) and "Traced" not in str(caught.value)


@pytest.mark.parametrize("f", [lambda x: x if x > 0 else -x, lambda x: None, lambda x: 1 / 0, lambda x: {"loss": x}])
def test_an_error_about_something_else_says_nothing_of_shapes(f):
    with pytest.raises((TypeError, ZeroDivisionError)) as caught:
        engine.compile(f)(X)
    assert not getattr(caught.value, "__notes__", [])


def test_sets_and_dictionaries_of_values_have_no_order_that_a_gradient_could_have():
    with pytest.raises(TypeError, match=r"params is a set, .*; write a list"):
        engine.compile(lambda x: W * x, {W})
    with pytest.raises(TypeError, match=r"params is a dict, .*; write list\(params\.values\(\)\)"):
        engine.compile(lambda x: W * x, {"w": W})
    with pytest.raises(TypeError, match=r"returned a set, .*; return a list"):
        engine.compile(lambda x: {x, W})(X)


class RunningMean:
    mean = 0.0

    def __call__(self, x):
        self.mean = 0.9 * self.mean + 0.1 * x
        return x - self.mean


@pytest.mark.parametrize("examples", [3, 1])
def test_what_a_function_keeps_from_run_to_run_is_an_error_that_says_so(examples):
    with pytest.raises(
        ValueError, match=r"keeps from one run to the next, as .* a running mean\? .* as inputs, and what is kept, too"
    ):
        engine.compile(RunningMean())(X[:examples])


RETURNED = {
    "None": (lambda x: None, r"NoneType None, not a Value; is there a return\?"),
    "dictionary": (lambda x: {"a": x}, r"return list\(result\.values\(\)\)"),
    "generator": (lambda x: (v for v in [x]), r"return list\(result\)"),
    "map": (lambda x: map(abs, [x]), r"return list\(result\)"),
    "text": (lambda x: "a", "return one Value, or a flat list of them"),
}


@pytest.mark.parametrize(("f", "said"), RETURNED.values(), ids=list(RETURNED))
def test_the_error_about_what_a_function_returned_says_what_to_return(f, said):
    with pytest.raises(TypeError, match=rf"compile: the function returned .*{said}"):
        engine.compile(f)(X)
