"""Names of other libraries are answered with ours, and what the answer names is there."""

import re

import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn.elsewhere import INSTEAD, MODULE, ROWS

DATA = cr.iris()
HISTORY = cr.fit(cr.MLP(4, [3], rng=0), cr.cross_entropy, DATA, epochs=1, progress=False)
OBJECTS = {"Module": cr.MLP(4, [3], rng=0), "Dataset": DATA, "History": HISTORY}
KNOWN = {"cr": cr, "nn": nn, "model": OBJECTS["Module"], "data": DATA, "history": HISTORY}


def named(hint):
    """The names of ours that a hint has: cr.fit, model.predict, data.X.shape."""
    return re.findall(r"\b(cr|nn|model|data|history)\.([a-zA-Z_]\w*)(?!['\w])", hint)


@pytest.mark.parametrize("module", [cr, nn])
@pytest.mark.parametrize("name", MODULE)
def test_a_module_answers_with_our_name(module, name):
    assert not hasattr(module, name) and name not in module.__all__
    with pytest.raises(AttributeError, match=rf"{module.__name__}' has no attribute '{name}'; write ") as error:
        getattr(module, name)
    assert str(error.value).endswith(MODULE[name])


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, rows in ROWS.items() for name in rows])
def test_an_object_answers_with_our_name(kind, name):
    with pytest.raises(AttributeError, match=f"object has no attribute '{name}'; write ") as error:
        getattr(OBJECTS[kind], name)
    assert str(error.value).endswith(ROWS[kind][name]) and getattr(OBJECTS[kind], name, None) is None


@pytest.mark.parametrize(
    "hint", sorted({hint for rows in (MODULE, *ROWS.values(), *INSTEAD.values()) for hint in rows.values()})
)
def test_what_an_answer_names_is_there(hint):
    for owner, name in named(hint.replace("model.json", "").replace("data.csv", "")):
        assert hasattr(KNOWN[owner], name), (owner, name)


def test_other_attributes_are_missed_as_ever():
    with pytest.raises(AttributeError, match=r"^'MLP' object has no attribute 'nonsense'$"):
        OBJECTS["Module"].nonsense  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean 'cross_entropy'"):
        cr.crossentropy  # noqa: B018

    class Mine(cr.Module):
        @property
        def mark(self):
            return self.absent

    with pytest.raises(AttributeError, match=r"^'Mine' object has no attribute 'absent'$"):
        Mine().mark  # noqa: B018


@pytest.mark.parametrize(("call", "said"), [
    (lambda: cr.MLP(2, [1], seed=0), "MLP has no argument 'seed'; write rng=0"),
    (lambda: cr.MLP(2, [1], random_state=3), "MLP has no argument 'random_state'; write rng=3"),
    (lambda: cr.MLP(2, [1], activations="tanh"), "MLP has no argument 'activations'; write activation="),
    (lambda: cr.MLP(2, [1], nonlin=False), "MLP has no argument 'nonlin'; write activation="),
    (lambda: cr.Neuron(2, seed=1), "Neuron has no argument 'seed'; write rng=1"),
    (lambda: DATA.split(random_state=0), "split has no argument 'random_state'; write seed=0"),
    (lambda: cr.train_test_split(*DATA, random_state=0), "split has no argument 'random_state'; write seed=0"),
    (lambda: cr.train_test_split(*DATA, train_size=0.5), "no argument 'train_size'; write test_size=, the share"),
    (lambda: cr.sweep(print, {"a": [1]}, n_jobs=2), "sweep has no argument 'n_jobs'; write executor=ProcessPoolExec"),
    (lambda: cr.fit(None, None, None, Optimizer=1), "fit has no argument 'Optimizer'; write optimiser="),
    (lambda: cr.fit(None, None, None, verbose=2), "fit has no argument 'verbose'; write progress=True"),
    (lambda: cr.fit(None, None, None, lr=2), "fit has no argument 'lr'; write learning_rate=2"),
    (lambda: cr.fit(None, None, None, momentum=0.9), "fit has no argument 'momentum'; write optimiser=nn.SGD("),
    (lambda: cr.sweep(print, {"a": [1]}, qqq=2), "sweep has no argument 'qqq'; it takes train, grid, executor"),
])  # fmt: skip
def test_keywords_of_other_libraries_are_answered_with_ours(call, said):
    with pytest.raises(TypeError, match=re.escape(said)) as found:
        call()
    assert not said.endswith("=") or str(found.value).endswith("="), "the value that was given is none for ours"
