"""Tests over all rows of the table: each row agrees with mathematics, and each short cut with its row."""

import ast
import inspect
import itertools
import math
import operator
import os
import pickle
import pydoc
import random
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mathematics import (
    CANCELLING,
    EPS,
    MEANING,
    as_float,
    call,
    counts,
    differentiable,
    everyday_points,
    everyday_sample,
    extreme_points,
    precision_for,
    random_points,
    terms,
    true_derivative,
    true_value,
    ulps_apart,
)
from mpmath import mpf

import chainrule
from chainrule import engine, nn, viz
from chainrule.engine import OPS, Op, Operators, Value, enable_grad, grad, no_grad, power, topological_order
from chainrule.engine.fast.neurons import weighted_sum
from chainrule.engine.fast.operators import FastOperators
from chainrule.engine.methods import Methods
from chainrule.engine.op import everywhere

each_row = pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))


# --- what follows from a row


@each_row
def test_these_tests_know_the_meaning_of_each_row(op):
    assert callable(MEANING[op.name])  # if it is missing, MEANING fails and says what to write


@each_row
def test_each_row_is_a_function_of_the_engine_and_of_the_facade(op):
    for package in (engine, chainrule):
        assert op.name in package.__all__, f"{package.__name__} does not list {op.name}: run `python tools/table.py`"
        assert getattr(package, op.name) is op


HERE = Path(__file__).resolve().parents[2]


def run_tool(tree, *flags):
    tool = tree / "tools" / "table.py"
    if not tool.is_file():
        pytest.skip("no source tree beside these tests")
    return subprocess.run([sys.executable, tool, *flags], capture_output=True, text=True)


def test_what_follows_from_the_table_is_up_to_date():
    done = run_tool(HERE, "--check")
    assert done.returncode == 0, f"run `python tools/table.py`:\n{done.stdout}{done.stderr}"


def test_the_tool_names_and_writes_the_files_that_a_new_row_changes(tmp_path):
    assert run_tool(HERE, "--check").returncode == 0
    for folder in ("tools", "chainrule", "engine"):
        shutil.copytree(HERE / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for floor in ("nn", "viz"):
        (tmp_path / floor).mkdir()
        shutil.copy(HERE / floor / "__init__.py", tmp_path / floor)
    files = [tmp_path / "chainrule/__init__.py", tmp_path / "engine/__init__.py", tmp_path / "engine/methods.pyi"]
    before = [file.read_text(encoding="utf-8") for file in files]
    table, here = tmp_path / "engine/ops.py", "OPS.update("
    row = 'twice: Op = Op(name="twice", what="2 a.", forward=lambda a: a + a, partials=(lambda out, a: 2.0,))\n\n'
    table.write_text(table.read_text(encoding="utf-8").replace(here, row + here), encoding="utf-8")

    checked = run_tool(tmp_path, "--check")
    stale = [f"{file.relative_to(tmp_path).as_posix()}: out of date; run `python tools/table.py`" for file in files]
    assert checked.returncode == 1 and sorted(checked.stdout.splitlines()) == stale
    assert [file.read_text(encoding="utf-8") for file in files] == before
    assert run_tool(tmp_path).returncode == run_tool(tmp_path, "--check").returncode == 0
    after = [file.read_text(encoding="utf-8") for file in files]
    assert [text.count("twice") for text in after] == [2, 2, 3] and "def twice(self: _Kind) -> _Kind:" in after[2]


def test_the_stub_for_type_checkers_has_the_methods_of_the_class():
    stub = Path(inspect.getfile(Methods)).with_suffix(".pyi").read_text(encoding="utf-8")
    [body] = [node.body for node in ast.parse(stub).body if isinstance(node, ast.ClassDef)]
    said = {
        node.name: ([argument.arg for argument in node.args.args], ast.get_docstring(node))
        for node in body
        if isinstance(node, ast.FunctionDef)
    }
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):  # arctan = atan
            said[node.targets[0].id] = said[node.value.id]
    methods = {name: method for name, method in vars(Methods).items() if inspect.isfunction(method)}
    assert said == {name: (list(inspect.signature(m).parameters), inspect.getdoc(m)) for name, m in methods.items()}


WRITTEN = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "mod": operator.mod,
    "floor_divide": operator.floordiv,
    "neg": operator.neg,
}


