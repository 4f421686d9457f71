"""Data of any type in fit, predict, metrics and train_test_split: the same numbers, or an error that names them."""

import warnings

import numpy as np
import pytest

from chainrule.engine import Value
from chainrule.nn import MLP, SGD, Module, accuracy, cross_entropy, fit, iris, mse, train_test_split

X = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [3, 5], [2, 0]])
Y = np.array([0, 1, 2, 0, 1, 2])
KINDS = ["uint8", "int8", "int16", "bool", "float16", "float32", "longdouble", ">f8", "int64", "object"]
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]


def trained(loss, X, y, outputs, compiled=True, **options):
    net = MLP(2, [3, outputs], activation="tanh", rng=0)
    history = fit(net, loss, X, y, **{"epochs": 2, "batch_size": 4, "progress": False, "compiled": compiled, **options})
    return [p.data for p in net.parameters()], history


def wraps(prediction, target):
    """A loss that goes wrong with uint8: 0 - 1 would be 255."""
    return (prediction[0] - (target[0] - target[1])) ** 2 + prediction[1] * (target[1] - 3)


class Difference(Module):
    """A model that goes wrong with uint8, on numbers alone."""

    def __init__(self):
        self.w = Value(0.5)

    def __call__(self, x):
        return self.w * (x[0] - x[1]) + (x[0] - 3 * x[1])


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_type_of_the_data_makes_no_difference(kind, compiled):
    given = X.astype(bool).astype(kind) if kind == "bool" else X.astype(kind)
    floats = given.astype(float)
    for loss, y, expected, outputs in (
        (cross_entropy, Y.astype(kind) if np.dtype(kind).kind in "iu" else Y, Y, 3),
        (wraps, given, floats, 2),
        (mse, given[:, :1], floats[:, :1], 1),
    ):
        options = {"validation": (given[:2], y[:2]), "metrics": {"sum": lambda p, t: float(np.sum(p) + np.sum(t))}}
        found, history = trained(loss, given, y, outputs, compiled, **options)
        wanted, right = trained(loss, floats, expected, outputs, compiled)
        # bit for bit eagerly; a program of integers may add in another order, 1e-12 of numbers of about 1
        np.testing.assert_allclose(found, wanted, rtol=0 if not compiled else 1e-12)
        np.testing.assert_allclose(history.train_loss, right.train_loss, rtol=1e-12)
    net = Difference()
    fit(net, mse, given, floats[:, 0], epochs=2, optimiser=SGD, progress=False, compiled=compiled)
    twin = Difference()
    fit(twin, mse, floats, floats[:, 0], epochs=2, optimiser=SGD, progress=False, compiled=compiled)
    assert net.w.data == pytest.approx(twin.w.data, rel=1e-12)
    assert net.predict(given).tolist() == pytest.approx(twin.predict(floats).tolist(), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_and_a_loss_see_pythons_numbers(kind):
    seen = set()

    class Spy(Module):
        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            seen.update(type(number) for number in [x[0], x[-1], *x])
            return self.w * x[0]

    def loss(prediction, target):
        seen.add(type(target))
        return prediction * target

    given = X.astype(kind)
    fit(Spy(), loss, given, given[:, 0], epochs=1, progress=False, compiled=False)
    Spy().predict(given)
    assert seen <= {float, int}
    assert (float in seen) == (np.dtype(kind).kind in "fb")
    assert (int in seen) == (np.dtype(kind).kind not in "f")  # bools are flags in X and labels in y


def test_integers_may_index_a_table():
    class Embedding(Module):
        def __init__(self):
            self.rows = [[Value(0.1 * i)] for i in range(3)]

        def __call__(self, token):
            return self.rows[token][0]

    net = Embedding()
    fit(net, mse, Y.astype(np.uint16), Y * 2.0, epochs=200, learning_rate=0.1, progress=False, compiled=False)
    assert net.predict(Y.astype(np.uint16)).tolist() == pytest.approx((Y * 2.0).tolist(), abs=0.1)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_model_may_change_its_row(compiled):
    class Scaled(Module):
        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            x *= 2
            return self.w * x[0]

    table = X * 1.0
    fit(Scaled(), mse, table, Y, epochs=1, progress=False, compiled=compiled)
    Scaled().predict(table)
    assert (table == X).all()


def test_frames_and_series_of_pandas():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame({"width": X[:, 0] * 1.0, "wet": X[:, 1] > 0}, index=[5, 4, 3, 2, 1, 0])
    numbers = np.column_stack([X[:, 0], X[:, 1] > 0]).astype(float)
    for y in (pd.Series(Y, dtype="Int64"), pd.Series(Y, dtype="category"), pd.Series(Y, dtype=object), list(Y)):
        found = trained(cross_entropy, frame, y, 3, validation=(frame, y), metrics=accuracy)
        assert found[0] == trained(cross_entropy, numbers, Y, 3)[0]
        assert found[1].metrics["train accuracy"] == found[1].metrics["test accuracy"]
        parts = train_test_split(frame, y, stratify=y, test_size=0.5)
        assert trained(cross_entropy, parts[0], parts[2], 3)[1].epochs == [0, 1, 2]
    assert MLP(2, [1], rng=0).predict(frame).tolist() == MLP(2, [1], rng=0).predict(numbers).tolist()
    gap = frame.assign(width=[1.0, 2.0, None, 4.0, 5.0, 6.0])
    with pytest.raises(ValueError, match="row 2 of X holds nan in column 'width'; remove the row"):
        trained(cross_entropy, gap, Y, 3)
    with pytest.raises(TypeError, match="row 0 of validation X holds 'a' in column 'width', a word"):
        trained(cross_entropy, frame, Y, 3, validation=(frame.assign(width=list("abcdef")), Y))


def test_frames_and_series_of_polars():
    pl = pytest.importorskip("polars", reason="polars is not installed")
    frame = pl.DataFrame({"width": X[:, 0] * 1.0, "wet": X[:, 1] > 0})
    numbers = np.column_stack([X[:, 0], X[:, 1] > 0]).astype(float)
    found = trained(cross_entropy, frame, pl.Series(Y), 3)
    assert found[0] == trained(cross_entropy, numbers, Y, 3)[0]
    assert [part.shape for part in train_test_split(frame, pl.Series(Y))] == [(4, 2), (2, 2), (4,), (2,)]
    assert (
        trained(cross_entropy, frame, pl.Series(list("abcabc")), 3)[0]
        == trained(cross_entropy, numbers, [0, 1, 2, 0, 1, 2], 3)[0]
    )


@pytest.mark.parametrize("holder", ["array", "list", "objects", "column", "series", "category"])
def test_names_of_classes_train_at_once_and_come_back_by_name(holder):
    y = {"array": NAMES, "list": NAMES.tolist(), "objects": NAMES.astype(object), "column": NAMES[:, None]}.get(holder)
    if y is None:
        pd = pytest.importorskip("pandas", reason="pandas is not installed")
        y = pd.Series(NAMES, dtype="category" if holder == "category" else None)
    net, again = MLP(2, [8, 3], activation="tanh", rng=0), MLP(2, [8, 3], activation="tanh", rng=0)
    options = {"epochs": 200, "learning_rate": 0.05, "progress": False, "metrics": accuracy}
    history = fit(
        net, cross_entropy, X, y, validation=(X[::-1], y[::-1] if holder != "series" else NAMES[::-1]), **options
    )
    fit(again, cross_entropy, X, Y, **options)
    assert [p.data for p in net.parameters()] == [p.data for p in again.parameters()]
    assert (
        net.predict_class(X).tolist()
        == np.array(["setosa", "versicolor", "virginica"])[again.predict_class(X)].tolist()
    )
    assert history.metrics["test accuracy"] == history.metrics["train accuracy"]
    with pytest.raises(
        ValueError, match=r"row 1 of validation y holds 'verginica', where the model knows .*mean 'virgin"
    ):
        fit(net, cross_entropy, X, y, validation=(X[:2], ["setosa", "verginica"]), **options)
    with pytest.raises(TypeError, match=r"row 0 of validation y holds .* np.searchsorted\(names, y\)"):
        fit(net, cross_entropy, X, Y, validation=(X, y), **options)  # nobody has said which number is which name


@pytest.mark.parametrize("y", [[0, None, 1, 2, 0, 1], np.array([0, np.nan, 1, 2, 0, 1])])
def test_rows_without_a_target_are_left_out_as_advised(y):
    with pytest.raises(ValueError, match=r"row 1 of y holds (None|nan).* remove the row: ") as refused:
        trained(mse, X, y, 1)
    space = {"np": np, "X": X, "y": y}
    exec(str(refused.value).split("the row: ")[1], space)
    kept = [0, 2, 3, 4, 5]
    assert trained(mse, space["X"], space["y"], 1)[0] == trained(mse, X[kept], np.array([0, 1, 2, 0, 1]), 1)[0]


def test_masked_rows_are_refused_everywhere():
    masked = np.ma.array(X, mask=X == 5)
    said = "row 4 of X holds a masked number in column 1"
    with pytest.raises(ValueError, match=said):
        trained(cross_entropy, masked, Y, 3)
    with pytest.raises(ValueError, match=said):
        MLP(2, [1]).predict(masked)
    with pytest.raises(ValueError, match="row 1 of labels holds a masked number"):
        accuracy([1, 0], np.ma.array([1, 0], mask=[0, 1]))
    with pytest.raises(ValueError, match="mse got an array with 1 masked numbers"):
        mse([Value(1.0), Value(2.0)], np.ma.array([1.0, 0.0], mask=[0, 1]))
    train, test, *_ = train_test_split(masked, Y, test_size=0.5)
    assert np.ma.getmaskarray(train).sum() + np.ma.getmaskarray(test).sum() == 1


@pytest.mark.parametrize("outputs", ["(n,)", "(n, 1)"])
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_metrics_get_targets_in_the_shape_of_the_outputs(outputs, shape):
    class Line(Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            y = self.w * x[0] + x[1]
            return y if outputs == "(n,)" else [y]

    def error(predictions, targets):
        assert predictions.shape == targets.shape
        return float(np.mean((predictions - targets) ** 2))

    y = X[:, 0] * 2.0 - X[:, 1]
    history = fit(Line(), mse, X, y.reshape(shape), metrics=error, epochs=3, progress=False, validation=(X, y))
    assert history.metrics["train error"] == pytest.approx(history.train_loss, rel=1e-12)
    assert history.metrics["test error"] == pytest.approx(history.test_loss, rel=1e-12)
    labels = (y > 1).astype(int).reshape(shape)
    scores = fit(Line(), mse, X, labels, epochs=1, progress=False,
                 metrics={"hits": lambda p, t: accuracy(p, t, threshold=0.5)})  # fmt: skip
    assert scores.metrics["train hits"][0] == np.mean((X[:, 0] * 0.5 + X[:, 1] > 0.5) == labels.ravel())


def test_losses_take_numpys_small_numbers():
    small = np.array([3, 5], np.uint8)
    assert mse(small, small[::-1]) == 4.0 and mse([small[0]], [small[1]]) == 4.0
    assert mse([Value(3.0), Value(5.0)], small).data == 0.0 and mse(Value(1.0), np.uint8(3)).data == 4.0
    half = np.array([0.1, 0.2], np.float16)
    assert mse(half, [0.0, 0.0]) == np.mean(half.astype(float) ** 2)
    assert cross_entropy(np.array([1, 3], np.uint8), np.uint8(0)) == cross_entropy([1.0, 3.0], 0)
    for wrong, said in (("ab", "list, got str 'ab'"), (["1"], "target 0 is str '1'"), ([None], "target 0 is NoneType")):
        with pytest.raises(TypeError, match=f"mse takes numbers and Values.*{said}"):
            mse([Value(1.0)], wrong)


@pytest.mark.parametrize(
    ("stratify", "error", "said"),
    [
        ([0, None, 1, 0, 1, 0], ValueError, "stratify holds None in row 1"),
        ([0.0, np.nan, 1.0, 0.0, 1.0, 0.0], ValueError, "stratify holds nan in row 1"),
        (np.ma.array(Y, mask=Y == 1), ValueError, "stratify is masked in row 1"),
        (np.array([0, "a", 0, "a", 0, "a"], dtype=object), TypeError, r"holds int and str; .* list\(map\(str, y\)\)"),
    ],
)
def test_rows_without_a_class_cannot_be_stratified(stratify, error, said):
    with pytest.raises(error, match=said):
        train_test_split(X, Y, stratify=stratify)


def test_splitting_keeps_names_and_refuses_what_has_no_order():
    parts = train_test_split(X, NAMES, stratify=NAMES[:, None], test_size=0.5)
    assert sorted(np.concatenate(parts[2:])) == sorted(NAMES) and parts[2].dtype == NAMES.dtype
    with pytest.raises(TypeError, match=r"X is a generator; write list\(X\)"):
        train_test_split((row for row in X), Y)
    with pytest.raises(TypeError, match="y must hold numbers, got NoneType None"):
        train_test_split(X, None)


def test_nothing_is_said_where_nothing_is_wrong():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(cross_entropy, X.astype(np.uint8), Y.astype(np.int8), 3)


@pytest.mark.parametrize("share", ["0.2", None, True, [0.2]])
def test_a_share_of_test_examples_that_is_no_number_is_said(share):
    with pytest.raises(TypeError, match="test_size is a share between 0 and 1, got "):
        train_test_split([[1.0], [2.0]], [0, 1], test_size=share)
    with pytest.raises(TypeError, match="test_size is a share between 0 and 1, got "):
        iris().split(test_size=share, stratify=False)
    with pytest.raises(TypeError, match="test_size is a share between 0 and 1, got "):
        iris().split(test_size=share)
