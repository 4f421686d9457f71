"""Models as JavaScript and as C answer what they answer here, with scaling and names, and say what few digits cost."""

import ctypes
import itertools
import json
import shutil
import subprocess

import numpy as np
import pytest
from exported_models import MODELS, TABLES

import chainrule as cr
from chainrule.engine.compiler.run import compilers
from chainrule.nn import MLP, Module, Neuron

NODE = shutil.which("node")
COUNT = itertools.count()
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-fPIC", "-shared"]


def compiler():
    try:
        found = compilers.compiler()
    except compilers.NoCompiler as problem:
        pytest.skip(f"this test compiles C: {problem}")
    if found.is_cl:
        pytest.skip("the flags are those of gcc and clang")
    return found.command


def in_c(folder, name, dtype):
    """A function that calls the functions of a file of C, with lists of numbers; outputs are lists of zeros."""
    made = folder / f"{name}{next(COUNT)}.so"
    subprocess.run([*compiler(), *FLAGS, f"{name}.c", "-o", str(made), "-lm"], cwd=folder, check=True)
    library, kind = ctypes.CDLL(str(made)), ctypes.c_double if dtype == "float64" else ctypes.c_float

    def call(function, *given):
        arguments = [(kind * len(one))(*one) if isinstance(one, list) else kind(one) for one in given]
        returned = getattr(library, f"{name}_{function}")(*arguments)
        return returned, [list(one) for one in arguments if isinstance(one, ctypes.Array)]

    def theta(count):
        return list((kind * count).in_dll(library, f"{name}_theta"))

    return call, theta


