"""Models in files: what is loaded is what was saved, to the bit; whatever else a file holds is one kind of error."""

import itertools
import json
import math
import os
import random
import signal
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.nn import MLP, Dropout, Layer, ModelFileError, Module, Neuron, Sequential, load
from chainrule.nn.saving import checksum

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True, width=64)


def bits(model):
    """The parameters to the bit, with nan as one of the many nans."""
    return [struct.pack("d", math.nan if math.isnan(p.data) else p.data) for p in model.parameters()]


class Cell(Module):
    """A recurrent cell: a model of a user's own."""

    def __init__(self, width=2):
        self.inputs = [Neuron(1, activation="tanh", rng=i) for i in range(width)]
        self.memory = {"decay rate": cr.Value(0.5), "start": (cr.Value(-0.0),)}
        self.tied = self.inputs[0]

    def __call__(self, x):
        h = self.memory["start"][0]
        for _ in range(3):
            h = self.memory["decay rate"] * h + sum(neuron(x) for neuron in self.inputs)
        return h


def tied_mlp():
    model = MLP(2, [2, 2], rng=0)
    model.layers[1].neurons[0].w[0] = model.layers[0].neurons[0].w[0]
    return model


SHIPPED = {
    "mlp": lambda: MLP(3, [4, 2], activation="tanh", rng=1),
    "softmax": lambda: MLP(2, [3], output="softmax", rng=1),
    "sigmoid": lambda: MLP(2, [3, 1], activation="gelu", output="sigmoid", rng=1),
    "layer": lambda: Layer(3, 2, activation="sin", rng=1),
    "linear layer": lambda: Layer(1, 1, nonlin=False, rng=1),
    "sequential": lambda: Sequential(Layer(2, 3, activation="elu", rng=1), Dropout(0.25), "sin", cr.gelu, cr.softmax),
    "nested": lambda: Sequential(MLP(2, [3], rng=1), Sequential(Layer(3, 2, rng=1)), Neuron(2, rng=1)),
    "neuron": lambda: Neuron(2, rng=1),
}
OWN = {
    "cell": (Cell, "Cell"),
    "tied": (tied_mlp, "MLP"),
    "function": (lambda: MLP(2, [2, 1], activation=lambda v: v * v, rng=0), "MLP"),
    "subclass": (lambda: type("Mine", (MLP,), {})(2, [1], rng=0), "Mine"),
}


@pytest.mark.parametrize("make", SHIPPED.values(), ids=SHIPPED)
@given(data=st.data())
def test_a_loaded_model_is_the_saved_one_to_the_bit(make, data, tmp_path_factory):
    model = make()
    for p in model.parameters():
        p.data = data.draw(ANY_FLOAT)
        p.requires_grad = data.draw(st.booleans())
    model.parameters()[0].label = data.draw(st.text(st.characters(codec="utf-8"), max_size=8))
    path = tmp_path_factory.mktemp("kept") / "m.json"
    assert model.save(path) == path
    copy = load(path)
    assert type(copy) is type(model) and repr(copy) == repr(model) and bits(copy) == bits(model)
    kept = [(p.label, p.requires_grad, p.__dict__.get("unit")) for p in model.parameters()]
    assert [(p.label, p.requires_grad, p.__dict__.get("unit")) for p in copy.parameters()] == kept


@pytest.mark.parametrize("make", SHIPPED.values(), ids=SHIPPED)
def test_a_loaded_model_predicts_the_same_and_loading_draws_no_random_number(make, tmp_path):
    model = make()
    state = random.getstate()
    copy = load(model.save(tmp_path / "m.json"))
    assert random.getstate() == state
    size = 3 if "3" in repr(model).partition(")")[0] else 1 if "(1)" in repr(model) else 2
    X = np.random.default_rng(0).normal(size=(5, size))
    assert np.array_equal(copy.predict(X), model.predict(X))


def test_neurons_with_activations_of_their_own_are_kept(tmp_path):
    model = MLP(2, [2, 1], activation="tanh", rng=0)
    model.layers[0].neurons[1].nonlin = False
    assert repr(load(model.save(tmp_path / "m.json"))) == repr(model)


