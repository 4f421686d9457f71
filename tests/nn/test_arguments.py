"""Wrong things for each argument of each public name of nn: what is no mistake works, all else is an error of ours."""

import linecache
import math
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import nn, topological_order
from chainrule.engine import Value

HOME = Path(nn.__file__).resolve().parent.parent
X, Y = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [0.2, 0.1]], [0, 1, 1, 0]
COLUMNS = {"a": [1.0, 2.0, 3.0, 4.0], "b": ["x", "y", "x", "y"], "c": ["n", "m", "n", "m"]}


class Thing:
    def __repr__(self):
        return "Thing()"


WRONG = {
    "text": "qqq", "empty text": "", "None": None, "[]": [], "[1.0]": [1.0], "['q']": ["q"],
    "[[1.0, 2.0]]": [[1.0, 2.0]],
    "Value": Value(2.0), "True": True, "nan": math.nan, "inf": math.inf, "-1": -1, "-1.5": -1.5, "0": 0, "2.5": 2.5,
    "1j": 1j, "object": Thing(), "{}": {}, "class": int, "bytes": b"q", "function": lambda *a: None,
    "array": np.zeros((2, 2, 2)), "array of nan": np.array([np.nan]), "set": {1},
}  # fmt: skip
NUMBERS = {"True", "nan", "inf", "-1", "-1.5", "0", "2.5"}  # as inputs of a model or a loss
ONE = {*NUMBERS, "Value", "[1.0]", "array of nan"}
SEED, SWITCH, NOTHING = {"None", "True", "0"}, {"True", "0"}, {"[]", "{}"}
RNG = {*SEED, "-1"}  # the seed of random.Random


def net(*sizes):
    return nn.MLP(2, [*sizes] or [3, 2], activation="tanh", rng=0)


def leaf():
    w = Value(1.0)
    w.grad = 0.5
    return [w]


def stepped():
    optimiser = nn.SGD(leaf())
    optimiser.step()
    return optimiser


def optimiser(kind, fine=(), **settings):
    common = {"learning_rate": 0.1, "weight_decay": 0.1, "clip_norm": 1.0, "clip_value": 1.0,
              "schedule": nn.schedules.cosine(3)}  # fmt: skip
    fine = {
        "learning_rate": {"None", "2.5"}, "weight_decay": {"0", "2.5"}, "clip_norm": {"None", "2.5"},
        "clip_value": {"None", "2.5"}, "schedule": {"None", "function"}, "epsilon": {"2.5"}, "nesterov": {"True"},
        "momentum": {"0"}, "beta": {"0"}, "beta1": {"0"}, "beta2": {"0"}, **dict(fine),
    }  # fmt: skip
    return kind, lambda: {"params": leaf(), **common, **settings}, fine


def made(kind, **more):
    fine = {"n": (), "noise": {"0", "2.5"}, "seed": SEED, "turns": {"-1", "-1.5", "0", "2.5"}}
    return kind, lambda: {"n": 20, "noise": 0.1, "seed": 0, **more}, fine


def layer(kind, **more):
    fine = {"nonlin": SWITCH, "activation": {"function"}, "output": {"function"}, "init": {"None"}, "rng": RNG}
    return kind, lambda: {"nin": 2, **more, "activation": "relu", "init": None, "rng": 0}, fine


def of_example(model):
    return model, lambda: {"x": [1.0, 2.0]}, {}


def of_rows(method):
    return method, lambda: {"X": X}, {"X": {"[[1.0, 2.0]]"}}


def of_numbers(loss, **more):
    return loss, lambda: {"prediction": Value(1.0), "target": 1.0, **more}, {
        "prediction": ONE, "target": ONE, "delta": {"2.5"}
    }  # fmt: skip


def double(x):
    return 2 * x


def prepared():
    return nn.table(COLUMNS, "c").preparation


