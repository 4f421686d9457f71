"""Programs in C give the numbers of eager code, and are built once, whatever happens to a compiler."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from eager import assert_same, close, examples, run
from structures import Structure
from test_loops import X, random_chain
from test_structures import assert_one_example_is_eager_code, assert_outputs_are_eager_code, inputs_of
from test_where import GUARDED, MISSING, THERE, U, W

from chainrule import engine
from chainrule.engine import Value, cos, dot, exp, logsumexp, pick, sin, tanh
from chainrule.engine.compiler.arrays import layout
from chainrule.engine.compiler.run import compilers, native
from chainrule.nn import MLP, cross_entropy

try:
    COMPILER = compilers.compiler()
except compilers.NoCompiler as problem:
    pytest.skip(f"these tests compile C: {problem}", allow_module_level=True)

FLAGS = compilers.FLAGS  # as users have them; the slow tests take them, too
FEW = tuple("-O0" if flag == "-O3" else flag for flag in FLAGS)  # what is compiled once, and run once
SANITIZED = ("-O0", "-march=native", "-std=gnu99", "-fPIC", "-shared", "-fno-sanitize-recover=all")


@pytest.fixture(autouse=True, scope="module")
def a_cache_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINRULE_CACHE", str(tmp_path_factory.mktemp("libraries")))
        patch.setattr(compilers, "FLAGS", FEW)
        yield


def in_c(f, parameters, **settings):
    return engine.compile(f, params=parameters, backend="c", **settings)


def assert_structure_in_c_is_eager_code(seed):
    chance, f = np.random.default_rng(seed), Structure(seed)
    program = in_c(f, f.parameters)
    for how_many in {0: (2, 1), 1: (1, 3)}.get(seed % 4, (2,)):
        assert_same(program, f, f.parameters, *inputs_of(chance, how_many))
    assert program.backend == "c"
    if seed % 4 == 2:
        assert_outputs_are_eager_code(in_c(f.outputs, f.parameters), f, inputs_of(chance, 2))
    elif seed % 4 == 3:
        program = in_c(f, f.parameters, batch=False)
        assert_one_example_is_eager_code(program, f, examples(inputs_of(chance, 1))[0])
        assert program.backend == "c"


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))])
def test_random_structures_in_c_agree_with_eager_code(seed, monkeypatch):
    monkeypatch.setattr(compilers, "FLAGS", FEW if seed < 12 else FLAGS)
    monkeypatch.setattr(layout, "MANY_FEATURES", 1 + 31 * (seed % 2))  # examples as rows, or as columns
    assert_structure_in_c_is_eager_code(seed)


@pytest.mark.campaign
def test_thousands_of_random_structures_in_c_agree_with_eager_code(monkeypatch):
    for seed in range(1000):
        monkeypatch.setattr(layout, "MANY_FEATURES", 1 + 31 * (seed // 2 % 2))
        assert_structure_in_c_is_eager_code(seed)


@pytest.mark.slow
@pytest.mark.parametrize("features", [3, 40])  # 40: an example in each row
@pytest.mark.parametrize("n", [1, 7, 8, 9, 104, 105, 600, 5000])  # 104: so many are side by side
def test_any_number_of_examples_gives_what_numpy_gives(n, features):
    chance, model = np.random.default_rng(n), MLP(features, [5, 3], "tanh", rng=0)
    X, y = chance.normal(size=(n, features)), chance.integers(0, 3, n)

    def loss(x, label):
        return cross_entropy(model(x), label) + 1e-3 * sum(p * p for p in model.parameters())

    program, other = in_c(loss, model), engine.compile(loss, model)
    (value, gradient), (wanted, slopes) = program.value_and_grad(X, y), other.value_and_grad(X, y)
    assert program.backend == "c"
    assert abs(value - wanted) <= 1e-12 * max(1.0, wanted) and np.abs(gradient - slopes).max() <= 1e-12
    assert np.abs(program(X, y) - other(X, y)).max() <= 1e-12 * np.abs(X).sum(axis=1).max()
    assert np.abs(program.input_gradients(X, y)[0] - other.input_gradients(X, y)[0]).max() <= 1e-12
    if n < 300:
        assert np.abs(program.per_example(X, y) - other.per_example(X, y)).max() <= 1e-12 * np.abs(X).max() * 10


def pendulum(p, steps):
    """Steps of a pendulum, by Euler's method, of which each has a number of its own."""
    angle, speed = p[0], p[1]
    for step in range(steps):
        angle, speed = angle + 0.01 * speed, speed - 0.01 * p[2] * sin(angle) + 1e-4 * step * cos(p[0])
    return angle * speed


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 17, 400])
def test_a_chain_that_repeats_is_a_loop_and_gives_what_python_gives(steps):
    p = [Value(0.5), Value(-0.3), Value(9.81)]
    program = in_c(lambda: pendulum(p, steps), p, batch=False)
    expected = run(lambda: pendulum(p, steps), p, ())
    value, gradient = program.value_and_grad()
    assert program.backend == "c" and close(value, expected.outputs[0], expected.value_terms)
    assert close(gradient, expected.to_parameters, expected.parameter_terms).all()
    if steps == 400:
        assert program.source.count("sin(") < 100 and " s < " in program.source


