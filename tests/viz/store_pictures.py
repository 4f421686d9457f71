"""Write the stored pictures anew: python tests/viz/store_pictures.py. test_stored_pictures.py compares them.

All numbers here are exact in binary, and all operations are rounded correctly everywhere (+, -, ×, ÷, √, relu): a sine
or an exponential may differ in its last digit between machines, and the tooltips show all digits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(__file__).resolve().parent / "pictures"
ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # the chainrule beside these tests, whether it is installed or not

from chainrule import dot, viz  # noqa: E402
from chainrule.engine import Value  # noqa: E402


def named(value: Value, label: str) -> Value:
    value.label = label
    return value


def after_backward(root: Value) -> Value:
    root.backward()
    return root


def neuron() -> Value:
    """The neuron of the lecture, with relu in place of tanh and with a bias that is exact."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    total = named(named(x1 * w1, "x1w1") + named(x2 * w2, "x2w2"), "s")
    return named(named(total + Value(6.75, label="b"), "n").relu(), "o")


def sum_of_one() -> Value:
    a = Value(1.5, label="a")
    return named(a + a, "b")


def chain() -> Value:
    x = Value(2.25, label="x")
    return named(-(named(x.sqrt(), "root") * 2.0 - 0.5), "y")


def used_twice() -> Value:
    a, b = Value(3.0, label="a"), Value(-2.0, label="b")
    return named(named(a * b, "d") * named(a + b, "e"), "f")


def network() -> Value:
    """The loss of a network with layers of 3 and 2 neurons, marked as nn marks its values."""
    outputs = [Value(0.5, label="x1"), Value(-0.75, label="x2")]
    for layer, width in enumerate((3, 2), 1):
        outputs = [neuron_of_layer(outputs, f"layer {layer}", f"h{layer}_{number}", number)
                   for number in range(1, width + 1)]  # fmt: skip
    return named(outputs[0] * outputs[0] + outputs[1] * outputs[1], "loss")


def neuron_of_layer(inputs: list[Value], layer: str, name: str, number: int) -> Value:
    total = Value(0.25 * number, label=f"b{name[1:]}")
    values = [total]
    for index, x in enumerate(inputs, 1):
        weight = Value((index - number) / 4 + 0.375, label=f"w{name[1:]}{index}")
        product = weight * x
        total = total + product
        values += [weight, product, total]
    output = named(total.relu(), name)
    for value in (*values, output):
        value.unit = (layer, name)
    return output


def recurrent() -> Value:
    """A layer of two neurons that is called three times, on its own last results."""
    weights = {"h1": Value(0.5, label="w1"), "h2": Value(0.75, label="w2")}
    states = [Value(1.0, label="x1"), Value(-0.5, label="x2")]
    for _ in range(3):
        following = []
        for name, weight in weights.items():
            total = states[0] + states[1]
            product = weight * total
            state = named(product.relu(), name)
            for value in (weight, total, product, state):
                value.unit = ("cell", name)
            following.append(state)
        states = following
    return named(states[0] * states[1], "out")


def squared_difference() -> Value:
    a, b = Value(2.5, label="a"), Value(1.0, label="b")
    difference = named(a - b, "d")
    return named(difference * difference, "loss")


def inner_product() -> Value:
    a, b = [Value(0.5 * i, label=f"a{i}") for i in (1, 2, 3)], [Value(float(-i), label=f"b{i}") for i in (1, 2, 3)]
    return named(dot(a, b), "a · b")


def hostile() -> Value:
    a = Value(2.0, label='</title><script>alert("1")</script>')
    return named(a * Value(3.0, label="& \u202eleft to right\x00 ]]>"), "' onload='x' <!--")


def training() -> SimpleNamespace:
    return SimpleNamespace(
        epochs=[0, 1, 2, 3, 4, 5], train_loss=[1.5, 1.0, 0.625, 0.5, 0.375, 0.3125],
        test_loss=[1.5, 1.125, 0.75, 0.625, 0.5625, 0.59375],
        metrics={"train accuracy": [0.25, 0.5, 0.75, 0.875, 0.9375, 1.0],
                 "test accuracy": [0.25, 0.5, 0.625, 0.75, 0.875, 0.8125]},
    )  # fmt: skip


PICTURES: dict[str, Callable[[], str]] = {
    "neuron": lambda: viz.draw(after_backward(neuron())).svg,
    "sum_of_one_value": lambda: viz.draw(after_backward(sum_of_one()), theme="light").svg,
    "chain": lambda: viz.draw(after_backward(chain()), theme="light").svg,
    "folded_by_neurons": lambda: viz.draw(after_backward(network()), fold="neurons", theme="light").svg,
    "folded_by_layers": lambda: viz.draw(after_backward(network()), fold="layers", theme="light").svg,
    "before_backward": lambda: viz.draw(neuron(), theme="light").svg,
    "dark_theme": lambda: viz.draw(after_backward(used_twice()), theme="dark").svg,
    "hostile_labels": lambda: viz.draw(after_backward(hostile()), theme="light").svg,
    "recurrent_layer": lambda: viz.draw(after_backward(recurrent()), fold="neurons", theme="light").svg,
    "variadic_operation": lambda: viz.draw(after_backward(inner_product()), theme="light").svg,
    "stepper": lambda: viz.steps(squared_difference(), theme="light").svg,
    "training_curves": lambda: viz.curves(training(), theme="light").svg,
}


def readme_neuron() -> str:
    """The picture at the top of the README: the neuron of the lecture, with its tanh."""
    x1, w1, x2, w2 = (Value(v, label=n) for v, n in ((2.0, "x1"), (-3.0, "w1"), (0.0, "x2"), (1.0, "w2")))
    total = named(named(x1 * w1, "x1w1") + named(x2 * w2, "x2w2"), "s")
    n = named(total + Value(6.8813735870195432, label="b"), "n")
    return viz.draw(after_backward(named(n.tanh(), "o")), theme="light").svg


STORED = {FOLDER / f"{name}.svg": make for name, make in PICTURES.items()}
STORED[ROOT / "docs" / "neuron.svg"] = readme_neuron


if __name__ == "__main__":
    for path in set(FOLDER.glob("*.svg")) - set(STORED):
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    for path, make in STORED.items():
        text = make().encode("utf-8")
        if not path.exists() or path.read_bytes() != text:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
            print(f"wrote {path.relative_to(ROOT)}")