CASES = {  # of each name: what is called, its arguments, and which wrong things are right for which of them
    "SGD": optimiser(nn.SGD, momentum=0.9, nesterov=True, fine={"momentum": ()}),
    "Adam": optimiser(nn.Adam, beta1=0.9, beta2=0.99, epsilon=1e-8),
    "AdamW": optimiser(nn.AdamW, beta1=0.9, beta2=0.99, epsilon=1e-8),
    "Adagrad": optimiser(nn.Adagrad, epsilon=1e-8),
    "RMSProp": optimiser(nn.RMSProp, beta=0.9, epsilon=1e-8, momentum=0.5),
    "Optimiser": optimiser(nn.Optimiser),
    "Optimiser.explain": (lambda parameter: stepped().explain(parameter), lambda: {"parameter": 0},
                          {"parameter": {"-1", "0"}}),
    "Optimiser.load_state_dict": (lambda state: nn.SGD(leaf()).load_state_dict(state),
                                  lambda: {"state": stepped().state_dict()}, {}),
    "Dataset": (nn.Dataset.from_arrays,
                lambda: {"name": "d", "X": X, "y": Y, "feature_names": ["a", "b"], "target_names": ("u", "v"),
                         "target": "y"},
                {"name": {"text", "empty text"}, "target": {"text", "empty text"},
                 "target_names": {"[]", "{}", "array"}}),
    "Dataset.split": (nn.iris().split, lambda: {"test_size": 0.25, "seed": 0, "stratify": True},
                      {"seed": SEED, "stratify": {*SWITCH, "None"}}),
    "Dataset.example": (nn.iris().example, lambda: {"i": 0}, {"i": {"-1", "0"}}),
    "Dropout": (nn.Dropout, lambda: {"rate": 0.5, "rng": 0}, {"rate": {"0"}, "rng": RNG}),
    "Dropout()": (nn.Dropout(0.5, rng=0), lambda: {"x": [1.0, 2.0]},
                  {"x": {*ONE, *NOTHING, "empty text", "bytes", "set"}}),
    "Neuron": layer(nn.Neuron, nonlin=True), "Neuron()": of_example(nn.Neuron(2)),
    "Layer": layer(nn.Layer, nout=3, nonlin=True), "Layer()": of_example(nn.Layer(2, 3)),
    "MLP": layer(nn.MLP, nouts=[3, 1], output="linear"), "MLP()": of_example(net()),
    "Sequential": (lambda layer: nn.Sequential(nn.Layer(2, 2), layer), lambda: {"layer": "tanh"},
                   {"layer": {"function"}}),
    "Sequential()": of_example(nn.Sequential(nn.Layer(2, 3), "tanh")),
    "Module.predict": of_rows(net().predict), "Module.predict_class": of_rows(net().predict_class),
    "Module.predict_probabilities": of_rows(net().predict_probabilities),
    "Module.save": (net().save, lambda: {"path": "model.json"}, {"path": {"text"}}),
    "Module.load_state_dict": (net().load_state_dict, lambda: {"state": net().state_dict(), "strict": True},
                               {"strict": SWITCH}),
    "Module.train": (net().train, lambda: {"mode": True}, {"mode": SWITCH}),
    "accuracy": (nn.accuracy, lambda: {"predictions": [0.1, 0.9], "labels": [0, 1], "threshold": 0.5},
                 {"threshold": {"-1", "-1.5", "0", "2.5"}}),
    "confusion": (nn.confusion, lambda: {"predictions": [0, 1], "labels": [0, 1]}, {"labels": {"[[1.0, 2.0]]"}}),
    "r2": (nn.r2, lambda: {"predictions": [0.1, 1], "targets": [0.0, 1.0]}, {"predictions": {"[[1.0, 2.0]]"}}),
    "mse": of_numbers(nn.mse), "mae": of_numbers(nn.mae), "huber": of_numbers(nn.huber, delta=1.0),
    "cross_entropy": (nn.cross_entropy,
                      lambda: {"logits": [Value(1.0), Value(2.0)], "target": 0, "weights": [1.0, 2.0]},
                      {"target": {"True", "0"}, "weights": {"None"}}),
    "binary_cross_entropy": (nn.binary_cross_entropy,
                             lambda: {"prediction": Value(1.0), "target": 1.0, "positive_weight": 2.0},
                             {"prediction": ONE, "target": {"[1.0]", "Value", "True", "0"},
                              "positive_weight": {"Value", "0", "2.5"}}),
    "hinge": (nn.hinge, lambda: {"scores": Value(1.0), "target": 1},
              {"scores": ONE, "target": {"[1.0]", "Value", "True", "-1"}}),
    "hinge of classes": (nn.hinge, lambda: {"scores": [Value(1.0), Value(2.0)], "target": 1},
                         {"scores": ONE, "target": {"True", "0"}}),
    "softmax": (nn.softmax, lambda: {"logits": [Value(1.0), Value(2.0)]}, {"logits": {"[1.0]", "array of nan"}}),
    "l1": (nn.l1, lambda: {"params": leaf(), "strength": 0.1}, {"strength": {"Value", "0", "2.5"}}),
    "l2": (nn.l2, lambda: {"params": leaf(), "strength": 0.1}, {"strength": {"Value", "0", "2.5"}}),
    "class_weights": (nn.class_weights, lambda: {"y": [0, 1, 1]}, {"y": {"[1.0]", "['q']"}}),
    "moons": made(nn.moons), "circles": made(nn.circles), "xor": made(nn.xor), "sine": made(nn.sine),
    "houses": made(nn.houses), "spirals": made(nn.spirals, arms=2, turns=1.5),
    "gaussians": made(nn.gaussians, classes=3),
    "penguins": (nn.penguins, lambda: {"missing": "fill", "classes": True, "ignore": ["island"],
                                       "categorical": ["island"]},
                 {"missing": {"{}"}, "classes": {"None", "True"}, "ignore": NOTHING, "categorical": NOTHING}),
    "schedules.step_decay": (nn.schedules.step_decay, lambda: {"every": 2, "factor": 0.5}, {}),
    "schedules.exponential": (nn.schedules.exponential, lambda: {"factor": 0.5}, {}),
    "schedules.cosine": (nn.schedules.cosine, lambda: {"steps": 3, "final": 0.0}, {"steps": {"None"}, "final": {"0"}}),
    "schedules.warm_up": (nn.schedules.warm_up, lambda: {"steps": 3, "then": nn.schedules.exponential(0.5)},
                          {"then": {"None", "function"}}),
    "init.uniform": (nn.init.uniform, lambda: {"low": -1.0, "high": 1.0},
                     {"low": {"-1", "-1.5", "0"}, "high": {"-1", "0", "2.5"}}),
    "init.fan_in": (nn.init.fan_in, lambda: {"gain": 1.0}, {"gain": {"-1", "-1.5", "0", "2.5"}}),
    "init.generator": (nn.init.generator, lambda: {"rng": 0}, {"rng": RNG}),
    "table": (nn.table, lambda: {"data": COLUMNS, "target": "c", "missing": "fill", "classes": True, "ignore": ["b"],
                                 "categorical": ["a"]},
              {"missing": {"{}"}, "classes": {"None", "True"}, "ignore": NOTHING, "categorical": NOTHING}),
    "table of a file": (nn.table, lambda: {"data": "t.csv", "target": "c", "names": None, "delimiter": ",",
                                           "decimal": ".", "encoding": "utf-8"},
                        {"names": {"None"}, "delimiter": {"empty text", "None"}, "decimal": {"None"},
                         "encoding": {"empty text", "None"}}),
    "train_test_split": (nn.train_test_split, lambda: {"X": X, "y": Y, "test_size": 0.5, "seed": 0, "stratify": Y},
                         {"seed": SEED, "stratify": {"None"}}),
    "units": (nn.units, lambda: {"order": topological_order(net(1)([1.0, 2.0]))}, {"order": NOTHING}),
    "wishes": (nn.wishes, lambda: {"model": net(), "loss": nn.cross_entropy, "X": X, "y": Y}, {}),
    "Wishes": (nn.wishes(net(), nn.cross_entropy, X, Y).of, lambda: {"name": "layers.0.neurons.0.b"}, {}),
    "fit": (nn.fit, lambda: {"model": net(), "loss": nn.cross_entropy, "X": X, "y": Y, "epochs": 1, "batch_size": 2,
                             "optimiser": nn.Adam, "learning_rate": 0.1, "seed": 0, "shuffle": True,
                             "validation": (X, Y), "patience": 5, "metrics": nn.accuracy, "every": 1,
                             "progress": False, "callbacks": (), "compiled": False,
                             "backend": "numpy"},
            {"learning_rate": {"None", "2.5"}, "seed": SEED, "shuffle": SWITCH, "validation": {"None"},
             "patience": {"None"}, "metrics": {*NOTHING, "function"}, "progress": SWITCH,
             "callbacks": {*NOTHING, "function"}, "compiled": SWITCH}),
    "load": (nn.load, lambda: {"path": net().save("m.json"), "into": net()}, {"path": {"text"}, "into": {"None"}}),
    "to_numpy_source": (nn.to_numpy_source, lambda: {"model": net(), "path": "m.py", "X": X},
                        {"path": {"text", "None"}, "X": {"None", "[[1.0, 2.0]]"}}),
    "to_javascript": (nn.to_javascript, lambda: {"model": net(), "path": "m.js", "X": X},
                      {"path": {"text", "None"}, "X": {"None", "[[1.0, 2.0]]"}}),
    "to_c": (nn.to_c, lambda: {"model": net(), "path": "m.c", "dtype": "float64", "X": X, "loss": None},
             {"path": {"None"}, "X": {"None", "[[1.0, 2.0]]"}, "loss": {"None"}}),
    "sweep": (nn.sweep, lambda: {"train": double, "grid": {"x": [1, 2]}, "executor": None, "progress": False,
                                 "callbacks": ()},
              {"train": {"class", "function"}, "executor": {"None"}, "progress": SWITCH,
               "callbacks": {*NOTHING, "function"}}),
    "Sweep": (nn.sweep(double, {"x": [1, 2]}, progress=False).best, lambda: {"key": None, "largest": False},
              {"key": {"None", "class"}, "largest": SWITCH}),
    "Preparation.inputs": (prepared().inputs, lambda: {"given": [[1.0, "x"]]}, {"given": {"text"}}),  # a path
    "Preparation.named": (prepared().named, lambda: {"labels": [0, 1]}, {"labels": {"True", "-1", "0"}}),
    "Preparation.from_dict": (nn.Preparation.from_dict, lambda: {"given": prepared().to_dict()}, {}),
}  # fmt: skip
ALSO = {  # what the text says where it does not say the argument's name
    "params": ("parameter", "model or a list"), "x": ("input",), "data": ("table", "qqq", "folder", "column"),
    "y": ("label",), "weights": ("weight",), "given": ("X", "preparation"), "logits": ("logit", "classes"),
    "name": ("called",),
    "i": ("row",), "target": ("class", "index"), "callbacks": ("callback",), "metrics": ("metric",),
    "feature_names": ("feature",), "classes": ("needs numbers",), "estimator": ("MLPClassifier",),
    "key": ("has no",), "X": ("weights",),
    "scores": ("logit",),
}  # fmt: skip
OTHERS = {  # names of nn without arguments of their own
    "History", "LastStep", "ModelFileError", "Module", "Preparation", "Run", "datasets", "digits", "init", "iris",
    "schedules",
}  # fmt: skip
LIBRARIES = {"to_torch": "torch", "from_torch": "torch", "to_onnx": "onnx", "from_sklearn": "sklearn"}


