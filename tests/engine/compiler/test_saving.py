"""Saved programs are modules of their own, which need NumPy alone and give the program's numbers."""

import ast
import inspect
import json
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from saved_programs import KINDS, iris_like

from chainrule import engine
from chainrule.engine import Value
from chainrule.engine.compiler.run import running

# Prints as JSON what each function of the module gives for the inputs, and for other parameters if there are any.
ASK = """
import json, sys
import numpy as np
sys.path.insert(0, ".")
import saved
def plain(given):
    if isinstance(given, tuple):
        return [plain(each) for each in given]
    return None if given is None else np.asarray(given).tolist()
inputs = [np.array(data, dtype) for data, dtype in json.loads(sys.argv[1])]
answers = {}
for name in ("value", "value_and_grad", "input_gradients"):
    if hasattr(saved, name):
        function = getattr(saved, name)
        answers[name] = plain(function(*inputs))
        if hasattr(saved, "theta"):
            answers[name + " elsewhere"] = plain(function(*inputs, theta=saved.theta + 0.25))
print(json.dumps([answers, sorted(module for module in sys.modules if module.startswith("chainrule"))]))
"""


def plain(given):
    if isinstance(given, tuple):
        return [plain(each) for each in given]
    return None if given is None else np.asarray(given).tolist()


