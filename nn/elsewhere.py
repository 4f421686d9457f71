"""Names that people bring from PyTorch, scikit-learn, Keras and pandas, and what is written here instead.

The façade, the floor `nn`, the classes and the functions that are named in the tables read their rows, and add them to
the error.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

__all__ = ["MODEL", "MODULE", "Hinted", "no_attribute", "our_keyword", "refuse_keywords"]

FIT = "cr.fit(model, loss, X, y)"
OPTIMISERS = "cr.SGD, cr.Adam, cr.AdamW, cr.RMSProp or cr.Adagrad"
SAVED = "model.save('model.json') and cr.load('model.json')"
SCHEDULES = "cr.schedules"

MODULE = {  # names that people look for in chainrule and in nn
    "optim": OPTIMISERS, "optimizers": OPTIMISERS, "lr_scheduler": SCHEDULES, "Optimizer": "cr.Optimiser",
    "Linear": "cr.Layer(inputs, outputs, nonlin=False)", "Dense": "cr.Layer(inputs, outputs)",
    "ReLU": "activation='relu'", "Tanh": "activation='tanh'", "Sigmoid": "activation='sigmoid'",
    "Softmax": "cr.softmax",
    "functional": "the functions themselves, such as cr.relu and cr.softmax",
    "Parameter": "cr.Value(0.0) as an attribute of a cr.Module", "Tensor": "cr.Value", "tensor": "cr.Value",
    "MSELoss": "cr.mse", "mse_loss": "cr.mse", "L1Loss": "cr.mae", "l1_loss": "cr.mae", "HuberLoss": "cr.huber",
    "SmoothL1Loss": "cr.huber", "CrossEntropyLoss": "cr.cross_entropy", "NLLLoss": "cr.cross_entropy, of scores",
    "BCELoss": "cr.binary_cross_entropy", "BCEWithLogitsLoss": "cr.binary_cross_entropy",
    "mean_squared_error": "cr.mse", "mean_absolute_error": "cr.mae", "r2_score": "cr.r2",
    "accuracy_score": "cr.accuracy", "confusion_matrix": "cr.confusion",
    "save": SAVED, "read_csv": "cr.table('data.csv', target='…')", "DataLoader": FIT + " with batch_size=16",
    "DataFrame": "cr.table(frame, target='…')", "StandardScaler": "cr.table(…).standardise()",
    "MLPClassifier": "cr.MLP(inputs, [16, classes]) and cr.fit", "MLPRegressor": "cr.MLP(inputs, [16, 1]) and cr.fit",
    "GridSearchCV": "cr.sweep", "plot": "cr.curves(history) or cr.draw(y)", "summary": "print(model)",
    "train": FIT, "predict": "model.predict(X)", "manual_seed": "rng=0 where a model is made, seed=0 in cr.fit",
    "seed": "rng=0 where a model is made, seed=0 in cr.fit", "autograd": "cr.grad", "jit": "cr.compile",
    "standardize": "cr.table(…).standardise()", "load_iris": "cr.iris()", "load_digits": "cr.digits()",
    "make_moons": "cr.moons()", "make_circles": "cr.circles()",
}  # fmt: skip
MODEL = {
    "predict_proba": "model.predict_probabilities(X)", "score": "cr.accuracy(model, data) or cr.r2(model, data)",
    "predict_classes": "model.predict_class(X)", "fit": FIT, "train_on_batch": FIT,
    "evaluate": "cr.accuracy(model, data) or cr.r2(model, data)", "summary": "print(model)", "forward": "model(x)",
    "backward": "loss.backward(), of the Value that the loss gives", "compile": "cr.compile(model), or " + FIT,
    "named_modules": "model.named_parameters()", "coefs_": "model.parameters()", "weights": "model.parameters()",
    "state": "model.state_dict()", "load": "cr.load('model.json')", "get_weights": "model.state_dict()",
    "set_weights": "model.load_state_dict(state)", "plot": "cr.draw(model)", "to_json": SAVED,
}  # fmt: skip
ROWS: dict[str, dict[str, str]] = {  # by class
    "Module": MODEL,
    "Dataset": {
        "standardize": "data.standardise()", "normalize": "data.standardise()", "normalise": "data.standardise()",
        "scale": "data.standardise()", "train_test_split": "train, test = data.split()", "data": "data.X",
        "target_": "data.y", "labels": "data.y", "head": "print(data)", "describe": "print(data)",
        "info": "print(data)",
        "columns": "data.feature_names", "classes": "data.target_names", "shape": "data.X.shape",
    },
    "History": {
        "history": "history.train_loss, history.test_loss and history.metrics", "loss": "history.train_loss",
        "val_loss": "history.test_loss", "losses": "history.train_loss", "plot": "cr.curves(history)",
    },
}  # fmt: skip
KEYWORDS = {  # our keyword: what others call it
    "rng": ("seed", "random_state", "generator"), "seed": ("random_state", "rng"), "test_size": ("test", "share"),
    "nin": ("inputs", "in_features", "input_size", "n_inputs"), "nout": ("outputs", "out_features", "units"),
    "nouts": ("hidden", "hidden_layer_sizes", "layers", "sizes"),
    "activation": ("nonlin", "nonlinearity", "act", "activation_function", "activation_fn"),
    "learning_rate": ("lr", "learningrate", "eta", "step_size"), "optimiser": ("optimizer", "opt"),
    "epochs": ("n_epochs", "num_epochs", "max_iter", "nb_epoch", "epoch", "steps"), "batch_size": ("batchsize", "bs"),
    "validation": ("validation_data", "val", "test", "valid"), "patience": ("n_iter_no_change",),
    "metrics": ("metric",), "callbacks": ("callback",), "progress": ("verbose",), "compiled": ("compile", "jit"),
}  # fmt: skip
SWITCHES = {"progress", "compiled"}  # of our keywords, those that are True or False, where others take numbers
NO_NUMBERS = {"activation", "optimiser", "validation", "metrics", "callbacks"}
SHARE = {"train_size": "test_size=, the share that is left for tests"}
INSTEAD = {  # by function: keywords that are something else here
    "fit": {
        "momentum": "optimiser=nn.SGD(model, learning_rate=..., momentum=...)",
        "betas": "optimiser=nn.Adam(model, beta1=..., beta2=...)",
        "validation_split": "validation=(X_test, y_test), made by train_test_split",
        "weight_decay": "optimiser=nn.AdamW(model, weight_decay=...)",
        "clip_norm": "optimiser=nn.Adam(model, clip_norm=...)",
        "schedule": "optimiser=nn.Adam(model, schedule=nn.schedules.cosine())",
        "scheduler": "optimiser=nn.Adam(model, schedule=nn.schedules.cosine())",
        "early_stopping": "patience=10, which ends after so many epochs without a lower loss",
        "class_weight": "functools.partial(cross_entropy, weights=nn.class_weights(y)) as the loss",
        "loss_fn": "the loss as the second argument, fit(model, loss, X, y)",
        "criterion": "the loss as the second argument, fit(model, loss, X, y)",
        "activation": "it where the model is made: MLP(2, [16, 1], activation='tanh')",
    },
    "split": SHARE, "train_test_split": SHARE,
    "sweep": dict.fromkeys(
        ("n_jobs", "workers", "max_workers"), "executor=ProcessPoolExecutor(), from concurrent.futures"
    ),
}  # fmt: skip


def no_attribute(whose: str, name: str, hints: dict[str, str], known: Iterable[str] = ()) -> str:
    """What the AttributeError says, with what to write instead where the name is known or is nearly one of ours."""
    said = f"{whose} has no attribute {name!r}"
    if name in hints:
        return f"{said}; write {hints[name]}"
    near = [] if name.startswith("_") else get_close_matches(name, list(known), 1, 0.8)
    return f"{said}; did you mean {near[0]!r}?" if near else said


def our_keyword(name: str, known: Iterable[str]) -> str:
    """The one of our keywords that is meant by another name; "" where none is near."""
    known = list(known)
    spelled = [one for one in known if name in KEYWORDS.get(one, ())]
    return (spelled or get_close_matches(name, known, 1, 0.7) or [""])[0]


def refuse_keywords(whose: str, unknown: dict[str, Any], known: Iterable[str]) -> None:
    """TypeError for the first keyword that is none of those, with the one that is meant."""
    for name, value in unknown.items():
        low = name.lower()
        if instead := INSTEAD.get(whose, {}).get(low):
            hint = f"write {instead}"
        elif meant := our_keyword(low, known):
            number = bool(value) if meant in SWITCHES else value
            as_it_is = isinstance(value, (int, float)) and meant not in NO_NUMBERS
            hint = f"write {meant}={number!r}" if as_it_is else f"write {meant}="
        else:
            hint = f"it takes {', '.join(known)}"
        raise TypeError(f"{whose} has no argument {name!r}; {hint}")


class Hinted:
    """A class whose AttributeErrors name what is written here."""

    if not TYPE_CHECKING:  # a checker knows the attributes

        def __getattr__(self, name):
            kind = next((one for one in type(self).__mro__ if one.__name__ in ROWS), None)
            if kind is not None and name in ROWS[kind.__name__]:
                raise AttributeError(no_attribute(f"{type(self).__name__!r} object", name, ROWS[kind.__name__]))
            return object.__getattribute__(self, name)  # raises the error once more that led here