def test_a_loop_reads_numbers_parameters_and_inputs_of_its_own_in_each_repetition():
    p, lengths = [Value(0.9 - 0.01 * i) for i in range(80)], []

    def f(x, steps):
        y = x[0]
        for i in range(steps):
            y = tanh(y * p[i]) + x[steps - i] * (0.1 + i)
        return y

    for steps in (40, 80):
        x = np.linspace(-0.5, 0.5, steps + 1)
        program = in_c(lambda x, steps=steps: f(x, steps), p, batch=False)
        expected = run(lambda x, steps=steps: f(x, steps), p, (x,))
        value, gradient = program.value_and_grad(x)
        assert program.backend == "c" and close(value, expected.outputs[0], expected.value_terms)
        assert close(gradient, expected.to_parameters, expected.parameter_terms).all()
        lengths.append(program._latest().c_function("value").text.count("\n"))
    assert lengths[0] == lengths[1] < 40


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))])
def test_random_chains_in_c_agree_with_eager_code(seed):
    f, parameters = random_chain(seed)
    program = in_c(f, parameters)
    assert_same(program, f, parameters, X)
    assert program.backend == "c"


def test_nothing_is_computed_for_the_gradient_of_an_input_of_integers():
    w, x, k = Value(0.5), np.array([1.0, -2.0]), np.array([1, 2])
    program, alone = (in_c(lambda x, k: tanh(w * x) * exp(k), [w], batch=batch) for batch in (True, False))
    slopes, none = program.input_gradients(x, k)
    assert none is None and np.allclose(slopes, 0.5 * np.exp(k) / np.cosh(0.5 * x) ** 2, rtol=1e-14)
    assert program._latest().c_function("input_gradients").results == (1, 0)
    assert np.isclose(alone.input_gradients(1.0, 2)[0], 0.5 * np.exp(2) / np.cosh(0.5) ** 2, rtol=1e-14)
    assert alone._latest().results("input_gradients")[2] == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 5, 24, 25, 60])
def test_a_long_chain_over_many_examples_gives_what_numpy_gives(n):
    p, x = [Value(0.5), Value(-0.3), Value(9.81)], np.linspace(-1.0, 1.0, n)

    def f(x):
        return pendulum([p[0] * x, p[1] + x, p[2]], 400)

    program, other = in_c(f, p), engine.compile(f, p)
    assert np.allclose(program(x), other(x), rtol=1e-12, atol=1e-12)
    assert program._latest().long and program.backend == "c"
    (value, gradient), (wanted, slopes) = program.value_and_grad(x), other.value_and_grad(x)
    assert np.isclose(value, wanted, rtol=1e-12) and np.allclose(gradient, slopes, rtol=1e-11)
    assert np.allclose(program.input_gradients(x), other.input_gradients(x), rtol=1e-11)
    assert np.allclose(program.per_example(x), other.per_example(x), rtol=1e-11)