def run_alone(folder, code, *arguments):
    """Run Python in that folder, without chainrule."""
    command = [sys.executable, "-I", "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    return done.stdout


def saved_module(text):
    names = {"__name__": "saved"}
    exec(compile(text, "saved.py", "exec"), names)
    return names


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_saved_program_runs_without_chainrule_and_gives_the_same_numbers(kind, tmp_path):
    f, parameters, inputs, batch = kind(np.random.default_rng(0))
    program = engine.compile(f, params=parameters, batch=batch)
    program(*inputs)
    program.save(tmp_path / "saved.py")
    assert [path.name for path in tmp_path.iterdir()] == ["saved.py"]
    given = json.dumps([[np.asarray(each).tolist(), np.asarray(each).dtype.char] for each in inputs])
    answers, of_ours = json.loads(run_alone(tmp_path, ASK, given))
    assert of_ours == []
    gradients = ["input_gradients", *["value_and_grad"] * bool(parameters)]
    methods = ["value", *([] if "several" in kind.__name__ else gradients)]
    wanted = {}
    for name in methods:
        method = program if name == "value" else getattr(program, name)
        wanted[name] = plain(method(*inputs))
        if parameters:
            wanted[f"{name} elsewhere"] = plain(method(*inputs, at=program.parameters() + 0.25))
    assert answers.keys() == wanted.keys()
    for name, expected in wanted.items():
        if kind is iris_like and name.startswith("value_and_grad"):  # files always use lines for infinite logits
            (mean, *answers[name]), (expected_mean, *expected) = answers[name], expected
            assert mean == pytest.approx(expected_mean, rel=4 * np.finfo(float).eps)
        assert_alike(answers[name], expected, exact=batch)


def assert_alike(found, expected, exact):
    """Assert that both have the same bits, or the same numbers where `exact` is False.

    A program that runs on floats adds up in another order than its file, which runs on arrays.
    """
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected):
            assert_alike(one, other, exact)
    elif exact or expected is None:
        assert found == expected
    else:
        assert found == pytest.approx(expected, rel=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_example_in_the_docstring_of_a_saved_program_runs(kind, tmp_path):
    f, parameters, inputs, batch = kind(np.random.default_rng(0))
    program = engine.compile(f, params=parameters, batch=batch)
    program(*inputs)
    program.save(tmp_path / "saved.py")
    code = "import doctest, sys; sys.path.insert(0, '.'); import saved; sys.exit(doctest.testmod(saved)[0])"
    run_alone(tmp_path, code)


def test_the_code_that_programs_run_on_imports_only_numpy():
    tree = ast.parse(inspect.getsource(running))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {("." * node.level) + (node.module or "") for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in modules} == {
        "__future__", "collections", "contextvars", "functools", "typing", "numpy",
    }  # fmt: skip


def test_labels_never_reach_the_file(tmp_path):
    w = Value(0.5, label='w"""\nimport os')

    def f(x):
        y = w * x
        y.label = "'''; hostile"
        return y * y

    program = engine.compile(f, params=[w])
    program(np.ones(2))
    program.save(tmp_path / "saved.py")
    text = (tmp_path / "saved.py").read_text(encoding="utf-8")
    assert "import os" not in text and "hostile" not in text


def test_parameters_are_saved_exactly(tmp_path):
    numbers = [0.1, -1e-308, 5e-324, 1e300, -0.0, np.pi, np.inf, -np.inf, np.nan] * 20
    parameters = [Value(number) for number in numbers]
    program = engine.compile(lambda x: parameters[0] * x, parameters)
    program(np.ones(1))
    program.save(tmp_path / "saved.py")
    text = (tmp_path / "saved.py").read_text(encoding="utf-8")
    assert saved_module(text)["theta"].tobytes() == np.array(numbers).tobytes()
    assert max(map(len, text.splitlines())) < 400
    assert " -1e-308, " in text and "(-" not in text, "no number of a list needs parentheses"


def test_a_pickled_program_can_be_saved_but_not_one_without_a_trace(tmp_path):
    w = Value(0.5)
    program = engine.compile(lambda x: w * x, params=[w])
    with pytest.raises(ValueError, match="nothing is traced yet: call the program once with data"):
        program.save(tmp_path / "saved.py")
    assert list(tmp_path.iterdir()) == []
    program(np.ones(2))
    program.save(tmp_path / "first.py")
    assert repr(program) == "Program of <lambda>, 1 parameter"
    assert repr(pickle.loads(pickle.dumps(program))) == "Program of 1 parameter"
    pickle.loads(pickle.dumps(program)).save(tmp_path / "second.py")
    assert (tmp_path / "first.py").read_text() == (tmp_path / "second.py").read_text()


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    program = engine.compile(lambda x: x * 2.0)
    program(np.ones(2))
    (tmp_path / "saved.py").write_text("what was there")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        program.save(tmp_path / "saved.py")
    assert [path.name for path in tmp_path.iterdir()] == ["saved.py"]
    assert (tmp_path / "saved.py").read_text() == "what was there"
    monkeypatch.undo()
    assert program.save(str(tmp_path / "saved.py")) == tmp_path / "saved.py"
    assert program.save(tmp_path / "saved.js") == tmp_path / "saved.js"
    assert program.save(tmp_path / "saved.c") == tmp_path / "saved.c"
    assert "def value(x):" in (tmp_path / "saved.py").read_text()


def test_a_saved_program_refuses_inputs_that_do_not_fit(tmp_path):
    f, parameters, (x, y), _ = iris_like(np.random.default_rng(0))
    program = engine.compile(f, params=parameters)
    program(x, y)
    program.save(tmp_path / "saved.py")
    saved = saved_module((tmp_path / "saved.py").read_text(encoding="utf-8"))
    value = saved["value"]
    for arrays, theta, kind, said in [
        ((x[:, :3], y), None, ValueError, r"one example of input 0 has shape \(3,\); this program takes \(4,\)"),
        ((x, y + 0.5), None, TypeError, "input 1 has dtype float64; this program takes integers there"),
        ((x, y[:4]), None, ValueError, "the inputs have 4 and 9 examples; all need the same number"),
        ((x[:0], y[:0]), None, ValueError, "the batch is empty"),
        ((x, y + 3), None, IndexError, r"index [345] is out of range: pick has 3 values .*, in example \d"),
        ((x.astype(str), y), None, TypeError, "input 0 has dtype <U32; an input holds numbers"),
        ((x, y), np.ones(3), ValueError, r"theta has shape \(3,\); it needs shape \(403,\), a number for each"),
    ]:
        with pytest.raises(kind, match=said):
            value(*arrays, **({} if theta is None else {"theta": theta}))
    whole = np.arange(36).reshape(9, 4)
    slopes, nothing = saved["input_gradients"](whole, y)
    assert nothing is None and slopes.tolist() == program.input_gradients(whole.astype(float), y)[0].tolist()


def test_threads_that_call_a_saved_program_share_no_buffers(tmp_path):
    f, parameters, (x, y), _ = iris_like(np.random.default_rng(0))
    program = engine.compile(f, params=parameters)
    program(x, y)
    program.save(tmp_path / "saved.py")
    value_and_grad = saved_module((tmp_path / "saved.py").read_text(encoding="utf-8"))["value_and_grad"]
    batches = [x + shift for shift in range(4)]
    expected = [value_and_grad(batch, y) for batch in batches]
    wrong = []

    def work(batch, wanted):
        for _ in range(50):
            mean, gradient = value_and_grad(batch, y)
            if mean != wanted[0] or (gradient != wanted[1]).any():
                wrong.append(batch)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(batches, expected)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