@pytest.mark.parametrize(("make", "name"), OWN.values(), ids=OWN)
def test_a_model_of_ones_own_is_loaded_into_one_that_the_user_made(make, name, tmp_path):
    model, other = make(), make()
    for i, p in enumerate(model.parameters()):
        p.data = 1 / (i + 3)
    path = model.save(tmp_path / "m.json")
    with pytest.raises(ModelFileError, match=rf"m\.json, model: .* of {name}, which no file .*into={name}\(\.\.\.\)\)"):
        load(path)
    assert load(path, into=other) is other and bits(other) == bits(model)
    X = [[0.5, -1.0]] if name != "Cell" else [0.5]
    assert np.array_equal(other.predict(X), model.predict(X))


def test_a_shipped_model_can_be_loaded_into_one_that_exists(tmp_path):
    model, other = MLP(2, [3, 1], rng=0), MLP(2, [3, 1], rng=1)
    load(model.save(tmp_path / "m.json"), into=other)
    assert bits(other) == bits(model)


def test_a_model_that_does_not_fit_is_told_the_differences_and_stays_as_it_was(tmp_path):
    path = Cell().save(tmp_path / "m.json")
    other = Cell(width=3)
    before = bits(other)
    with pytest.raises(ModelFileError, match=r"6 parameters and the model 8; only the model has inputs\.2\.w\.0"):
        load(path, into=other)
    assert bits(other) == before
    with pytest.raises(ModelFileError, match=r"only the file has inputs\.1\.w\.0, inputs\.1\.b"):
        load(path, into=Cell(width=1))


