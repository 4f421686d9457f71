"""The fence: nothing in engine/fast/ changes a graph, a number or a gradient."""

import ast
import math
import subprocess
import sys
from pathlib import Path

import pytest
import without_fast
from graphs import random_graph, replay
from hypothesis import given
from hypothesis import strategies as st

from chainrule import engine, nn
from chainrule.engine import Value, gradients, graph, topological_order
from chainrule.engine.fast.derivatives import derivatives
from chainrule.engine.fast.leaves import data_of, put_data
from chainrule.engine.fast.refreshing import refresh
from chainrule.nn import MLP, cross_entropy

HERE = Path(__file__).parent
SEMANTICS = [
    *[
        f"engine/test_{name}.py"
        for name in ("semantics", "graph", "transforms", "dropin", "hand_made_nodes", "copying")
    ],
    *[f"engine/test_{name}.py" for name in ("checking", "diagnosis", "register")],
    *[f"nn/test_{name}.py" for name in ("modules", "losses", "dropin_nn")],
]


def by_rows(build):
    """The result of build() while each operator is the general one, and no neuron's sum is fused."""
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), general in without_fast.GENERAL.items():
            patch.setattr(module, name, general)
        for name, made in list(vars(engine.value.FastOperators).items()):
            if callable(made) and name != "__init_subclass__":
                patch.delattr(engine.value.FastOperators, name)
        patch.setattr(engine.value.FastOperators, "__apply__", classmethod(without_fast.apply_by_row), raising=False)
        return build()


def described(root):
    """All that can be seen of a graph."""
    order = topological_order(root)
    place = {id(node): i for i, node in enumerate(order)}
    return [
        (v.data, v.operation, v.requires_grad, v.label, [(place.get(id(a), a), slope + 0.0) for a, slope in v._edges])
        for v in order
    ]


def gradient_of(root):
    root.backward()
    return [v.grad for v in topological_order(root)]


# Sums of the same terms in another order differ by less than this, relative to the sum of the |terms|.
def close(found, expected):
    largest = max(1.0, *map(abs, expected))
    return found == pytest.approx(expected, rel=1e-12, abs=1e-12 * largest)


@pytest.mark.slow
@pytest.mark.parametrize("path", SEMANTICS)
def test_the_semantic_suite_passes_without_the_fast_paths(path):
    options = ["--import-mode=importlib", "-p", "no:cacheprovider", "-p", "without_fast", "-q", "-x"]
    environment_path = [str(HERE), str(Path(engine.__file__).parents[1]), *sys.path]
    code = f"import sys; sys.path[:0] = {environment_path!r}; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *options, str(HERE.parent / path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_the_switch_replaces_all_that_other_modules_import_from_the_fence():
    imported = set()
    for floor in (engine, nn):
        folder = Path(floor.__file__).parent
        for path in folder.rglob("*.py"):
            if path.parent.name == "fast":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and "fast" in (node.module or "").split("."):
                    module = ".".join([floor.__name__, *path.relative_to(folder).with_suffix("").parts])
                    imported |= {(module, alias.name) for alias in node.names}
    known = {(module.__name__, name) for module, name in without_fast.GENERAL}
    assert {name for module, name in imported - known} == {"FastOperators", "FusedSum", "SharedInputs"}
    assert known <= imported


@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_operators_make_the_graph_and_the_gradients_of_their_rows(seed, size):
    quick, slow = random_graph(seed, size)[2], by_rows(lambda: random_graph(seed, size)[2])
    assert described(quick) == described(slow)
    assert close(gradient_of(quick), by_rows(lambda: gradient_of(slow)))


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_networks_make_the_graph_and_the_gradients_of_their_operators(activation):
    def loss():
        model = MLP(3, [4, 3, 2], activation=activation, rng=1)
        x = Value(0.3, label="x")
        return cross_entropy(model([x, -1.2, x * x]), 1) + cross_entropy(model([x, 0.5, 2]), 0)

    quick, slow = loss(), by_rows(loss)
    found = gradient_of(quick)
    assert close(found, by_rows(lambda: gradient_of(slow)))
    assert described(quick) == described(slow)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 80), frozen=st.booleans())
def test_refresh_agrees_with_the_general_refresh(seed, size, frozen):
    both = [random_graph(seed, size) for _ in range(2)]
    for (leaves, _, root), way in zip(both, (refresh, graph.refresh)):
        for leaf in leaves:
            leaf.data *= 1 + 2**-20  # so little that most operations keep a value
        leaves[0].requires_grad = not frozen
        before = described(root)
        try:
            way(root)
        except ValueError:
            assert described(root) == before
    assert described(both[0][2]) == described(both[1][2])