@each_row
def test_each_row_of_fixed_arity_is_a_method_or_an_operator(op):
    if op.variadic:
        pytest.skip("a row that takes a sequence is a function only")
    numbers = everyday_sample(op, 1)[0]
    values = [Value(number) for number in numbers]
    assert op.operator == (op.name in WRITTEN), "WRITTEN, above, has the rows that say operator=True"
    written = WRITTEN.get(op.name) or getattr(Operators, op.name)
    assert vars(written(*values).operation) is vars(op)
    assert written(*values).data == op(*numbers)


# On arrays of objects NumPy compares, or asks for a plain integer, or has nothing at all.
NOT_ASKED = {"maximum", "minimum", "sign", "floor", "ceil", "trunc", "logaddexp"}


@each_row
def test_the_numpy_function_of_a_row_works_on_arrays_of_values(op):
    if not op.numpy_name or op.numpy_name in NOT_ASKED:
        pytest.skip("no plain NumPy function, or one for which NumPy does not ask the elements")
    points = everyday_sample(op, 5)
    columns = [np.array([Value(number) for number in column]) for column in zip(*points)]
    results = getattr(np, op.numpy_name)(*columns)
    assert [v.data for v in results] == [op(*point) for point in points]
    assert {v.operation for v in results} == {op}


@each_row
def test_functions_take_floats_values_arrays_and_a_mixture(op):
    point = everyday_sample(op, 1)[0]
    number = call(op, point, wrap=float)
    assert type(number) is float
    assert call(op, point).data == number == call(op, point, wrap=np.float64)
    if op.variadic:
        return
    arrays = [np.array([x, x]) for x in point]
    assert op(*arrays).dtype == float and list(op(*arrays)) == [number, number]
    objects = op(np.array([Value(point[0])] * 2), *point[1:])
    assert objects.dtype == object and [v.data for v in objects] == [number, number]


@each_row
def test_the_wrong_number_of_arguments_is_an_error(op):
    if op.variadic:
        return
    with pytest.raises(TypeError, match=f"{op.name} takes {op.arity} argument"):
        op(*[1.0] * (op.arity + 1))
    with pytest.raises(TypeError, match=f"{op.name} takes numbers and Values, got str '1'"):
        op(*["1"] * op.arity)


@each_row
def test_each_row_has_the_texts_that_people_read(op):
    assert op.symbol.count("{}") == (1 if op.variadic else op.arity)
    assert op.what.endswith("."), "what: one sentence that says what it computes, for its help"
    assert op.domain is everywhere or " for " in op.what, "what: say where it is defined: `…, for a > 0.`"
    said = "why: a phrase that says why the local derivative is what it is, or one for each argument"
    assert op.why and (isinstance(op.why, str) or all(op.why)), said
    assert len(op.badge or op.name) <= 10


@each_row
def test_each_row_has_a_help_of_its_own(op):
    names = list(inspect.signature(op).parameters)
    assert names and (op.flatten or names == list(inspect.signature(op.partials[0]).parameters)[1:])
    call = f"{op.name}({', '.join(names)})"
    whys = [op.why] if isinstance(op.why, str) else op.why
    for text in (op.__doc__, pydoc.render_doc(op, renderer=pydoc.plaintext)):
        assert call in text and op.what in text and all(f": {why}." in text for why in whys)
        assert ("As a method: " in text) == hasattr(Operators, op.name)
        assert ("As an operator: " in text) == (op.name in WRITTEN)
    assert op.__doc__.startswith(call) and op.__doc__ != Op.__doc__


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("atan2", "(y, x, /)"), ("where", "(condition, a, b, /)"), ("pick", "(values, index, /)"),
        ("logsumexp", "(values, /)"), ("total", "(values, /)"), ("dot", "(left, right, /)"),
    ],
)  # fmt: skip
def test_the_signature_of_a_row_shows_the_order_of_its_arguments(name, call):
    assert str(inspect.signature(OPS[name])) == call


@each_row
def test_each_method_has_a_help_of_its_own(op):
    if not op.has_method:
        pytest.skip("the row takes lists, or is written with an operator")
    method = getattr(Value, op.name)
    assert list(inspect.signature(method).parameters)[1:] == list(inspect.signature(op).parameters)[1:]
    shown = pydoc.render_doc(method, renderer=pydoc.plaintext)
    assert op.what in shown and f".{op.name}(" in shown
    assert pickle.loads(pickle.dumps(method)) is method