def test_two_parameters_of_one_name_are_an_error_before_anything_is_written(tmp_path):
    model = Module()
    model.a = {"b.c": cr.Value(1.0), "b": {"c": cr.Value(2.0)}}
    with pytest.raises(ValueError, match=r"two parameters are called 'a.b.c'"):
        model.save(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


def test_the_file_can_be_read_by_people_and_is_the_same_each_time(tmp_path):
    model = Layer(2, 2, activation="tanh", init=cr.init.uniform(0.25, 0.25))
    text = model.save(tmp_path / "m.json").read_text()
    assert '"activation": "tanh",\n' in text and "\n      [0.25, 0.25],\n      [0.25, 0.25]\n" in text
    assert load(tmp_path / "m.json").save(tmp_path / "again.json").read_text() == text


def test_a_file_is_missing_or_has_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")
    with pytest.raises(OSError):
        MLP(1, [1]).save(tmp_path / "none" / "m.json")


DATA = """length,soil,species
1.5,clay,a
2.5,sand,b
3.25,sand,a
7.0,peat,c
"""


def on_a_table(folder):
    """A model that was trained on a table, and raw rows for it."""
    (folder / "data.csv").write_text(DATA)
    data = cr.table(folder / "data.csv", target="species").standardise()
    model = MLP(4, [3], rng=0)
    cr.fit(model, cr.cross_entropy, data, epochs=2, progress=False)
    return model, {"length": [1.75, 9.5], "soil": ["peat", "sand"]}


def test_scaling_and_the_names_of_columns_and_classes_are_kept(tmp_path):
    model, rows = on_a_table(tmp_path)
    copy = load(model.save(tmp_path / "m.json"))
    assert copy.preparation == model.preparation
    assert copy.preparation.feature_names == ("length", "soil=clay", "soil=peat", "soil=sand")
    assert np.array_equal(copy.predict(rows), model.predict(rows))
    assert copy.predict_class(rows).tolist() == model.predict_class(rows).tolist()
    assert set(copy.predict_class(rows).tolist()) <= {"a", "b", "c"}


def test_the_labels_of_two_classes_are_kept(tmp_path):
    model = MLP(1, [1], rng=0)
    model.class_labels = (-1, 1)
    assert (
        load(model.save(tmp_path / "m.json")).predict_class([[9.0], [-9.0]]).tolist()
        == model.predict_class([[9.0], [-9.0]]).tolist()
    )


# --- damage


def changed(content, *steps, to):
    """The text of a file in which one place was changed, without the checksum, as by someone who means harm."""
    whole = json.loads(json.dumps(content))
    place = whole
    for step in steps[:-1]:
        place = place[step]
    if to is None:
        del place[steps[-1]]
    else:
        place[steps[-1]] = to
    if steps[0] != "checksum":
        whole.pop("checksum")
    return json.dumps(whole)


DAMAGE = [
    (("format",), "a song", "start: the file holds no chainrule model"),
    (("version",), 2, "version: the file is of version 2, this is 1; install a newer chainrule"),
    (("version",), True, "version: True is no version"),
    (("version",), "1", "version: '1' is no version"),
    (("checksum",), "0" * 64, "checksum: what the file holds is not what was saved; .* remove the line"),
    (("model",), None, "start: 'model' is missing"),
    (("modle",), 1, r"start: the key 'modle' is unknown \(is it 'model'\?\)"),
    (("model", "kind"), "os.system", "model: the kind 'os.system' is unknown"),
    (("model", "kind"), ["MLP"], "model.kind: a text is wanted here, not"),
    (("model", "output"), "exec", "model.output: the output 'exec' is neither"),
    (("model", "layers"), [], r"model.layers: 0 entries are too few"),
    (("model", "layers", 0, "activation"), "__import__", "operation of one argument; if you made it by cr.register"),
    (("model", "layers", 0, "activation"), "maximum", "operation of one argument"),
    (("model", "layers", 0, "activation"), ["tanh"], r"layers\[0\].activation: there are 1 activations for 2 neurons"),
    (("model", "layers", 0, "weights", 1), [1.0], r"layers\[0\].weights\[1\]: 1 numbers stand here, and 2 are needed"),
    (("model", "layers", 0, "weights", 1, 0), "1.0", r"weights\[1\]\[0\]: a number is wanted here, not '1.0'"),
    (("model", "layers", 0, "weights", 1, 0), True, "a number is wanted here, not True"),
    (("model", "layers", 0, "weights", 1, 0), 10**400, "a number that a float holds"),
    (("model", "layers", 0, "biases"), [0.0], r"layers\[0\].weights: there are 2 lists of weights and 1 biases"),
    (("model", "layers", 1, "weights"), [[0.0]], r"layers\[1\]: each neuron has 1 weight and reads 2 numbers"),
    (("model", "layers", 0, "wieghts"), [], r"is unknown \(is it 'weights'\?\)"),
    (("frozen",), [9], r"frozen\[0\]: the number of one of 9 parameters is wanted here, not 9"),
    (("frozen",), [-1], "parameters is wanted here, not -1"),
    (("labels",), {"9": "a"}, "'9' is the number of none of the 9 parameters"),
    (("labels",), {"1": 2}, "labels.'1': a text is wanted here, not 2"),
    (("preparation",), 5, "preparation: "),
    (("preparation",), {"columns": [5], "target": None}, "preparation: "),
    (("class_labels",), [None], r"class_labels\[0\]: a number is wanted"),
    (("class_labels",), [1], r"class_labels: there are 1 of them, and a model has two or none"),
    (("model",), {"kind": "function", "name": "tanh"}, "model: this is a part of a model, and not a model"),
    (("model",), {"kind": "Dropout", "rate": 1}, "model.rate: a share from 0 to below 1 is wanted here, not 1"),
    (("model",), {"kind": "Sequential", "layers": [{"kind": "function", "name": "eval"}]}, "'eval' is no operation"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "to", "said"), DAMAGE, ids=lambda value: None)
def test_what_a_hostile_file_holds_is_an_error_that_names_file_and_place(steps, to, said, tmp_path):
    model = MLP(2, [2, 1], activation="tanh", rng=0)
    path = model.save(tmp_path / "m.json")
    path.write_text(changed(json.loads(path.read_text()), *steps, to=to))
    with pytest.raises(ModelFileError, match=said) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}, ") and "; " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "line 1, column 1: the file is no JSON"),
        (b'{"format": "chainrule model", "version": 1,', "line 1, column 44: the file is no JSON or is not whole"),
        (b"\xff\xfe{}", "byte 0: the file is no UTF-8 text"),
        (b"\x80\x04K\x01.", "byte 0"),  # a pickle
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "holds no chainrule model"),
        (b"null", "holds no chainrule model"),
        (b'{"format": 1, "format": 2}', "the key 'format' stands twice"),
        (b'{"format": NaN}', "NaN is no number of JSON"),
        (b'{"format": ' + b"9" * 10_000 + b"}", "start: "),
        (b'{"format": "chainrule model", "version": 1, "model": ' + b'{"a":' * 900 + b"1" + b"}" * 901, "is missing"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_the_same_kind_of_error(text, said, tmp_path):
    path = tmp_path / "m.json"
    path.write_bytes(text)
    with pytest.raises(ModelFileError, match=said):
        load(path)


def mutated(original, rng):
    """The bytes with one to three things done to them that happen to files, or that a hostile person does."""
    data = bytearray(original)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.randrange(1, 40))
        kind = rng.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at:to]
        elif kind == 2:
            data[at:at] = data[at:to]
        elif kind == 3:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5)))
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            words = [b"null", b"-1", b"1e999", b"[]", b"{}", b'""', b"true", b'"nan"', b"0.5", b"NaN", b'"linear"']
            data[at:to] = rng.choice(words)
        else:
            digits = [i for i, byte in enumerate(data) if chr(byte).isdigit()]
            if digits:
                data[rng.choice(digits)] = ord(rng.choice("0123456789.e-"))
        data = data or bytearray(b" ")
    return bytes(data)


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_mutated_file_is_one_kind_of_error_or_the_same_model(count, tmp_path):
    """With the checksum nothing wrong gets through. Without it a model may come out, which must be whole."""
    path, rng = tmp_path / "m.json", random.Random(count)
    model, _ = on_a_table(tmp_path)
    model.parameters()[3].requires_grad = False
    model.parameters()[4].label = "a"
    text = model.save(path).read_text()
    wanted = bits(model), repr(model), model.preparation
    without = "\n".join(line for line in text.splitlines() if "checksum" not in line)
    errors = 0
    for i in range(count):
        original = (text if i % 2 else without).encode()
        path.write_bytes(mutated(original, rng))
        try:
            copy = load(path)
        except ModelFileError as error:
            errors += 1
            assert str(error).startswith(f"{path}, ")
            continue
        if b'"checksum"' in path.read_bytes():
            assert (bits(copy), repr(copy), copy.preparation) == wanted
        assert copy.parameters() and all(isinstance(p.data, float) for p in copy.parameters())
    assert errors > count / 2


