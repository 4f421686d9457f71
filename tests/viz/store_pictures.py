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

from chainrule import dot, nn, viz  # noqa: E402
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


def layered(inputs: list[Value | float], sizes: tuple[int, ...]) -> list[Value]:
    outputs: list[Value] = list(inputs)  # type: ignore[arg-type]
    for layer, width in enumerate(sizes, 1):
        outputs = [neuron_of_layer(outputs, f"layer {layer}", f"h{layer}_{number}", number)
                   for number in range(1, width + 1)]  # fmt: skip
    return outputs


def tables() -> Value:
    """The output of a network with layers of 10, 9 and 1 neurons."""
    inputs = [Value(0.5, label="x1"), Value(-0.75, label="x2"), Value(0.25, label="x3")]
    return layered(inputs, (10, 9, 1))[0]


def examples() -> Value:
    """The mean of the squares of a network's output over eight examples; all call the same neurons."""
    model = nn.MLP(2, [3, 1], rng=0)
    for place, parameter in enumerate(model.parameters()):
        parameter.data = (place % 5 - 2) / 4 + 0.125
    losses = [(model([place / 8, 0.5 - place / 4]) - 1.0) ** 2 for place in range(8)]
    return named(sum(losses[1:], losses[0]) / 8, "loss")


def model_alone() -> nn.MLP:
    model = nn.MLP(3, [9, 2], rng=0)
    for place, parameter in enumerate(model.parameters()):
        parameter.data = (place % 7 - 3) / 4
    return model


def loop() -> Value:
    """Twelve steps of a recurrence, which are alike."""
    w, state = Value(0.5, label="w"), Value(1.0, label="h0")
    for step in range(1, 13):
        state = named((w * state + Value(step / 16, label=f"x{step}")).relu(), f"h{step}")
    return state


def long_expression() -> Value:
    """micrograd's README: more columns than one line has."""
    a, b = Value(-4.0, label="a"), Value(2.0, label="b")
    c, d = a + b, a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    return named((c - d) ** 2 / 2.0, "g")


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
    "layers_as_tables": lambda: viz.draw(after_backward(tables()), theme="light").svg,
    "one_of_many_examples": lambda: viz.draw(after_backward(examples()), theme="light").svg,
    "several_results": lambda: viz.draw(layered([0.5, -0.25], (2, 2)), fold="neurons", theme="light").svg,
    "model": lambda: viz.draw(model_alone(), theme="light").svg,
    "repeated_steps": lambda: viz.draw(after_backward(loop()), theme="light").svg,
    "two_lines": lambda: viz.draw(after_backward(long_expression()), theme="light").svg,
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