def raised_by_us(error):
    """Whether a line of chainrule that begins with `raise` made the error, and not some operation inside."""
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    file = Path(frame.f_code.co_filename).resolve()
    return file.is_relative_to(HOME) and linecache.getline(str(file), line).strip().startswith("raise ")


def outcomes(function, make, argument):
    """For each wrong thing, None where it works, else the error."""
    for kind, wrong in WRONG.items():
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                function(**{**make(), argument: wrong})
            except Exception as error:
                yield kind, error
            else:
                yield kind, None


def check(function, make, fine):
    function(**make())
    for argument in make():
        allowed = set(fine.get(argument, ()))
        for kind, error in outcomes(function, make, argument):
            call = f"{argument}={kind}"
            if kind in allowed:
                assert error is None or isinstance(error, OSError), f"{call}: {error!r}"
                continue
            assert error is not None, f"{call} is taken without a word"
            assert isinstance(error, (TypeError, ValueError, LookupError, FloatingPointError, OSError)), (
                f"{call}: {error!r}"
            )
            assert raised_by_us(error) or isinstance(error, FileNotFoundError), f"{call} fails inside: {error!r}"
            words = (argument, *ALSO.get(argument, ()))
            assert any(word.lower() in str(error).lower() for word in words), f"{call} is not named in: {error}"


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_argument_is_refused_in_words_that_name_it(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{a},{b},{c}" for a, b, c in zip(*COLUMNS.values())]
    Path("t.csv").write_text("\n".join(["a,b,c", *rows]))
    check(*CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_wrong_argument_of_an_export_is_refused_in_words_that_name_it(name, tmp_path, monkeypatch):
    pytest.importorskip(LIBRARIES[name])
    monkeypatch.chdir(tmp_path)
    make = {
        "to_torch": lambda: {"model": net()},
        "from_torch": lambda: {"module": nn.to_torch(net())},
        "to_onnx": lambda: {"model": net(), "path": "m.onnx"},
        "from_sklearn": estimator,
    }[name]
    check(getattr(nn, name), make, {"path": {"text", "None"}})


def estimator():
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        return {"estimator": MLPClassifier((3,), max_iter=1, random_state=0).fit(X, Y)}


def test_each_public_name_is_among_the_cases():
    named = {name.split("(")[0].split(".")[0].split(" ")[0] for name in CASES}
    new, gone = {*nn.__all__} - named - OTHERS - {*LIBRARIES}, OTHERS - {*nn.__all__}
    assert not new, f"add to CASES in test_arguments.py how these are called: {sorted(new)}"
    assert not gone


def test_errors_name_what_there_is():
    model = chainrule.MLP(1, [1], rng=0)
    with pytest.raises(TypeError, match=r"fit has no argument 'device'; it takes .*, backend$"):
        chainrule.fit(model, chainrule.mse, [1.0], [1.0], device="cpu")
    with pytest.raises(TypeError, match=r"a Dataset, such as cr\.table makes"):
        chainrule.report(model, chainrule.History(), [[1.0]])
    with pytest.raises(ValueError, match=r"metrics=\{'accuracy': lambda outputs, y: accuracy\(outputs, y, threshold="):
        chainrule.accuracy([0.7, -0.2], [1, 0])