def test_the_checksum_does_not_depend_on_spaces(tmp_path):
    path = MLP(1, [1], rng=0).save(tmp_path / "m.json")
    whole = json.loads(path.read_text())
    path.write_text(json.dumps(whole, indent=8))
    assert bits(load(path)) == bits(MLP(1, [1], rng=0))
    assert checksum({"a": 1.0}) != checksum({"a": 1.5})


# --- a process that is killed while it saves


def test_what_a_killed_save_left_is_removed_by_a_later_one_and_nothing_else_is(tmp_path):
    killed, running, other, own = (tmp_path / name for name in (".m[1].json.7.part", ".m[1].json.8-9.part",
                                                                ".m1.json.7.part", "m[1].json.part"))  # fmt: skip
    for path in (killed, running, other, own):
        path.write_text("{")
    for path in (killed, other, own):
        os.utime(path, (time.time() - 7200,) * 2)
    path = MLP(1, [1], rng=0).save(tmp_path / "m[1].json")
    assert sorted(tmp_path.iterdir()) == sorted([running, other, own, path])


def test_threads_that_save_to_the_same_path_do_not_disturb_each_other(tmp_path):
    path, models = tmp_path / "m.json", [MLP(4, [8, 2], rng=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as executor:
        for _ in executor.map(lambda i: models[i % 4].save(path), range(200)):
            assert bits(load(path)) in [bits(model) for model in models]
    assert list(tmp_path.iterdir()) == [path]


def killed_at(line, model, path):
    """Save in a process that is killed at this line, counted from where a file is opened; whether it was."""
    child = os.fork()
    if child == 0:
        lines = itertools.count()

        def trace(frame, event, _):
            if event == "line" and next(lines) == line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        def begin(frame, *_):
            if frame.f_code is Path.write_text.__code__:
                sys.settrace(trace)
                return trace

        sys.settrace(begin)
        model.save(path)
        sys.settrace(None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # other tests may have left threads behind
def test_a_process_that_is_killed_at_any_line_of_a_save_leaves_the_old_file_or_the_new_one(tmp_path):
    path, models = tmp_path / "m.json", [MLP(8, [20, 3], rng=seed) for seed in range(2)]
    seen, left = [], 0
    for line in itertools.count():
        models[0].save(path)
        killed = killed_at(line, models[1], path)
        seen.append([bits(model) for model in models].index(bits(load(path))))
        if not killed:
            break
        for part in tmp_path.glob(".*.part"):
            left += 1
            part.unlink()
    assert seen == sorted(seen) and set(seen) == {0, 1}  # the old file up to a line, the new one from there on
    assert left > 1  # some were killed while they wrote


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # other tests may have left threads behind
def test_a_process_that_is_killed_while_it_saves_leaves_the_old_file_or_the_new_one(tmp_path):
    path, rng = tmp_path / "m.json", random.Random(0)
    models = [MLP(8, [20, 3], rng=seed) for seed in range(2)]
    wanted = [bits(model) for model in models]
    models[0].save(path)
    for turn in range(200):
        child = os.fork()
        if child == 0:
            while True:
                for model in (models[turn % 2], models[1 - turn % 2]):
                    model.save(path)
        time.sleep(rng.uniform(0.0, 0.02))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert bits(load(path)) in wanted


# --- what the ending of a path says


@pytest.mark.parametrize("name", ["m", "m.json", "m.JSON", "net-0.5", ".hidden"])
def test_files_of_json_and_without_an_ending_are_json(tmp_path, name):
    model = cr.MLP(2, [1], rng=0)
    assert cr.load(model.save(tmp_path / name))([1.0, 2.0]).data == model([1.0, 2.0]).data


@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.pkl", "m.h5", "m.txt", "m.PT"])
def test_an_ending_that_nothing_is_written_for_is_refused_with_what_to_write(tmp_path, name):
    with pytest.raises(ValueError, match=r"has nothing for '\.\w+'; write model\.save\(.*m\.json'\), which") as problem:
        cr.MLP(2, [1]).save(tmp_path / name)
    assert ("cr.to_torch(model)" in str(problem.value)) == name.lower().endswith((".pt", ".pth"))
    assert not list(tmp_path.iterdir())


def test_the_ending_onnx_writes_onnx(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    model = cr.MLP(2, [3, 2], rng=0)
    assert model.save(tmp_path / "m.onnx") == tmp_path / "m.onnx"
    assert onnx.load(tmp_path / "m.onnx") == cr.to_onnx(model)
    with pytest.raises(TypeError, match=r"save: X is for files of C, JavaScript and Python, not for "):
        model.save(tmp_path / "m.onnx", X=[[1.0, 2.0]])


@pytest.mark.parametrize("name", ["m.json", "m.py", "m.js", "m.c"])
def test_a_folder_that_is_not_there_is_named_and_no_hidden_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=r"no such folder to write into; make it first") as problem:
        cr.MLP(2, [1], rng=0).save(tmp_path / "nodir" / name)
    assert problem.value.filename == str(tmp_path / "nodir")
    (tmp_path / name).mkdir()
    with pytest.raises(OSError) as problem:
        cr.MLP(2, [1], rng=0).save(tmp_path / name)
    assert problem.value.filename == str(tmp_path / name) and ".part" not in str(problem.value)