@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_first_derivatives_agree_with_gradients(seed, size):
    leaves, _, root = random_graph(seed, size)
    touched = [value.grad for value in topological_order(root)]
    found = derivatives(root, leaves)
    assert derivatives(root, leaves, unchanged=True) == found
    assert [value.grad for value in topological_order(root)] == touched
    expected = [slope.data for slope in gradients(root, leaves)]
    if found is None:  # only a number that is not finite may make it leave this to the general way
        slopes = [slope for value in topological_order(root) for _, slope in value._edges]
        assert not all(map(math.isfinite, [*expected, *slopes, *(value.data for value in topological_order(root))]))
    else:
        assert close(found, expected)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_a_node_is_deeper_than_its_arguments_and_knows_whether_it_has_several_users(seed, size):
    leaves, recipe, _ = random_graph(seed, size)
    made = [*leaves, *replay(leaves, recipe, leaves)]
    uses = {id(node): 0 for node in made}
    for node in made[len(leaves) :]:
        for argument in node._prev:
            assert node._depth > argument._depth
            uses[id(argument)] += 1
    for node in made[len(leaves) :]:
        assert node._users == uses[id(node)]


class InMillimetres(Value):
    """A leaf that keeps its number in another unit."""

    @property
    def data(self):
        return 1000.0 * self.__dict__["metres"]

    @data.setter
    def data(self, millimetres):
        self.__dict__["metres"] = millimetres / 1000.0

    def __init__(self, data):
        super().__init__(0.0)
        self.data = data


class Counting(Value):
    """A leaf that stores its number in the slot and counts how often it is written."""

    def __setattr__(self, name, value):
        if name == "data":
            self.__dict__["writes"] = self.__dict__.get("writes", 0) + 1
        super().__setattr__(name, value)


@pytest.mark.parametrize("kinds", [[Value], [InMillimetres], [Counting], [Value, InMillimetres, Counting]])
def test_many_leaves_are_read_and_written_as_data_does_it(kinds):
    def run():
        leaves = [kind(number) for kind in kinds for number in (1.5, -2.0, 0.25)]
        leaves[1].requires_grad = False
        put_data(leaves, [2.0 * number for number in data_of(leaves)])
        return [leaf.data for leaf in leaves], data_of(leaves), [leaf.__dict__ for leaf in leaves]

    def one_by_one():
        leaves = [kind(number) for kind in kinds for number in (1.5, -2.0, 0.25)]
        leaves[1].requires_grad = False
        without_fast.write_one_by_one(leaves, [2.0 * leaf.data for leaf in leaves])
        return [leaf.data for leaf in leaves], without_fast.read_one_by_one(leaves), [leaf.__dict__ for leaf in leaves]

    assert run() == one_by_one()
    with pytest.raises(ValueError, match="shorter"):
        put_data([Value(1.0), Value(2.0)], [3.0])
    assert data_of([]) == []


def test_leaves_that_are_read_in_a_derivative_are_seen():
    def of_what_an_optimiser_read(x):
        optimiser = nn.SGD([x])
        return x * optimiser.read()[0]

    with pytest.raises(TypeError, match="the number of a variable was read"):
        engine.grad(of_what_an_optimiser_read)(2.0)


@pytest.mark.parametrize("where", ["activation", "weights", "neuron"])
def test_a_layer_reads_the_inputs_anew_after_a_users_code(where):
    """What a neuron's own code writes into an input counts for the neurons after it."""
    x = Value(1.0)

    def tell(total):
        x.data *= 2.0
        return total

    class Weights(list):
        def __iter__(self):
            tell(None)
            return super().__iter__()

    class OfOnesOwn(nn.Neuron):
        def __call__(self, inputs):
            return tell(super().__call__(inputs))

    def outputs():
        x.data = 1.0
        layer = nn.Layer(1, 3, nonlin=where == "activation", rng=0)
        for neuron in layer.neurons:
            if where == "activation":
                neuron.activation = tell
            elif where == "weights":
                neuron.w = Weights(neuron.w)
            else:
                neuron.__class__ = OfOnesOwn
        return [out.data for out in layer([x])]

    assert outputs() == by_rows(outputs)
    assert len({*outputs()}) == 3