def test_what_takes_many_numbers_works_in_scalar_programs():
    p = [Value(number) for number in (0.3, -0.7, 1.1, 0.2)]

    def f(x, index):
        return logsumexp([*p, x[0]]) * dot(p[:2], x) + pick(p, index) * exp(x[1])

    program = in_c(f, p, batch=False)
    for index in range(4):
        example = np.array([0.4, -1.2]), index
        expected = run(f, p, example)
        value, gradient = program.value_and_grad(*example)
        assert program.backend == "c" and close(value, expected.outputs[0], expected.value_terms)
        assert close(gradient, expected.to_parameters, expected.parameter_terms).all()


@pytest.mark.parametrize("batch", [True, False])
def test_an_index_that_does_not_exist_is_the_same_error_as_in_numpy(batch):
    p = [Value(number) for number in (0.3, -0.7, 1.1)]
    good, bad = (np.array([0, 2, 1]), np.array([0, 2, 3])) if batch else (2, 3)
    messages = []
    for backend in ("numpy", "c"):
        program = engine.compile(lambda i: pick(p, i) * p[0], p, batch=batch, backend=backend)
        program.value_and_grad(good)
        for method in (program, program.value_and_grad):
            with pytest.raises(IndexError) as caught:
                method(bad)
            messages.append(str(caught.value))
    assert messages[:2] == messages[2:]


def test_infinite_logits_are_exact_and_nan_stays_nan():
    model = [Value(1.0), Value(2.0)]

    def loss(x, label):
        return cross_entropy([model[0] * x[0], model[1] * x[1], x[2]], label)

    for row in ([1e308, 1e308, 0.0], [-1e308, 0.0, 1.0], [np.nan, 0.0, 0.0], [700.0, 0.1, -700.0]):
        X, y = np.array([row, [0.1, 0.2, 0.3]]), np.array([1, 0])
        (value, gradient), (wanted, slopes) = (
            engine.compile(loss, model, backend=backend).value_and_grad(X, y) for backend in ("c", "numpy")
        )
        assert np.isclose(value, wanted, rtol=1e-14, equal_nan=True)
        assert np.allclose(gradient, slopes, rtol=1e-12, equal_nan=True)


# --- how libraries are built, and kept


@pytest.mark.parametrize("batch", [True, False])
def test_an_input_that_nothing_chooses_may_be_nan_or_infinite(batch):
    program = in_c(GUARDED["squares"], [W, U], batch=batch)
    for example in [(MISSING, THERE)] if batch else examples([MISSING, THERE]):
        runs = [run(GUARDED["squares"], [W, U], one) for one in (examples(example) if batch else [example])]
        expected = np.mean([one.to_parameters for one in runs], axis=0)
        assert np.isfinite(expected).all() and close(program.value_and_grad(*example)[1], expected, 10.0).all()
    assert program.backend == "c"


def test_without_a_compiler_numpy_runs_and_one_warning_says_so(monkeypatch):
    w = Value(3.0)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    program = in_c(lambda x: w * x, [w])
    with pytest.warns(RuntimeWarning, match="runs in NumPy, not in C: no C compiler was found") as seen:
        assert program(np.array([1.0, 2.0])).tolist() == [3.0, 6.0]
        assert program.value_and_grad(np.array([1.0, 2.0]))[0] == 4.5
    assert len(seen) == 1 and seen[0].filename == __file__
    assert program.backend.startswith("numpy (no C compiler was found")


