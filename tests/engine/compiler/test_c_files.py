"""Programs in files of C, in double, in float and in bytes: they compile without a warning and are as exact as said."""

import ctypes
import itertools
import json
import re
import subprocess

import numpy as np
import pytest
from structures import Structure
from test_structures import inputs_of

from chainrule import engine
from chainrule.engine import Value, dot, relu, sin, tanh, total
from chainrule.engine.compiler.arrays.meaning import Meaning
from chainrule.engine.compiler.arrays.whole import whole
from chainrule.engine.compiler.emit.about import About
from chainrule.engine.compiler.run import compilers
from chainrule.engine.compiler.run.devices import flat_inputs
from chainrule.nn import MLP, cross_entropy

try:
    COMPILER = compilers.compiler()
except compilers.NoCompiler as problem:
    pytest.skip(f"these tests compile C: {problem}", allow_module_level=True)
if COMPILER.is_cl:
    pytest.skip("the flags are those of gcc and clang", allow_module_level=True)

FLAGS = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic"]
FLAGS += ["-Wdouble-promotion", "-Wconversion", "-Wshadow"]
COUNT = itertools.count()
KINDS = {"float64": ctypes.c_double, "float32": ctypes.c_float, "int8": ctypes.c_float}


class Library:
    """A file of C, compiled; its functions take and give arrays of its kind of numbers."""

    def __init__(self, folder, dtype, name="net"):
        made = folder / f"{name}{next(COUNT)}.so"  # what is loaded from a path once stays loaded
        command = [*COMPILER.command, *FLAGS, "-fPIC", "-shared", f"{name}.c", "-o", str(made), "-lm"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:3000]
        self.library, self.name, self.kind = ctypes.CDLL(str(made)), name, KINDS[dtype]
        self.dtype = np.dtype(self.kind)

    def theta(self, count):
        """A copy of the parameters in the file."""
        return np.array((self.kind * count).in_dll(self.library, f"{self.name}_theta"))

    def __call__(self, function, *given):
        """What it returns. An array is passed on as it is, and a number as a number of this kind."""
        arguments = [
            one.ctypes.data_as(ctypes.c_void_p) if isinstance(one, np.ndarray) else self.kind(one) for one in given
        ]
        return getattr(self.library, f"{self.name}_{function}")(*arguments)

    def value(self, theta, inputs, outputs):
        """The outputs for each example."""
        rows = []
        for example in zip(*inputs):
            out = np.zeros(outputs, self.dtype)
            arrays = [np.ascontiguousarray(one, self.dtype) for one in example]
            assert self("value", *([] if theta is None else [theta]), *arrays, out) == 0
            rows.append(out)
        return np.array(rows, float)


def saved(folder, f, parameters, *inputs, dtype="float64", batch=True, **settings):
    """The program, what saving it said, and the library that its file makes."""
    program = engine.compile(f, parameters, batch=batch)
    program(*inputs)
    said = program.save(folder / "net.c", dtype=dtype, **settings)
    return program, said, Library(folder, dtype)


def shared_layer(chance):
    """The same layer at three positions, with biases."""
    w = [Value(number) for number in chance.normal(size=(4 * 4))]
    rows = [w[4 * i : 4 * i + 4] for i in range(4)]

    def f(x):
        made = [[tanh(row[3] + dot(row[:3], list(x[i]))) for row in rows] for i in range(3)]
        return [total(column) for column in zip(*made)]

    return f, w, chance.normal(size=(20, 3, 3))


def network(sizes, activation, outputs=3):
    def make(chance):
        model = MLP(sizes[0], [*sizes[1:], outputs], activation, rng=0)
        return model, model.parameters(), chance.normal(size=(20, sizes[0]))

    return make


WITH_MATRICES = {"tanh": network([4, 6], "tanh"), "relu": network([5, 8, 8], "relu"),
                 "many inputs": network([40, 5], "relu"), "one output": network([3, 4], "sigmoid", 1),
                 "shared layer": shared_layer}  # fmt: skip


@pytest.mark.parametrize("kind", WITH_MATRICES)
def test_floats_and_bytes_give_what_was_measured_when_they_were_saved(kind, tmp_path):
    f, parameters, x = WITH_MATRICES[kind](np.random.default_rng(0))
    for dtype in ("float32", "int8"):
        program, said, library = saved(tmp_path, f, parameters, x, dtype=dtype, examples=(x,))
        theta = library.theta(len(parameters)) if dtype == "float32" else None
        exact = np.reshape(program(x), (len(x), -1))
        found = library.value(theta, [x], exact.shape[1])
        # A number that lies between two bytes may be rounded to the other one where tanh differs in its last digit.
        room = 1e-6 * max(1.0, said.largest) + (dtype == "int8") * 0.02 * said.largest
        assert np.abs(found - said.outputs).max() <= room
        assert abs(np.abs(found - exact).max() - said.error) <= room
        assert said.error < (0.1 if dtype == "int8" else 1e-5) * max(1.0, said.largest)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("outputs", [1, 3])