def test_ipython_and_jupyter_show_the_help_of_an_operation(tmp_path):
    pytest.importorskip("IPython")
    code = (
        "from IPython.core.interactiveshell import InteractiveShell; import chainrule as cr\n"
        "shell = InteractiveShell(); shell.user_ns.update(cr=cr)\n"
        "print(shell.object_inspect_mime('cr.pick')['text/plain'])"
    )
    environment = os.environ | {"IPYTHONDIR": str(tmp_path), "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(chainrule.__file__).parents[1], env=environment,
                          capture_output=True, text=True)  # fmt: skip
    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert re.search(r"^Signature: +cr\.pick\(values, index, /\)$", shown, re.MULTILINE), shown + done.stderr
    assert chainrule.pick.__doc__ in shown


def test_a_row_repeats_its_last_everyday_interval_for_further_arguments():
    first, last = (0.0, 1.0), (2.0, 3.0)
    two = Op(name="two", forward=math.hypot, partials=(lambda out, a, b: 1.0,) * 2, everyday=(first,))
    any_number = Op(name="any", forward=math.hypot, partials=lambda out, *values: [1.0], everyday=(first, last))
    assert two.intervals() == two.intervals(5) == [first, first]
    assert any_number.intervals() == [first, last] and any_number.intervals(4) == [first, last, last, last]
    assert any_number.intervals(1) == [first]


# --- the protocol


class Marked(Operators):
    @classmethod
    def __apply__(cls, op, arguments):
        return f"{cls.__name__} {op.name}"


class Outranking(Marked):
    __outranks__ = True


class More(Outranking):
    pass


@pytest.mark.parametrize(
    ("kinds", "winner"),
    [
        ((Marked, Marked), Marked),
        ((Marked, Outranking), Outranking),  # a subclass of the other wins
        ((Outranking, Marked), Outranking),
        ((Outranking, More), More),
        ((More, Outranking), More),
        ((Value, Outranking), Outranking),  # unrelated classes: the attribute decides
        ((Outranking, Value), Outranking),
        ((Value, More), More),
        ((Marked, Value), Marked),  # unrelated classes without the attribute: the first argument decides
    ],
)
def test_a_subclass_or_a_class_that_outranks_applies_the_operation(kinds, winner):
    arguments = [kind(1.0) if kind is Value else kind() for kind in kinds]
    assert power(*arguments) == arguments[0] ** arguments[1] == f"{winner.__name__} power"
    assert chainrule.total([2.0, *arguments]) == f"{winner.__name__} total"


def test_a_class_without_the_protocol_is_an_error_that_says_so():
    class Silent(Operators):
        pass

    with pytest.raises(TypeError, match="Silent does not say how exp is applied to it"):
        Silent().exp()


def test_the_facade_hands_on_the_public_names_of_the_three_floors():
    floors = [*engine.__all__, *nn.__all__, *viz.__all__]
    assert {*chainrule.__all__} == {"__version__", *floors}
    for floor in (engine, nn, viz):
        for name in floor.__all__:
            assert getattr(chainrule, name) is getattr(floor, name)


# --- values and derivatives


def assert_value(op, numbers):
    """The value is within 2 ulp, or within the bound of its row; for sums, relative to the |terms|."""
    exact = true_value(op, numbers)
    got = call(op, numbers).data
    half = len(numbers) // 2
    if op.name == "dot" and any(math.isinf(a * b) for a, b in zip(numbers[:half], numbers[half:])):
        return  # a product has overflowed, as it does in IEEE 754
    if op.name in CANCELLING and abs(mpf(got) - exact) <= op.ulp * EPS * terms(op, numbers):
        return
    apart = ulps_apart(got, exact)
    said = f"{op.name}{numbers} gave {got!r}, true is {mpmath.nstr(exact, 20)}: {apart:.3g} ulp apart"
    assert apart <= op.ulp, f"{said}; where no better forward is known, the row says so: ulp=..., with the reason"