def test_a_compiler_that_fails_is_named_and_leaves_nothing_behind(monkeypatch, tmp_path):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo broken 1.0 && exit\n"
                      "for a; do last=$a; done\necho half > program.so\nkill -9 $$\n")  # fmt: skip
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    w = Value(3.0)
    with pytest.warns(RuntimeWarning, match="did not compile the program"):
        assert in_c(lambda x: w * x, [w])(np.array([1.0])).tolist() == [3.0]
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_broken_library_is_built_again(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    text = "int seven(void) { return 7; }\n"
    assert compilers.library(text).seven() == 7
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    for broken in (b"", b"no library", whole[:500], whole[: len(whole) // 2], whole[:-1] + b"?"):
        path.unlink()
        path.write_bytes(broken)  # to load the half of a library is a bus error, which ends Python
        path.chmod(0o700)
        assert compilers.library(text).seven() == 7
        assert [one.read_bytes() for one in tmp_path.iterdir()] == [whole]


def hanging(monkeypatch, tmp_path):
    """$CC is a script that waits for a child; gives the function that says whether this child still runs."""
    script, number = tmp_path / "slow cc", tmp_path / "number"
    script.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo slow 1.0 && exit\n"
                      f"sleep 600 &\necho $! > '{number}.part'\nmv '{number}.part' '{number}'\nwait\n")  # fmt: skip
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))

    def ends():
        for _ in range(600):  # init may take a moment
            said = subprocess.run(["ps", "-o", "stat=", "-p", number.read_text()], capture_output=True, text=True)
            if said.stdout.strip()[:1] in ("", "Z"):
                return True
            time.sleep(0.1)
        return False

    return number, ends


needs_ps = pytest.mark.skipif(not shutil.which("ps"), reason="there is no ps to look at processes")


@pytest.mark.slow
@needs_ps
def test_a_compiler_that_hangs_is_told_of_and_stopped_with_its_children(monkeypatch, tmp_path):
    _, ends = hanging(monkeypatch, tmp_path)
    monkeypatch.setattr(compilers, "PATIENCE", 4.0)
    monkeypatch.setattr(compilers, "PATIENCE_UNTOLD", 2.0)
    w = Value(3.0)
    with pytest.warns(RuntimeWarning) as seen:
        assert in_c(lambda x: w * x, [w])(np.array([1.0])).tolist() == [3.0]
    assert "slow cc has been at work for 2 s; after 4 s it is stopped" in str(seen[0].message)
    assert "because it had not ended after 4 s" in str(seen[1].message)
    assert [one.filename for one in seen] == [__file__] * 2
    assert ends() and list((tmp_path / "cache").iterdir()) == []


@needs_ps
def test_ctrl_c_stops_the_compiler_and_says_so(monkeypatch, tmp_path):
    number, ends = hanging(monkeypatch, tmp_path)
    communicate = subprocess.Popen.communicate

    def interrupted(work, *given, **more):
        if work.args[0].endswith("slow cc") and work.args[-1] != "--version":
            while not number.exists():
                time.sleep(0.01)
            raise KeyboardInterrupt
        return communicate(work, *given, **more)

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    w = Value(3.0)
    with pytest.raises(KeyboardInterrupt, match="slow cc was at work, and is stopped"):
        in_c(lambda x: w * x, [w])(np.array([1.0]))
    assert ends() and list((tmp_path / "cache").iterdir()) == []


@needs_ps
def test_a_process_that_ends_while_c_is_built_leaves_nothing_behind_and_says_nothing(monkeypatch, tmp_path):
    number, ends = hanging(monkeypatch, tmp_path)
    code = (
        "import os, time, numpy as np\nfrom chainrule import engine\nw = engine.Value(3.0)\n"
        "program = engine.compile(lambda x: w * x, [w], backend='auto')\nprogram(np.array([1.0, 2.0]))\n"
        f"while not os.path.exists({str(number)!r}): time.sleep(0.01)\nprint(program.backend)\n"
    )
    root = str(Path(engine.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-W", "always::ResourceWarning", "-c", code], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": path})  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "numpy (C is being built)\n", "")
    assert ends() and list((tmp_path / "cache").iterdir()) == []


def test_a_compiler_that_writes_nothing_is_said_to_write_nothing(monkeypatch, tmp_path):
    mute = tmp_path / "mute"
    mute.write_text("#!/bin/sh\nexit 0\n")
    mute.chmod(0o755)
    monkeypatch.setenv("CC", str(mute))
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(compilers.NoCompiler, match="it ended as if all were well, and wrote no library"):
        compilers.library("int eight(void) { return 8; }\n")


