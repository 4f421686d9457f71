"""Models of all kinds, and models that were trained on tables, which the exports are tried with."""

from typing import Any, NamedTuple

import chainrule as cr
from chainrule.nn import MLP, Dropout, Layer, Neuron, Sequential

CSV = "area,garden,price\n50,yes,100\n80,no,150\n120,yes,260\n200,no,330\n90,yes,190\n"
FLOWERS = "length,soil,species\n1.5,clay,rosé\n2.5,sand,b\n3.25,sand,rosé\n7.0,peat,it's c\n"
MODELS = {
    "mlp": lambda: MLP(3, [5, 4, 2], activation="tanh", rng=0),
    "one output": lambda: MLP(3, [4, 1], rng=0),
    "sigmoid": lambda: MLP(3, [4, 1], activation="silu", output="sigmoid", rng=0),
    "softmax": lambda: MLP(3, [4, 3], ["elu", "softmax"], rng=0),
    "layer": lambda: Layer(3, 2, activation="gelu", rng=0),
    "neuron": lambda: Neuron(3, rng=0),
    "sequential": lambda: Sequential(
        Layer(3, 4, rng=0), Dropout(0.5), "softplus", Layer(4, 2, nonlin=False, rng=1), cr.softmax
    ),
}


class OnATable(NamedTuple):
    """A model that was trained on raw rows, its loss, such rows as it takes them, the same as numbers, and truths."""

    model: Any
    loss: Any
    rows: dict[str, list[Any]]
    numbers: list[list[float]]
    truths: list[Any]


def trained(folder, text, target, outputs):
    """A model, and its loss."""
    (folder / "data.csv").write_text(text, encoding="utf-8")
    data = cr.table(folder / "data.csv", target=target).standardise()
    loss = cr.mse if outputs == 1 else cr.cross_entropy
    model = MLP(len(data.feature_names), [4, outputs], activation="tanh", rng=0)
    cr.fit(model, loss, data, epochs=30, progress=False)
    return model, loss


def on_houses(folder):
    rows, numbers = {"area": [50.0, 123.0], "garden": ["no", "yes"]}, [[50.0, 1.0, 0.0], [123.0, 0.0, 1.0]]
    return OnATable(*trained(folder, CSV, "price", 1), rows, numbers, [120.0, 200.0])


def on_flowers(folder):
    rows = {"length": [1.75, 9.5, 2.0], "soil": ["peat", "sand", "clay"]}
    numbers = [[1.75, 0.0, 1.0, 0.0], [9.5, 0.0, 0.0, 1.0], [2.0, 1.0, 0.0, 0.0]]
    return OnATable(*trained(folder, FLOWERS, "species", 3), rows, numbers, ["b", "it's c", "rosé"])


TABLES = {"houses": on_houses, "flowers": on_flowers}
