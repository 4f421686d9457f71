"""help() of every public name is complete: a sentence, what applies of shapes, units, errors and source, an example."""

import doctest
import inspect
import re
import types

import pytest

import chainrule
from chainrule import Op, Optimiser
from chainrule.engine.op import everywhere

NOT_OBJECTS = {"__version__", "OPS"}  # a text and a dict, whose help is Python's own
NAMES = [name for name in chainrule.__all__ if name not in NOT_OBJECTS]
ROWS = [name for name in NAMES if isinstance(getattr(chainrule, name), Op)]
MODULES = [name for name in NAMES if isinstance(getattr(chainrule, name), types.ModuleType)]
OTHERS = [name for name in NAMES if name not in {*ROWS, *MODULES}]
NEED_OTHER_LIBRARIES = {"from_torch", "to_onnx", "to_torch"}  # their examples would fail where these are missing
TAKE_ARRAYS = {"X", "y", "logits", "logit", "prediction", "predictions", "target", "targets", "score"}
LOSSES_WITH_A_SOURCE = {"binary_cross_entropy", "cross_entropy", "hinge", "huber", "softmax"}
MEASURED = {"digits", "iris", "penguins"}
# They hand their data on to what says the shapes, or give files, frames and lists a shape of their own.
HAND_ON = {"landscape", "replay", "table", "to_numpy_source", "wish_bars"}
# They refuse nothing of their own; what they are given is checked where Values, models and rows are.
NEVER_FAIL = {
    "check_row", "diagnose", "digits", "enable_grad", "gradcheck", "iris", "l1", "l2",
    "no_grad", "penguins", "topological_order", "trace", "units",
}  # fmt: skip


def help_of(name):
    return inspect.getdoc(getattr(chainrule, name)) or ""


def owns_its_help(thing):
    return bool(thing.__dict__.get("__doc__")) if isinstance(thing, type) else bool(thing.__doc__)


@pytest.mark.parametrize("name", NAMES)
def test_each_help_begins_with_a_sentence_of_its_own(name):
    text = help_of(name)
    thing = getattr(chainrule, name)
    assert owns_its_help(thing), f"{name} has no docstring"
    first = text.partition("\n\n")[0] if name not in ROWS else text.split("\n\n")[1]
    assert len(first.split()) >= 3 and re.search(r"[.:]\s*$|[.:]\s", first), f"{name}: {first!r}"


@pytest.mark.parametrize("name", ROWS)
def test_the_help_of_an_operation_names_its_arguments_and_its_local_derivatives(name):
    text, row = help_of(name), getattr(chainrule, name)
    assert text.startswith(f"{name}({', '.join(row.argument_names)})")
    assert row.what in text
    assert "Local derivative" in text or not row.why
    assert ("Errors: DomainError" in text) == (row.domain is not everywhere)


@pytest.mark.parametrize("name", ROWS)
def test_the_example_of_an_operation_runs_and_shows_what_backward_gives(name):
    examples = doctest.DocTestParser().get_doctest(help_of(name), {name: getattr(chainrule, name)}, name, None, 0)
    assert examples.examples[-1].want.strip(), "it shows a number"
    assert "result.backward()\n" in help_of(name) and ".grad" in examples.examples[-1].source
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


def test_the_help_of_a_choice_says_nothing_inside_of_its_code():
    assert "    where(step(p), sqrt(where(step(p), p, 1.0)), 0.0)\n\n" in help_of("where")


@pytest.mark.parametrize("name", [name for name in OTHERS if name not in NEED_OTHER_LIBRARIES])
def test_each_other_help_has_an_example(name):
    examples = doctest.DocTestParser().get_examples(help_of(name))
    assert examples, f"the help of {name} has no example"  # test_house.py runs them


@pytest.mark.parametrize("name", [name for name in OTHERS if name not in NEED_OTHER_LIBRARIES])
def test_an_example_can_be_typed_where_nothing_is_imported_but_the_name_itself(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    thing = getattr(chainrule, name)
    methods = [each for key, each in vars(thing).items() if key[0] != "_"] if isinstance(thing, type) else []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    for text in filter(None, map(inspect.getdoc, [thing, *methods])):
        runner.run(doctest.DocTestParser().get_doctest(text, {name: thing}, name, None, 0))
    assert runner.failures == 0


@pytest.mark.parametrize("name", [name for name in OTHERS if inspect.isfunction(getattr(chainrule, name))])
def test_the_help_of_what_takes_arrays_says_their_shapes(name):
    takes = {*inspect.signature(getattr(chainrule, name)).parameters} & TAKE_ARRAYS
    if takes and name not in HAND_ON:
        assert "Shapes:" in help_of(name), f"{name} takes {', '.join(sorted(takes))} and says no shapes"


@pytest.mark.parametrize("name", [name for name in OTHERS if inspect.isfunction(getattr(chainrule, name))])
def test_the_help_of_a_function_says_which_errors_it_raises(name):
    text = help_of(name)
    assert re.search(r"^Errors: |Error\b", text, re.MULTILINE) or name in NEVER_FAIL


def test_losses_optimisers_and_measured_data_name_their_source():
    optimisers = {name for name in OTHERS if getattr(chainrule, name) in [*Optimiser.__subclasses__(), chainrule.AdamW]}
    assert {"Adam", "SGD", "RMSProp"} <= optimisers
    for name in {*optimisers, *LOSSES_WITH_A_SOURCE, *MEASURED}:
        assert "Source:" in help_of(name), name
    for name in MEASURED:
        assert "Units:" in help_of(name), name


@pytest.mark.parametrize("name", [name for name in OTHERS if isinstance(getattr(chainrule, name), type)])
def test_each_public_method_of_a_class_has_a_help(name):
    kind = getattr(chainrule, name)
    silent = [
        method
        for method, member in inspect.getmembers(kind)
        if not method.startswith("_")
        and method not in getattr(kind, "__dataclass_fields__", {})
        and (inspect.isfunction(member) or isinstance(member, property))
        and (getattr(member, "__module__", "chainrule") or "chainrule").startswith("chainrule")
        and not inspect.getdoc(member)
    ]
    assert not silent, f"these have no docstring: {', '.join(f'{name}.{method}' for method in silent)}"