@pytest.mark.parametrize("backend", ["c", "auto"])
def test_libraries_that_cannot_be_loaded_are_one_warning_at_the_line_of_the_user(monkeypatch, tmp_path, backend):
    def refused(path):
        raise OSError(f"{path}: failed to map segment from shared object")

    monkeypatch.setattr(compilers.ctypes, "CDLL", refused)
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    w, x = Value(3.0), np.array([1.0, 2.0])
    program = engine.compile(lambda x: tanh(w * x), [w], backend=backend)
    with pytest.warns(RuntimeWarning, match="cannot be loaded from .*: the library: failed to map") as seen:
        for method in (program, program.value_and_grad, program.input_gradients):
            method(x)
            program._latest().native.wait()
    assert [one.filename for one in seen] == [__file__]


def test_an_unusable_cache_folder_is_named_with_the_reason(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match=r"cannot be kept in .*file \(File exists\), so they are built") as seen:
        folders = {compilers.cache_folder() for _ in range(3)}
    assert len(seen) == len(folders) == 1 and seen[0].filename == __file__


SEVEN = "int seven(void) { return 7; }\n"


def test_a_cache_folder_may_be_relative_to_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for given in (".", "cache"):
        monkeypatch.setenv("CHAINRULE_CACHE", given)
        assert compilers.library(SEVEN).seven() == 7
        assert len(list(Path(given).glob("chainrule-*"))) == 1


def test_what_else_stands_in_the_cache_folder_stays_there(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(compilers, "KEPT", 0)
    left = [tmp_path / f"{compilers.BUILDING}1", tmp_path / f"chainrule-{0:032x}-{0:016x}.so"]
    own = [tmp_path / "building-plans", tmp_path / "own.so"]
    for path in (left[0], own[0]):
        path.mkdir()
    for path in (left[1], own[1]):
        path.write_bytes(b"")
    for path in (*left, *own):
        os.utime(path, (0.0, 0.0))
    assert compilers.library(SEVEN).seven() == 7
    assert all(path.exists() for path in own) and not any(path.exists() for path in left)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")
def test_what_others_may_write_to_is_not_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    assert compilers.library(SEVEN).seven() == 7
    [path] = tmp_path.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    path.unlink()
    path.write_bytes(b"what somebody else has put there")
    path.chmod(0o777)
    assert compilers.library(SEVEN).seven() == 7 and path.stat().st_mode & 0o077 == 0
    tmp_path.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="others may write there"):
        assert compilers.cache_folder() != tmp_path


def test_a_folder_that_takes_no_file_is_one_warning_and_numpy_runs(monkeypatch, tmp_path):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(compilers, "_build", full)
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    w = Value(3.0)
    with pytest.warns(RuntimeWarning, match="cannot be kept: No space left on device"):
        assert in_c(lambda x: w * x, [w])(np.array([1.0])).tolist() == [3.0]