def test_what_is_not_finite_is_not_swallowed_on_a_device(dtype, odd, outputs, tmp_path):
    """A nan among the inputs is a nan among the outputs, no class, and no step."""
    model = MLP(2, [4, outputs], activation="relu", rng=0)
    x = np.random.default_rng(0).normal(size=(9, 2))
    about = About(classes=["a", "b", "c"][: max(2, outputs)], classifies=True)
    _, _, library = saved(tmp_path, model, model.parameters(), x, dtype=dtype, examples=(x,), about=about)
    theta = [] if dtype == "int8" else [library.theta(len(model.parameters()))]
    for row, is_fine in ((x[0], True), ([odd, 1.0], False), ([1.0, -odd], False)):
        given, out = np.array(row, library.dtype), np.zeros(outputs, library.dtype)
        assert library("value", *theta, given, out) == 0
        assert np.isfinite(out).all() if is_fine else not np.isfinite(out).all()
        assert (library("class", *theta, given) >= 0) == (is_fine or not np.isnan(out).any())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_step_with_what_is_not_finite_leaves_theta_as_it_is(dtype, tmp_path):
    model = MLP(2, [4, 1], activation="tanh", rng=0)
    loss = lambda x, y: (model(x) - y) ** 2  # noqa: E731
    _, _, library = saved(tmp_path, loss, model.parameters(), np.ones((2, 2)), np.ones(2), dtype=dtype)
    theta, value = library.theta(len(model.parameters())), np.zeros(1, library.dtype)
    before = theta.copy()
    for x, y in (([np.nan, 1.0], 1.0), ([1.0, 1.0], np.nan), ([1.0, 1.0], np.inf)):
        given = np.array(x, library.dtype), np.array([y], library.dtype)
        assert library("step", theta, *given, 0.1, value) == 1
        assert (theta == before).all()
    assert library("step", theta, np.ones(2, library.dtype), np.ones(1, library.dtype), 0.1, value) == 0
    assert (theta != before).any()


def test_the_numbers_of_bytes_are_those_of_the_rounded_matrices(tmp_path):
    weights = [[127.0, -64.0], [1.0, 0.5]]
    w = [Value(number) for row in weights for number in row]
    x = np.array([[255.0, 0.0], [1.0, 2.0], [300.0, -3.0]])
    _, said, library = saved(tmp_path, lambda x: [dot(w[:2], list(x)), dot(w[2:], list(x))], w, x[:2], dtype="int8",
                             examples=(x[:2],))  # fmt: skip
    # The steps of x are 1, from 0 to 255; those of the rows are 1 and 1/127, so that 0.5 becomes 64/127.
    exact = np.clip(x, 0.0, 255.0) @ np.array([[127.0, -64.0], [1.0, 64.0 / 127.0]]).T
    assert np.abs(library.value(None, [x], 2) - exact).max() < 1e-2
    assert said.error == pytest.approx(2.0 * (64.0 / 127.0 - 0.5), abs=3e-5)  # 255 in float


def test_the_error_of_floats_is_that_of_the_gradient_too(tmp_path):
    model, chance = MLP(4, [6, 3], "tanh", rng=0), np.random.default_rng(0)
    x, y = chance.normal(size=(12, 4)), chance.integers(0, 3, 12)
    program, said, library = saved(tmp_path, lambda x, y: cross_entropy(model(x), y), model, x, y, dtype="float32",
                                   examples=(x, y))  # fmt: skip
    exact, slopes = program.value_and_grad(x, y)
    theta, gradients, value = library.theta(51), [], np.zeros(1, np.float32)
    for one, label in zip(x.astype(np.float32), y.astype(np.float32)):
        gradient = np.zeros(51, np.float32)
        assert library("value_and_grad", theta, one.copy(), np.array([label]), value, gradient) == 0
        gradients.append(gradient.astype(float))
    error = np.abs(np.mean(gradients, axis=0) - slopes).max()
    assert 0.0 < said.gradient_error < 1e-6 and error < 4.0 * said.gradient_error
    assert str(said).startswith("float32, measured on 12 examples: an output differs from that of float64 by at most")
    assert "(largest: " in (tmp_path / "net.h").read_text(encoding="utf-8") and exact > 0.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_steps_on_the_device_are_those_of_gradient_descent(dtype, tmp_path):
    model, chance = MLP(3, [5, 2], "tanh", rng=0), np.random.default_rng(0)
    parameters = model.parameters()
    parameters[3].requires_grad = False
    x, y = chance.normal(size=(30, 3)), chance.integers(0, 2, 30)
    program, _, library = saved(tmp_path, lambda x, y: cross_entropy(model(x), y), model, x, y, dtype=dtype)
    ours, theta, value = program.parameters(), library.theta(len(parameters)), np.zeros(1, library.dtype)
    for i in range(30):
        _, gradient = program.value_and_grad(x[i : i + 1], y[i : i + 1], at=ours.copy())
        ours -= 0.1 * gradient
        assert library("step", theta, x[i].astype(library.dtype), y[i : i + 1].astype(library.dtype), 0.1, value) == 0
    assert np.abs(theta - ours).max() < (1e-14 if dtype == "float64" else 1e-6)
    assert theta[3] == library.dtype.type(parameters[3].data) and np.abs(ours - program.parameters()).max() > 0.01
    missing = np.array([2.0], library.dtype)
    before = theta.copy()
    assert library("step", theta, x[0].astype(library.dtype), missing, 0.1, value) == 1 and (theta == before).all()