def in_node(folder, text):
    if NODE is None:
        pytest.skip("node is not installed")
    (folder / "ask.mjs").write_text(text, encoding="utf-8")
    done = subprocess.run([NODE, "ask.mjs"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(params=TABLES)
def on_a_table(request, tmp_path):
    return TABLES[request.param](tmp_path)


def test_models_of_all_kinds_predict_the_same_in_javascript(tmp_path):
    X, calls = np.random.default_rng(0).normal(size=(7, 3)), []
    for i, make in enumerate(MODELS.values()):
        make().save(tmp_path / f"net{i}.mjs")
        calls.append(f'Array.from((await import("./net{i}.mjs")).predict(X))')
    found = in_node(tmp_path, f"const X = {json.dumps(X.tolist())}; console.log(JSON.stringify([{', '.join(calls)}]));")
    for make, outputs in zip(MODELS.values(), found):
        np.testing.assert_allclose(outputs, make().predict(X).ravel(), rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_models_of_all_kinds_predict_the_same_in_c(make, tmp_path):
    model, X = make(), np.random.default_rng(0).normal(size=(7, 3))
    model.save(tmp_path / "net.c")
    call, theta = in_c(tmp_path, "net", "float64")
    for row, outputs in zip(X.tolist(), np.reshape(model.predict(X), (7, -1))):
        status, arrays = call("value", theta(len(model.parameters())), row, [0.0] * len(outputs))
        assert status == 0
        np.testing.assert_allclose(arrays[-1], outputs, rtol=1e-12, atol=1e-12)


def test_scaling_and_names_go_along_into_javascript(on_a_table, tmp_path):
    model, _, rows, numbers, _ = on_a_table
    assert model.save(tmp_path / "net.mjs") == tmp_path / "net.mjs"
    asked = f"""import * as net from "./net.mjs";
      const rows = {json.dumps(numbers)}, answers = net.predict_class ? net.predict_class(rows) : null;
      console.log(JSON.stringify([Array.from(net.predict(rows)), answers, net.columns, net.classes ?? []]));"""
    outputs, answers, columns, classes = in_node(tmp_path, asked)
    known = model.preparation
    np.testing.assert_allclose(outputs, model.predict(rows).ravel(), rtol=1e-10)
    assert (columns, classes) == (list(known.feature_names), list(known.class_names))
    assert answers == (model.predict_class(rows).tolist() if known.class_names else None)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8"])
def test_scaling_and_names_go_along_into_c(on_a_table, tmp_path, dtype):
    model, _, rows, numbers, _ = on_a_table
    made = cr.to_c(model, tmp_path / "net.c", dtype=dtype, X=rows)
    call, theta = in_c(tmp_path, "net", dtype)
    wanted = np.reshape(model.predict(rows), (len(numbers), -1))
    given = [] if dtype == "int8" else [theta(len(model.parameters()))]
    room = {"float64": 1e-10, "float32": 1e-5}.get(dtype) or 1.1 * made.rounding.error / np.abs(wanted).max()
    for row, outputs, place in zip(numbers, wanted, itertools.count()):
        status, arrays = call("value", *given, row, [0.0] * len(outputs))
        assert status == 0 and np.abs(np.array(arrays[-1]) - outputs).max() <= room * np.abs(wanted).max()
        if model.preparation.class_names and dtype != "int8":
            assert model.preparation.class_names[call("class", *given, row)[0]] == model.predict_class(rows)[place]
    header = (tmp_path / "net.h").read_text(encoding="utf-8")
    assert ("_OUTPUT_SCALE" in header) is (not model.preparation.class_names) and "NET_COLUMNS {" in header
    assert "NET_INPUT_MEAN {" in header and made.header == header


def test_the_program_of_a_model_takes_prepared_inputs_and_has_the_names(on_a_table, tmp_path):
    model, _, rows, _, _ = on_a_table
    program, prepared = cr.compile(model), model.preparation.inputs(rows)
    wanted = program(prepared)
    program.save(tmp_path / "net.mjs")
    program.save(tmp_path / "net.c")
    asked = f"""import * as net from "./net.mjs";
      const rows = {json.dumps(np.asarray(prepared).tolist())};
      console.log(JSON.stringify([Array.from(net.value(rows)), net.columns, net.predict_class?.(rows) ?? null]));"""
    outputs, columns, answers = in_node(tmp_path, asked)
    assert columns == list(model.preparation.feature_names)
    np.testing.assert_allclose(outputs, wanted.ravel(), rtol=1e-12)
    assert answers == (model.predict_class(rows).tolist() if model.preparation.class_names else None)
    assert ("NET_CLASSES" in (tmp_path / "net.h").read_text(encoding="utf-8")) is bool(model.preparation.class_names)


def test_a_file_with_a_loss_learns_on_the_device_as_here(on_a_table, tmp_path):
    model, loss, rows, numbers, truths = on_a_table
    cr.to_c(model, tmp_path / "net.c", loss=loss)
    call, start = in_c(tmp_path, "net", "float64")
    theta = start(len(model.parameters()))
    prepared, learnt = model.preparation.inputs(rows), model.preparation.learnt(truths)
    program = cr.compile(lambda x, y: loss(model(x), y), model)
    ours = program.parameters()
    for step in range(12):
        i = step % len(numbers)
        _, gradient = program.value_and_grad(prepared[i : i + 1], learnt[i : i + 1], at=ours.copy())
        ours -= 0.05 * gradient
        label = float(learnt[i]) if model.preparation.class_names else truths[i]
        status, arrays = call("step", theta, numbers[i], [label], 0.05, [0.0])
        theta = arrays[0]
        assert status == 0
    assert np.abs(np.array(theta) - ours).max() < 1e-10 and np.abs(ours - program.parameters()).max() > 1e-3


def test_what_bytes_cost_on_iris_is_said_in_errors_and_in_classes(tmp_path):
    data = cr.iris().standardise()
    model = MLP(4, [8, 3], activation="tanh", rng=0)
    cr.fit(model, cr.cross_entropy, data, epochs=20, progress=False)
    made = cr.to_c(model, tmp_path / "iris.c", dtype="int8", X=data, y=data.y)
    classes = made.rounding.outputs.argmax(axis=1)
    assert (
        made.right == (classes == data.y).sum() and made.right_before == (model.predict(data).argmax(1) == data.y).sum()
    )
    assert made.agree == (classes == model.predict(data).argmax(axis=1)).sum() >= 145
    assert str(made).endswith(f"{made.right} of 150 classes are right, {made.right_before} in float64")
    named = np.array(model.preparation.class_names)[data.y]
    assert cr.to_c(model, dtype="int8", X=data, y=named).right == made.right


class Squares(Module):
    """A model of a user's own."""

    def __init__(self):
        self.neurons = [Neuron(2, activation="tanh", rng=i) for i in range(3)]

    def __call__(self, x):
        return sum(neuron(x) ** 2 for neuron in self.neurons)


@pytest.mark.parametrize("write", [cr.to_c, cr.to_javascript], ids=lambda write: write.__name__)
def test_a_model_of_ones_own_needs_some_rows(write, tmp_path):
    with pytest.raises(TypeError, match=rf"{write.__name__} does not know how many numbers Squares .*X=examples"):
        write(Squares())
    assert write(Squares(), X=np.ones((3, 2)))


def test_models_without_a_table_and_with_one_output_have_their_classes(tmp_path):
    data = cr.moons(60)
    model = MLP(2, [6, 1], rng=0)
    cr.fit(model, cr.hinge, data.X, 2 * data.y - 1, epochs=20, progress=False)
    assert model.class_labels
    model.save(tmp_path / "net.mjs")
    model.save(tmp_path / "net.c")
    asked = f"""import {{ predict_class }} from "./net.mjs";
      console.log(JSON.stringify(predict_class({json.dumps(data.X.tolist())})));"""
    assert in_node(tmp_path, asked) == model.predict_class(data.X).tolist()
    call, theta = in_c(tmp_path, "net", "float64")
    places = [call("class", theta(len(model.parameters())), row)[0] for row in data.X.tolist()]
    assert np.array(model.class_labels)[places].tolist() == model.predict_class(data.X).tolist()


def test_a_sigmoid_says_the_second_class_above_one_half(tmp_path):
    model = MLP(2, [1], output="sigmoid", rng=0)
    model.class_labels = ("no", "yes")
    model.save(tmp_path / "net.c")
    call, theta = in_c(tmp_path, "net", "float64")
    rows = np.random.default_rng(0).normal(size=(20, 2)).tolist()
    wanted = model.predict_class(rows).tolist()
    assert set(wanted) == {"no", "yes"}
    assert [("no", "yes")[call("class", theta(3), row)[0]] for row in rows] == wanted


def test_what_does_not_fit_is_refused_with_what_to_write(tmp_path):
    data = cr.moons(40)
    model = MLP(2, [4, 1], rng=0)
    cr.fit(model, cr.hinge, data.X, 2 * data.y - 1, epochs=2, progress=False)
    for settings, said in (
        (dict(path=tmp_path / "net.h"), r"as in to_c\(model, 'net.c'\); got the path '.*net.h'"),
        (dict(dtype="int8", X=data.X, y=data.y[:7]), "X has 40 rows, and y has 7"),
        (dict(dtype="int8", X=data.X, y=data.y + 5), r"y holds 5, and the model was trained on the classes \[-1"),
        (dict(dtype="half"), "dtype='half' is not one of 'float64', 'float32', 'int8'"),
        (dict(dtype="int8"), 'dtype="int8" needs examples'),
    ):
        with pytest.raises(ValueError, match=said):
            cr.to_c(model, **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_file_learns_several_targets_at_once(tmp_path):
    model, X = MLP(2, [3, 2], activation="tanh", rng=0), np.random.default_rng(0).normal(size=(6, 2))
    y = X[:, ::-1] * 0.5
    cr.to_c(model, tmp_path / "net.c", loss=cr.mse, X=X, y=y)
    call, theta = in_c(tmp_path, "net", "float64")
    status, arrays = call("step", theta(len(model.parameters())), X[0].tolist(), y[0].tolist(), 0.1, [0.0])
    program = cr.compile(lambda x, y: cr.mse(model(x), y), model)
    value, gradient = program.value_and_grad(X[:1], y[:1])
    assert status == 0 and arrays[-1][0] == pytest.approx(value, rel=1e-12)
    assert np.abs(arrays[0] - (program.parameters() - 0.1 * gradient)).max() < 1e-14


def test_settings_belong_to_their_endings(tmp_path):
    model = MLP(2, [2], rng=0)
    with pytest.raises(TypeError, match="save: dtype is for files of C, JavaScript and Python"):
        model.save(tmp_path / "net.json", dtype="int8")
    with pytest.raises(ValueError, match="bytes cannot learn"):
        model.save(tmp_path / "net.c", dtype="int8", X=np.ones((2, 2)), loss=cr.cross_entropy)
    assert list(tmp_path.iterdir()) == []
    model.save(tmp_path / "net.c", dtype="int8", X=np.ones((2, 2)))
    model.save(tmp_path / "net.py")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.c", "net.h", "net.py"]
    assert (tmp_path / "net.py").read_text(encoding="utf-8") == cr.to_numpy_source(model)


def test_the_gradient_that_is_measured_is_that_of_the_loss_with_which_the_file_learns():
    data = cr.houses().standardise()
    model = MLP(data.inputs, [4, 1], activation="tanh", rng=0)
    cr.fit(model, cr.mse, data, epochs=2, progress=False)
    made = cr.to_c(model, dtype="float32", loss=cr.mse, X=data, y=data.y)
    program = cr.compile(lambda x, y: cr.mse(model(x), y), model)
    learnt = model.preparation.learnt(data.y)
    _, gradient = program.value_and_grad(model.preparation.inputs(data), np.asarray(learnt))
    assert made.rounding.largest_slope == pytest.approx(np.abs(gradient).max(), rel=1e-6)
    assert 0.0 < made.rounding.gradient_error < 1e-5
    assert "x1, is what is to be predicted, in the units of the table" in made.header.replace("\n   ", " ")