def assert_derivatives(op, numbers):
    """Where the value is finite, each local derivative d is within 4 eps max(1, |d|), or the bound of its row."""
    node = call(op, numbers)
    if math.isinf(node.data):
        return  # rules may use the output, so that nothing is promised where it overflowed
    for place in differentiable(op, numbers):
        exact = true_derivative(op, numbers, place)
        got, nearest = node._local_grads[place], as_float(exact)
        if math.isinf(nearest) or math.isinf(got):
            assert ulps_apart(got, exact) == 0.0, f"d{place} of {op.name}{numbers}: {got!r}, true is {nearest!r}"
            continue
        apart = float(abs(mpf(got) - exact) / EPS) / max(1.0, abs(nearest))
        said = f"d{place} of {op.name}{numbers} gave {got!r}, true is {mpmath.nstr(exact, 20)}: {apart:.3g} eps apart"
        assert apart <= op.eps, f"{said}; where no better rule is known, the row says so: eps=..., with the reason"


@each_row
def test_values_and_derivatives_hold_at_random_points(op):
    for numbers in random_points(op, random.Random(op.name), 2000):
        assert_value(op, numbers)
        assert_derivatives(op, numbers)


@pytest.mark.campaign
@each_row
def test_values_and_derivatives_hold_at_ten_thousand_points(op):
    for numbers in random_points(op, random.Random(op.name + "campaign"), 10_000):
        assert_value(op, numbers)
        assert_derivatives(op, numbers)


@each_row
def test_values_and_derivatives_hold_at_extremes(op):
    points = extreme_points(op, random.Random(op.name), most=150)
    if op.name == "power":
        points = [(a, b) for a, b in points if power(a, b - 1.0) < math.inf]  # for the others see the test below
    assert points
    for numbers in points:
        assert_value(op, numbers)
        assert_derivatives(op, numbers)


def test_the_local_derivative_of_a_power_overflows_only_where_it_is_too_large_for_a_float():
    assert_derivatives(power, (1e-300, -0.03))


@pytest.mark.parametrize("base", [math.inf, -math.inf])
@pytest.mark.parametrize("exponent", [2.0, 3.0])
def test_the_local_derivative_of_a_power_of_infinity_is_that_of_the_product(base, exponent):
    x, y = Value(base), Value(base)
    (x**exponent).backward()
    (y * y if exponent == 2.0 else y * y * y).backward()
    assert x.grad == y.grad == exponent * base ** (exponent - 1.0)


@each_row
@given(data=st.data())
def test_derivatives_keep_16_ulp_on_everyday_intervals(op, data):
    numbers = data.draw(everyday_points(op), label="arguments")
    assert_value(op, numbers)
    slopes = call(op, numbers)._local_grads
    for place in differentiable(op, numbers):
        assert ulps_apart(slopes[place], true_derivative(op, numbers, place)) <= 16


# The error of a central difference is h^2 / 6 |f'''| from cutting off the series and eps |f| / h from rounding;
# h = eps^(1/3) max(1, |x|) keeps both near 1e-10 of the scale. The bound below is twice that, since f''' varies.
H = EPS ** (1 / 3)


@each_row
@given(data=st.data())
def test_derivatives_match_central_differences(op, data):
    numbers = data.draw(everyday_points(op), label="arguments")
    values = [Value(number) for number in numbers]
    left = iter(values)
    call(op, numbers, wrap=lambda _: next(left)).backward()
    for place in differentiable(op, numbers):
        h = H * max(1.0, abs(numbers[place])) / 8
        moved = [(*numbers[:place], numbers[place] + sign * h, *numbers[place + 1 :]) for sign in (1, -1)]
        if not all(op.domain(*there) for there in moved):
            continue
        above, below = (call(op, there, wrap=float) for there in moved)
        step = moved[0][place] - moved[1][place]  # the distance after rounding
        bent = abs(true_derivative(op, numbers, place, 3))
        bound = 2 * (h * h / 6 * float(bent) + 4 * EPS * max(abs(above), abs(below), *map(abs, numbers)) / h) + 1e-12
        assert abs(values[place].grad - (above - below) / step) <= bound


@each_row
@given(data=st.data())
def test_rules_run_on_values_and_give_second_derivatives(op, data):
    """backward() of a local derivative that was computed on Values gives the second derivatives, mixed ones too."""
    numbers = data.draw(everyday_points(op), label="arguments")
    if op.variadic:
        return
    for place in differentiable(op, numbers):
        values = [Value(number) for number in numbers]
        slope = op.partials[place](op(*values), *values)
        first = slope.data if isinstance(slope, Value) else slope
        assert first == call(op, numbers)._local_grads[place] or first == pytest.approx(
            call(op, numbers)._local_grads[place], rel=4 * EPS, abs=4 * EPS
        )
        if isinstance(slope, Value):
            slope.backward()
        for other in differentiable(op, numbers):
            order = [0] * len(numbers)
            order[place] += 1
            order[other] += 1
            with mpmath.workprec(200):
                exact = mpmath.diff(MEANING[op.name], tuple(map(mpf, numbers)), tuple(order))
            scale = max(1.0, abs(float(exact)), *(abs(first / n) for n in numbers if n))
            assert values[other].grad == pytest.approx(float(exact), rel=1e-13, abs=1e-13 * scale)