def test_without_a_home_folder_there_is_a_temporary_cache(monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("CHAINRULE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", home)
    with pytest.warns(RuntimeWarning, match="the user's cache folder .Could not determine home directory"):
        assert compilers.cache_folder().parent == Path(tempfile.gettempdir())


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is a script")
def test_the_path_of_a_compiler_may_have_spaces_and_what_it_says_any_encoding(monkeypatch, tmp_path):
    folder = tmp_path / "my tools"
    folder.mkdir()
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    good, mute = folder / "cc", folder / "mute"
    good.write_text(f"#!/bin/sh\nprintf '\\374 says'\nexec {shlex.join(COMPILER.command)} \"$@\"\n")
    mute.write_text("#!/bin/sh\nexit 1\n")
    for path in (good, mute):
        path.chmod(0o755)
    monkeypatch.setenv("CC", str(good))
    assert compilers.compiler().command == (str(good),) and compilers.library(SEVEN).seven() == 7
    monkeypatch.setenv("CC", str(mute))
    with pytest.raises(compilers.NoCompiler, match="mute', which is not on the PATH, or cannot run"):
        compilers.compiler()


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is a script")
def test_a_compiler_that_names_functions_in_its_own_way_is_asked_whether_it_is_one_of_c(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    mangles = tmp_path / "mangles"
    other = "-Dchainrule_value=_Z15chainrule_valuel"
    mangles.write_text(f'#!/bin/sh\nexec {shlex.join(COMPILER.command)} {other} "$@"\n')
    mangles.chmod(0o755)
    monkeypatch.setenv("CC", str(mangles))
    w = Value(2.0)
    with pytest.warns(RuntimeWarning, match="leaves out the function chainrule_value: is it a compiler of C, as gcc"):
        assert in_c(lambda x: w * x, [w])(np.array([3.0])).tolist() == [6.0]


def test_two_processes_build_the_same_library_at_once(tmp_path):
    code = (
        "import numpy as np\nfrom chainrule import engine\nw = engine.Value(3.0)\n"
        "program = engine.compile(lambda x: w * x, [w], backend='c')\n"
        "print(program(np.array([1.0, 2.0])), program.backend)\n"
    )
    root = str(Path(engine.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "CHAINRULE_CACHE": str(tmp_path), "PYTHONPATH": path}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(2)
    ]
    assert [one.communicate()[0].strip() for one in started] == ["[3. 6.] c"] * 2
    assert len(list(tmp_path.iterdir())) == 1


def test_steps_in_c_name_what_is_missing_or_too_short():
    rule = """static long cr_rule(long n, double taken, double rate, const double *settings, double *theta,
        double *gradient, double *const *memory, double *before, double *squares) {
      (void)taken, (void)before, (void)squares;
      for (long i = 0; i < n; i++) theta[i] -= rate * (settings[1] * gradient[i] + memory[1][i]);
      return 0;
    }"""
    p, x, y = [Value(0.5), Value(-0.3)], np.array([[1.0], [2.0], [3.0]]), np.zeros(3)
    program = in_c(lambda x, y: (p[0] * x[0] + p[1] - y) ** 2, p)
    with pytest.raises(ValueError, match="cannot move 3 of 2 parameters"):
        program.epochs(rule, 3, x, y)
    epochs = program.epochs(rule, 2, x, y)

    def run(inputs=(x, y), batch=2, theta=2, squares=2, rates=2, settings=2, memory=(2, 2), dtype=float):
        sizes = theta, squares, rates, settings
        arrays = [np.zeros(size, dtype) for size in sizes]
        return epochs.run(inputs, batch, *arrays, [np.zeros(size) for size in memory], 0)

    assert run() == (2, True)
    for wrong, said in (
        ({"memory": (2,)}, "1 of the 2 arrays of memory"), ({"memory": (2, 1)}, r"memory\[1\] has size 1; at least 2"),
        ({"inputs": (x,)}, "1 of the 2 inputs"), ({"inputs": (x, y[:2])}, r"inputs\[1\] has size 2; at least 3"),
        ({"batch": 0}, "a mini-batch of 0 examples"), ({"theta": 1}, "theta has size 1; at least 2 is needed"),
        ({"squares": 1}, "squares has size 1"), ({"rates": 1}, "rates has size 1"),
        ({"settings": 1}, "settings has size 1"),
        ({"dtype": np.float32}, "theta has to be a contiguous array of float64, got dtype float32"),
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError), match=said):
            run(**wrong)


def test_auto_runs_numpy_and_then_c():
    w = Value(3.0)
    program = engine.compile(lambda x: tanh(w * x), [w], backend="auto")
    x = np.array([0.1, 0.2])
    before = program.value_and_grad(x)
    program.wait()
    after = program.value_and_grad(x)
    assert program.backend == "c" and "chainrule_value_and_grad" in program.source
    assert np.isclose(before[0], after[0], rtol=1e-15) and np.allclose(before[1], after[1], rtol=1e-15)


def as_if_quick(monkeypatch):
    """A thread that builds C ends before what started it goes on, as where the library is in the cache."""
    start = threading.Thread.start

    def start_and_end(thread):
        start(thread)
        if thread.name.startswith("chainrule builds"):
            thread.join()

    monkeypatch.setattr(threading.Thread, "start", start_and_end)


@pytest.mark.parametrize("method, batch, steps", [
    *[(method, batch, 3) for method in ("__call__", "value_and_grad", "input_gradients") for batch in (True, False)],
    ("per_example", True, 3), ("value_and_grad", True, 400),  # 400: scalar by scalar, in batches too
])  # fmt: skip
def test_auto_runs_c_from_the_call_after_it_was_built(monkeypatch, method, batch, steps):
    as_if_quick(monkeypatch)
    ran, run_in_c = [], native.Native.bind
    monkeypatch.setattr(native.Native, "bind", lambda *given: ran.append(given) or run_in_c(*given))
    p = [Value(0.5), Value(-0.3), Value(9.81)]
    program = engine.compile(lambda x: pendulum([p[0] * x, p[1] + x, p[2]], steps), p, batch=batch, backend="auto")
    x = np.array([0.1, 0.2]) if batch else 0.1
    first = getattr(program, method)(x)
    then = getattr(program, method)(x)
    assert program.backend == "c" and ran
    for one, other in zip(*[found if isinstance(found, tuple) else (found,) for found in (first, then)]):
        assert np.allclose(one, other, rtol=1e-12)


def test_the_backend_is_c_only_if_all_that_was_called_is(monkeypatch):
    w, x, go_on = Value(3.0), np.array([0.1, 0.2]), threading.Event()
    program = engine.compile(lambda x: tanh(w * x * 0.7), [w], backend="auto")
    program.value_and_grad(x)
    program._latest().native.wait()
    assert program.backend == "c"
    library = compilers.library
    monkeypatch.setattr(native, "library", lambda text: go_on.wait() and library(text))
    program(x)
    assert program.backend == "numpy (C is being built)"
    go_on.set()
    program.wait()
    assert program.backend == "c"
    program.input_gradients(x)  # after wait() it is built at once
    assert program.backend == "c" and "input_gradients" in program._latest().native.made


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_while_auto_builds_is_told_and_numpy_runs(monkeypatch):
    def fault(*_):
        raise TypeError("a fault")

    monkeypatch.setattr(compilers, "compiler", fault)
    w = Value(3.0)
    program = engine.compile(lambda x: w * x, [w], backend="auto")
    assert program(np.array([1.0])).tolist() == [3.0]
    program.wait()
    assert program.backend == "numpy (TypeError: a fault)"


def test_an_unknown_backend_is_named():
    with pytest.raises(ValueError, match="backend='rust' is not one of 'numpy', 'c', 'auto'"):
        engine.compile(lambda x: x, [], backend="rust")


def test_a_row_of_a_user_that_c_cannot_spell_runs_in_numpy():
    sinc = engine.Op(name="sinc_", forward=np.sinc, partials=(lambda out, a: 0.0,), numpy="np.sinc({})")
    engine.register(sinc)
    try:
        w = Value(0.5)
        program = in_c(lambda x: sinc(w * x), [w])
        with pytest.warns(RuntimeWarning, match="runs in NumPy, not in C.*sinc_"):
            assert np.allclose(program(np.array([0.3])), np.sinc(0.15))
    finally:
        engine.unregister(sinc)


def test_a_program_in_c_is_pickled_and_copied():
    import copy
    import pickle

    w = Value(3.0)
    program = in_c(identity_times(w), [w])
    x = np.array([1.0, 2.0])
    wanted = program.value_and_grad(x)
    for twin in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program), copy.copy(program)):
        value, gradient = twin.value_and_grad(x)
        assert (value, gradient.tolist()) == (wanted[0], wanted[1].tolist()) and twin.backend == "c"