HOSTILE = ['a"b', "*/ int x;", "??/", "\\", "line\nbreak", "üñ🙂", "double 1.5", "'; exit(1); //", "%s%n"]

NAMES = """#include <stdio.h>
#include "net.h"
int main(void) {
  static const char *const columns[] = NET_COLUMNS, *const classes[] = NET_CLASSES;
  static const %s mean[] = NET_INPUT_MEAN, scale[] = NET_INPUT_SCALE;
  int i;
  for (i = 0; i < NET_INPUT_0; i++) printf("%%s%%c", columns[i], 0);
  for (i = 0; i < NET_OUTPUTS; i++) printf("%%s%%c", classes[i], 0);
  printf("[%%d, %%g, %%g, %%g, %%g]", NET_OUTPUTS, (double)mean[0], (double)scale[8], (double)NET_OUTPUT_MEAN,
         (double)NET_OUTPUT_SCALE);
  return 0;
}
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_header_has_sizes_names_and_scaling_and_hostile_names_stay_texts(dtype, tmp_path):
    model = MLP(9, [2], rng=0)
    about = About(HOSTILE, [*HOSTILE[:1], 2.5], [0.5] * 9, [4.0] * 9, (1.0, 2.0), classifies=True)
    _, _, library = saved(tmp_path, model, model.parameters(), np.ones((2, 9)), about=about, dtype=dtype)
    (tmp_path / "main.c").write_text(NAMES % ("float" if dtype == "float32" else "double"))
    subprocess.run([*COMPILER.command, *FLAGS, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    *names, numbers = subprocess.run([str(tmp_path / "main")], capture_output=True, check=True).stdout.split(b"\0")
    assert [name.decode("utf-8") for name in names] == [*HOSTILE, HOSTILE[0], "2.5"]
    assert json.loads(numbers) == [2, 0.5, 4.0, 1.0, 2.0]
    theta = library.theta(20)
    for x in np.random.default_rng(0).normal(size=(5, 9)).astype(library.dtype):
        outputs = library.value(theta, [x[None]], 2)[0]
        assert library("class", theta, x) == outputs.argmax()


def test_a_file_includes_one_header_allocates_nothing_and_has_no_double_where_it_is_of_floats(tmp_path):
    model = MLP(3, [4, 1], "tanh", rng=0)
    _, _, library = saved(tmp_path, lambda x, y: (y - model(x)) ** 2.0, model, np.ones((2, 3)), np.ones(2),
                          dtype="float32")  # fmt: skip
    text = re.sub(r"/\*.*?\*/", "", (tmp_path / "net.c").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert re.findall(r"#include (.*)", text) == ["<math.h>"]
    assert not re.search(r"\bdouble\b|alloc|free\(|printf|[^\w]\d+\.\d+(?![\dfe])", text)
    assert (tmp_path / "net.c").read_text(encoding="utf-8").startswith((tmp_path / "net.h").read_text(encoding="utf-8"))
    assert library.theta(21).dtype == np.float32


@pytest.mark.parametrize("start", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 14, 2))])
def test_random_structures_in_float_give_what_numpy_gives_in_float(start, tmp_path):
    for seed in range(start, start + 2):
        f, chance = Structure(seed), np.random.default_rng(seed)
        inputs = inputs_of(chance, 3)
        program, _, library = saved(tmp_path, f, f.parameters, *inputs, dtype="float32")
        traced = program._latest()
        given = [one.astype(np.float32) for one in flat_inputs(traced, inputs)]
        meaning = Meaning(whole(traced.array_plan(), "value"), program.parameters(), given, np.float32)
        wanted = np.broadcast_to(meaning.results[0], (1, 3))[0].astype(float)
        found = library.value(library.theta(len(f.parameters)), given, 1)[:, 0]
        assert np.abs(found - wanted).max() <= 1e-3 * max(1.0, np.abs(wanted).max()), seed


@pytest.mark.parametrize("seed", [6, 8, 13, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 22, 53))])
def test_random_structures_in_bytes_give_what_was_measured(seed, tmp_path):
    f, inputs = Structure(seed), inputs_of(np.random.default_rng(seed), 5)
    program, said, library = saved(tmp_path, f, f.parameters, *inputs, dtype="int8", examples=inputs)
    found = library.value(None, flat_inputs(program._latest(), inputs), 1)
    # Where tanh differs in its last digit, a number may be rounded to another byte, as if another error were made.
    off, room = np.abs(found - said.outputs), 1e-5 * max(1.0, said.largest)
    assert np.median(off) <= room and off.max() <= room + said.error
    assert 0.0 < said.error < 0.1 * max(1.0, said.largest)


RUN = """#include "net.h"
int main(void) {
  static %s theta[PARAMETERS], x[NET_INPUT_0], out[NET_OUTPUTS];
  int i;
  for (i = 0; i < NET_INPUT_0; i++) x[i] = (i %% 7) * 0.5f - 1.0f;
  (void)theta;
  return %s;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", WITH_MATRICES)
@pytest.mark.parametrize("dtype", KINDS)
def test_nothing_in_a_file_is_undefined(kind, dtype, tmp_path):
    f, parameters, x = WITH_MATRICES[kind](np.random.default_rng(0))
    saved(tmp_path, f, parameters, x, dtype=dtype, examples=(x,))
    run = "net_value(x, out)" if dtype == "int8" else "net_value(theta, x, out)"
    text = RUN.replace("PARAMETERS", str(len(parameters))) % ("double" if dtype == "float64" else "float", run)
    (tmp_path / "main.c").write_text(text)
    flags = ["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    done = subprocess.run([*COMPILER.command, *flags, "net.c", "main.c", "-o", "main", "-lm"], cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        pytest.skip(f"this compiler has no sanitisers: {done.stderr[-200:]}")
    assert subprocess.run([str(tmp_path / "main")], capture_output=True, text=True).stderr == ""


def test_what_no_file_can_be_made_of_is_refused(tmp_path):
    big = [Value(1.0), Value(1e300)]
    program = engine.compile(lambda x: dot(big, list(x)), big)
    program(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"parameter 1 of 2 is 1e\+300, and a file of C holds numbers up to 3.4e\+38"):
        program.save(tmp_path / "big.c", dtype="float32")
    big[1].data = float("nan")
    with pytest.raises(ValueError, match="parameter 1 of 2 is nan, and a file of C holds finite numbers"):
        program.save(tmp_path / "odd.c")
    w = [Value(0.5), Value(2.0)]
    program = engine.compile(lambda x: sin(x * w[0]) + w[1], w)
    program(np.ones(3))
    for settings, said in (
        (dict(dtype="float16"), r"dtype='float16' is not one of 'float64', 'float32', 'int8'"),
        (dict(dtype="int8"), r'dtype="int8" needs examples.*examples=\(X,\)'),
        (dict(dtype="int8", examples=(np.ones(3),)), r'rounds matrices of parameters.*take "float32"'),
        (dict(dtype="float32", examples=(np.ones((3, 2)),)), r"one example of input 0 has shape \(2,\)"),
    ):
        with pytest.raises(ValueError, match=said):
            program.save(tmp_path / "net.c", **settings)
    with pytest.raises(ValueError, match=r"are for a file of C, as in save\('net.c', dtype='int8'\)"):
        program.save(tmp_path / "net.js", dtype="int8")
    assert list(tmp_path.iterdir()) == []


def test_a_chain_of_one_example_is_saved_in_floats_with_its_rounding(tmp_path):
    w = [Value(0.3), Value(-0.2)]

    def f(x):
        for _ in range(10):
            x = relu(tanh(w[0] * x) + w[1] * x) + 0.1
        return x

    program, said, library = saved(tmp_path, f, w, 0.7, dtype="float32", batch=False, examples=(0.7,))
    out = library.value(library.theta(2), [np.array([[0.7]])], 1)
    assert 0.0 < said.error < 1e-6 and abs(out[0, 0] - program(0.7)) < 1e-6