@each_row
def test_third_derivatives_agree_with_mathematics_also_at_0(op):
    if op.arity != 1:
        pytest.skip("test_transforms.py has the mixed third derivatives of rows of several arguments")
    points = [point for point in [*everyday_sample(op, 20), (0.0,), (1e-9,)] if op.domain(*point) and op.smooth(*point)]
    for (x,) in points:
        exact = float(true_derivative(op, (x,), 0, 3))
        got = grad(grad(grad(op)))(x)
        # Terms that cancel may be as large as a lower derivative.
        scale = max([1.0, abs(exact), *(abs(float(true_derivative(op, (x,), 0, n))) for n in (1, 2))])
        assert got == pytest.approx(exact, rel=1e-12, abs=1e-12 * scale), x


@each_row
def test_the_numpy_spelling_of_a_row_computes_its_value(op):
    """NumPy's functions differ from the C library's by up to 4 ulp, and a spelling may use a few of them."""
    points = [point for point in everyday_sample(op, 200) if len(point) == counts(op)[1]]
    columns = [np.array(column) for column in zip(*points)]
    spelled = np.broadcast_to(op.on_arrays(*columns), len(points))
    for got, point in zip(spelled, points):
        expected = call(op, point, wrap=float)
        assert got == pytest.approx(expected, rel=16 * EPS, abs=16 * EPS * max(1.0, *map(abs, point)))


# --- fast/ gives the same numbers as the table, bit by bit

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -3.0, 0.5, 1e-300, 5e-324, 1e200, -1.7976931348623157e308, math.inf, -math.inf,
           math.nan, 1e-8, 25.0]  # fmt: skip
BINARY = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
          "pow": operator.pow}  # fmt: skip
ROW_OF = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power", "neg": "neg"}


def described(make):
    """All attributes of the node that `make` returns, or the error that it raises."""
    try:
        node = make()
    except (ArithmeticError, ValueError) as error:
        return type(error), str(error)
    # A local derivative of -0.0 has the same effect as one of 0.0.
    edges = [(a if type(a) is float else id(a), slope + 0.0) for a, slope in node._edges]
    assert all(type(slope) is float for _, slope in node._edges) and type(node.data) is float
    return repr((type(node), node.data, node.grad, node.label, node.operation, edges, node.requires_grad, node._depth))


def test_each_fast_operator_is_compared_with_its_row():
    known = {f"__{name}__" for name in BINARY} | {f"__r{name}__" for name in BINARY} | {"__neg__"}
    fast = {name for name, made in vars(FastOperators).items() if callable(made)}
    assert fast <= known | set(OPS), f"{fast - known - set(OPS)}: add it to `known`, and to the test below"


class Special(Value):
    pass


@pytest.mark.parametrize("name", BINARY)
def test_fast_operators_agree_with_their_rows(name):
    op = OPS[ROW_OF[name]]
    for a, b in itertools.product(SPECIAL, SPECIAL):
        x, y, same = Value(a), Value(b), Value(a)
        frozen, special = Value(b, requires_grad=False), Special(b)
        numbers = [b, np.float64(b), *([int(b)] if math.isfinite(b) and b == int(b) else []), *([b != 0] if b in (0, 1)
                   else [])]  # fmt: skip
        pairs = [(x, y), (same, same), (x, frozen), (frozen, x), (x, special), (special, x), (frozen, frozen)]
        pairs += [(x, number) for number in numbers] + [(number, x) for number in numbers]
        for left, right in pairs:
            plain = [v if isinstance(v, Value) else float(v) for v in (left, right)]
            kind = Special if special is left or special is right else Value
            written = described(lambda a=left, b=right: BINARY[name](a, b))
            assert written == described(lambda p=plain, k=kind: k._from_row(op, p)), (left, right)
            with no_grad():
                written = described(lambda a=left, b=right: BINARY[name](a, b))
                assert written == described(lambda p=plain, k=kind: k._from_row(op, p)), (left, right)


