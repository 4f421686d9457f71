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