class identity_times:
    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        return self.w * x


# --- files of their own


NET = """#include <stdio.h>
#include "net.c"
int main(void) {
  double x0[NET_INPUT_0] = {%s}, x1[NET_INPUT_1] = {%s}, value[1], gradient[NET_PARAMETERS];
  int i, wrong = net_value_and_grad(net_theta, x0, x1, value, gradient) || net_value(net_theta, x0, x1, x0);
  printf("%%.17g %%.17g", x0[0], value[0]);
  for (i = 0; i < NET_PARAMETERS; i++) printf(" %%.17g", gradient[i]);
  return wrong;
}
"""


@pytest.mark.skipif(COMPILER.is_cl, reason="the flags are those of gcc and clang")
@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("features", [4, 40])
def test_a_saved_file_compiles_without_a_warning_and_runs_alone(tmp_path, features, batch):
    chance, model = np.random.default_rng(0), MLP(features, [5, 3], "tanh", rng=0)
    program = engine.compile(lambda x, label: cross_entropy(model(x), label), model, batch=batch)
    x = chance.normal(size=features)
    example = (x[None], np.array([2])) if batch else (x, 2)
    value, gradient = program.value_and_grad(*example)
    program.save(tmp_path / "net.c")
    (tmp_path / "main.c").write_text(NET % (", ".join(map(repr, x.tolist())), 2))
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1"]
    for source in ("net.c", "main.c"):
        more = ["-c", "-o", "net.o"] if source == "net.c" else ["-o", "main", "-lm"]
        subprocess.run([*COMPILER.command, *flags, source, *more], cwd=tmp_path, check=True)
    done = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, check=True)
    found = np.array(done.stdout.split(), float)
    assert np.abs(found[:2] - value).max() <= 1e-14 and np.abs(found[2:] - gradient).max() <= 1e-14
    text = (tmp_path / "net.c").read_text()
    assert text.count("#include") == 1 and not any(word in text for word in ("malloc", "calloc", "free(", "printf"))