def recorded(order):
    """All attributes of these nodes; an argument that is a Value is given by its place in the order."""
    place = {id(node): i for i, node in enumerate(order)}
    return [
        (type(v), v.data, v.grad, v.operation, v.requires_grad,
         [(a if type(a) is float else place[id(a)], slope + 0.0) for a, slope in v._edges])
        for v in order
    ]  # fmt: skip


PIECES = {
    "leaf": lambda: Value(1.5), "inner": lambda: Value(1.5) * 2.0, "frozen": lambda: Value(-0.5, requires_grad=False),
    "frozen inner": lambda: Value(-0.5, requires_grad=False) * 3.0, "special": lambda: Special(0.25),
    "float": lambda: 0.75, "integer": lambda: 3, "numpy": lambda: np.float64(-2.0),
}  # fmt: skip


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("start", PIECES)
def test_a_weighted_sum_unfolds_to_the_graph_that_the_operators_make(start, recording):
    for weight, x, last in itertools.product(PIECES, PIECES, ("inner", "float")):
        assert_same_graph(start, [("leaf", "inner"), (weight, x), ("leaf", last), (weight, "leaf")], recording)


@pytest.mark.parametrize("name", ["__add__", "__mul__"])
def test_a_weighted_sum_of_a_class_with_its_own_operators_uses_them(name):
    own = type("Own", (Value,), {name: lambda self, other: Operators.__sub__(self, other)})
    weights, inputs = [own(2.0), own(3.0)], [own(5.0), own(7.0)]
    expected = sum(map(operator.mul, weights, inputs), own(1.0))
    assert weighted_sum(weights, inputs, own(1.0)).data == expected.data != 32.0


def assert_same_graph(start, terms, recording):
    graphs = []
    for sum_of in (weighted_sum, lambda weights, inputs, first: sum(map(operator.mul, weights, inputs), first)):
        shared = Value(0.5) * 1.0
        first, weights, inputs = PIECES[start](), [PIECES[w]() for w, _ in terms], [PIECES[x]() for _, x in terms]
        weights, inputs = [*weights, Value(0.5), Value(0.25)], [*inputs, shared, shared]
        with enable_grad() if recording else no_grad():
            total = sum_of(weights, inputs, first)
        values = [v for v in (shared, first, *weights, *inputs) if isinstance(v, Value)]
        if isinstance(total, Value):
            total.backward()
        graphs.append([recorded(topological_order(v)) if isinstance(v, Value) else v for v in (*values, total)])
    assert graphs[0] == graphs[1]


def test_minus_zero_keeps_its_sign():
    assert math.copysign(1.0, (-0.0 / Value(1.0)).data) == -1.0
    assert math.copysign(1.0, (Value(1.0) * -0.0).data) == -1.0


def test_nan_to_the_power_0_is_a_constant():
    assert (Value(math.nan) ** 0)._local_grads == power(Value(math.nan), 0.0)._local_grads == (0.0,)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.arity == 1], ids=lambda op: op.name)
def test_fast_methods_agree_with_their_rows(op):
    write = WRITTEN.get(op.name) or operator.methodcaller(op.name)
    for a, requires in itertools.product([*SPECIAL, 710.0, -710.0, 0.3, -0.3, 1e-5], (True, False)):
        x = Value(a, requires_grad=requires)
        general = partial(Value._from_row, op, (x,))
        for written in (partial(write, x), partial(Value.__apply__, op, (x,))):
            assert described(written) == described(general), x
            with no_grad():
                assert described(written) == described(general), x


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("other", ["1", None, [1.0], 1j, object()], ids=lambda other: type(other).__name__)
def test_operators_take_only_numbers_and_values(name, other):
    for left, right in ((Value(2.0), other), (other, Value(2.0))):
        with pytest.raises(TypeError):
            BINARY[name](left, right)


def test_integers_too_large_for_a_float_are_an_error():
    for make in (lambda: Value(2.0) + 10**400, lambda: 10**400 * Value(2.0), lambda: Value(10**400)):
        with pytest.raises(OverflowError):
            make()


def test_precision_for_holds_the_arguments_exactly():
    with mpmath.workprec(precision_for([1e300, 1e-300])):
        assert mpf(1e300) + mpf(1e-300) - mpf(1e300) == mpf(1e-300)