# --- nothing undefined


def _sanitizers():
    """What Python has to load before, and the flags; None if this compiler has no sanitisers that it can load."""
    clang = "clang" in COMPILER.version
    file = f"libclang_rt.asan-{platform.machine()}.so" if clang else "libasan.so"
    runtime = subprocess.run([*COMPILER.command, f"-print-file-name={file}"], capture_output=True, text=True)
    path = runtime.stdout.strip()
    flags = (*SANITIZED, "-fsanitize=address,undefined", *["-shared-libasan"] * clang)
    return (path, flags) if runtime.returncode == 0 and os.path.isabs(path) else None


@pytest.mark.slow
def test_address_and_undefined_behaviour_sanitisers_find_nothing(tmp_path):
    found = None if COMPILER.is_cl else _sanitizers()
    if found is None:
        pytest.skip("this compiler has no address sanitiser that can be loaded into Python")
    runtime, flags = found
    code = (
        "import os\ndel os.environ['LD_PRELOAD']\n"  # the compiler would be slow with it
        f"import sys, warnings\nsys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]}\n"
        "import numpy as np\nfrom structures import Structure\nfrom test_structures import inputs_of\n"
        "from chainrule import engine\nfrom chainrule.engine.compiler.arrays import layout\n"
        "from chainrule.engine.compiler.run import compilers\nfrom chainrule.nn import MLP, cross_entropy\n"
        f"compilers.FLAGS = {flags}\n"
        "for seed in range(8):\n"
        "    layout.MANY_FEATURES = 1 + 31 * (seed % 2)\n"
        "    f, chance = Structure(seed), np.random.default_rng(seed)\n"
        "    for batch in (True, False)[: 1 + (seed % 4 == 3)]:\n"
        "        program = engine.compile(f, f.parameters, backend='c', batch=batch)\n"
        "        for n in (1, 9):\n"
        "            inputs = inputs_of(chance, n)\n"
        "            inputs = inputs if batch else [one[0] for one in inputs]\n"
        "            program(*inputs), program.value_and_grad(*inputs), program.input_gradients(*inputs)\n"
        "            program.per_example(*inputs)\n"
        "        assert program.backend == 'c', program.backend\n"
        "for features in (3, 40):\n"
        "    model = MLP(features, [5, 3], rng=0)\n"
        "    program = engine.compile(lambda x, label: cross_entropy(model(x), label), model, backend='c')\n"
        "    for n in (1, 7, 265):\n"
        "        program.value_and_grad(np.ones((n, features)), np.zeros(n, int))\n"
        "print('clean')\n"
    )
    root = str(Path(engine.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": path,
           "CHAINRULE_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "clean", done.stderr[-3000:]
