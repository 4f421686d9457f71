import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import chainrule
from chainrule import nn
from chainrule.nn import datasets
from chainrule.nn.datasets import digits, houses, iris, penguins, sine, spirals, train_test_split, xor


def test_iris_unpacks_into_float_measurements_and_whole_labels():
    data = iris()
    X, y = data
    assert X is data.X and y is data.y
    assert X.shape == (150, 4) and X.dtype == np.float64
    assert y.shape == (150,) and np.issubdtype(y.dtype, np.integer)
    assert data.feature_names == ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
    assert data.target_names == ("setosa", "versicolor", "virginica")
    assert np.bincount(y).tolist() == [50, 50, 50]


def test_iris_has_the_published_means_and_deviations():
    # The means of the species are from Fisher (1936), tables II and VII, the standard deviations (with n - 1) from R's
    # datasets::iris. With the two mistyped rows of the file at UCI, setosa's means would be 3.418, 1.464 and 0.244.
    means = [[5.006, 3.428, 1.462, 0.246], [5.936, 2.770, 4.260, 1.326], [6.588, 2.974, 5.552, 2.026]]
    deviations = [
        [0.3524897, 0.3790644, 0.1736640, 0.1053856],
        [0.5161711, 0.3137983, 0.4699110, 0.1977527],
        [0.6358796, 0.3224966, 0.5518947, 0.2746501],
    ]
    X, y = iris()
    for label in range(3):
        # They are published to 3 and to 7 decimals, that is within half a unit of the last one.
        assert X[y == label].mean(axis=0) == pytest.approx(means[label], abs=5e-4)
        assert X[y == label].std(axis=0, ddof=1) == pytest.approx(deviations[label], abs=5.1e-8)


def test_iris_equals_scikit_learns_copy():
    theirs = pytest.importorskip("sklearn.datasets").load_iris()
    assert np.array_equal(iris().X, theirs.data)
    assert np.array_equal(iris().y, theirs.target)


def test_each_call_returns_arrays_of_its_own():
    iris().X[:] = 0.0
    assert iris().X[0, 0] == 5.1


def test_the_repr_of_a_dataset_is_one_short_line():
    assert repr(iris()) == "Dataset('iris', X (150, 4), y (150,), classes setosa, versicolor, virginica)"


def test_penguins_have_the_published_counts_and_gaps():
    # Horst, Hill & Gorman (2020): species by island, and the 2 birds without measurements and 11 without a sex.
    data = penguins()
    assert np.bincount(data.y).tolist() == [152, 68, 124] and data.target_names == ("Adelie", "Chinstrap", "Gentoo")
    cells, _ = data.raw_cells()
    assert [sum(one is None for one in cells["sex"].tolist()), np.isnan(cells["bill_length_mm"]).sum()] == [11, 2]
    islands = {
        name: np.bincount(data.y[cells["island"] == name], minlength=3).tolist() for name in set(cells["island"])
    }
    assert islands == {"Biscoe": [44, 0, 124], "Dream": [56, 68, 0], "Torgersen": [52, 0, 0]}
    whole = penguins(missing="drop")
    assert len(whole) == 333 and "11 rows with gaps left out" in str(whole)
    # The means of the 333 whole birds, as R's palmerpenguins has them to two decimals.
    means = [float(np.mean(whole.raw_cells()[0][name])) for name in list(cells)[1:5]]
    assert means == pytest.approx([43.99, 17.16, 200.97, 4207.06], abs=5.1e-3)


def test_digits_equal_scikit_learns_copy():
    data = digits()
    assert data.X.shape == (1797, 64) and data.X.min() == 0 and data.X.max() == 16
    assert np.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as at UCI
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    assert np.array_equal(data.X, theirs.data) and np.array_equal(data.y, theirs.target)


@pytest.mark.parametrize("name", [*datasets.generated.__all__, *datasets.measured.__all__])
def test_nn_and_the_facade_hand_on_each_data_set(name):
    for package in (datasets, nn, chainrule):
        said = f"import {name} in nn/datasets/__init__.py and in nn/__init__.py, and run python tools/table.py"
        assert name in package.__all__ and getattr(package, name) in vars(datasets).values(), said


@pytest.mark.parametrize("name", datasets.generated.__all__)
def test_generated_data_are_those_of_their_seed(name):
    make = getattr(datasets, name)
    (X, y), (again, same), (other, _) = make(n=90, seed=3), make(n=90, seed=3), make(n=90, seed=4)
    assert np.array_equal(X, again) and np.array_equal(y, same) and not np.array_equal(X, other)
    assert X.shape == (90, X.shape[1]) and y.shape == (90,) and np.isfinite(X).all()
    if make(n=90).target_names:
        assert np.ptp(np.bincount(y)) <= 1
    with pytest.raises(ValueError, match=r"noise must be at least 0, got -1"):
        make(noise=-1)
    with pytest.raises(ValueError, match="n=0 points"):
        make(n=0)


def test_without_noise_points_lie_where_they_are_said_to_lie():
    X, y = datasets.circles(100, noise=0)
    assert np.hypot(*X.T) == pytest.approx(np.where(y == 0, 1.0, 0.5), rel=1e-12)
    X, y = datasets.moons(100, noise=0)
    centres = np.array([[0.0, 0.0], [1.0, 0.5]])[y]
    assert np.hypot(*(X - centres).T) == pytest.approx(1.0, rel=1e-12)
    assert (X[y == 0, 1] >= 0).all() and (X[y == 1, 1] <= 0.5).all()
    X, y = xor(100)
    assert np.array_equal((X[:, 0] > 0) != (X[:, 1] > 0), y == 1) and np.abs(X).max() <= 1
    X, y = spirals(100, noise=0, arms=3, turns=2)
    radius = np.hypot(*X.T)
    turned = (np.arctan2(X[:, 1], X[:, 0]) / (2 * np.pi) - 2 * radius - y / 3) % 1
    assert np.minimum(turned, 1 - turned) == pytest.approx(0, abs=1e-9)
    X, y = sine(100, noise=0)
    assert y == pytest.approx(np.sin(X[:, 0]), rel=1e-12)
    X, y = datasets.gaussians(100, noise=0, classes=4)
    assert len(np.unique(X.round(9), axis=0)) == 4


def test_prices_of_houses_follow_the_published_rule():
    (area, bedrooms, age), price = houses(200, noise=0).X.T, houses(200, noise=0).y
    worth = (40_000 + 2_100 * area + 9_000 * bedrooms) * (0.65 + 0.35 * np.exp(-age / 25))
    assert price == pytest.approx(worth, abs=50.001)  # to the next hundred
    assert set(bedrooms) <= {1, 2, 3, 4, 5, 6} and area.min() >= 40 and age.max() <= 80


sizes_and_share = st.tuples(st.lists(st.integers(4, 40), min_size=1, max_size=4), st.floats(0.1, 0.9))


def split_numbered_rows(sizes, share, seed, stratified):
    """Labels, and a split of examples that hold their own number; drawn so that the split is possible."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = np.arange(len(y))[:, None]
    # Each side needs one example, and rounding may take away half of one.
    assume(min(sizes if stratified else [len(y)]) * min(share, 1 - share) >= 1.5)
    return y, train_test_split(X, y, test_size=share, seed=seed, stratify=y if stratified else None)


@given(case=sizes_and_share, seed=st.integers(0, 99), stratified=st.booleans())
def test_a_split_has_each_example_once_with_its_label(case, seed, stratified):
    y, (X_train, X_test, y_train, y_test) = split_numbered_rows(*case, seed, stratified)
    assert sorted([*X_train[:, 0], *X_test[:, 0]]) == list(range(len(y)))
    assert np.array_equal(y[X_train[:, 0]], y_train) and np.array_equal(y[X_test[:, 0]], y_test)
    assert abs(len(y_test) - len(y) * case[1]) <= 0.5 + 1e-9  # half of one, and the rounding of the product


@given(case=sizes_and_share, seed=st.integers(0, 99))
def test_a_stratified_split_keeps_the_share_of_each_class_to_within_one_example(case, seed):
    sizes, share = case
    y_test = split_numbered_rows(sizes, share, seed, stratified=True)[1][3]
    for size, count in zip(sizes, np.bincount(y_test, minlength=len(sizes))):
        assert abs(count - size * len(y_test) / sum(sizes)) < 1
        assert 0 < count < size


def test_a_stratified_split_of_iris_has_38_test_examples_of_all_classes():
    X, y = iris()
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y)
    assert X_train.shape == (112, 4) and X_test.shape == (38, 4)
    assert sorted(np.bincount(y_test).tolist()) == [12, 13, 13]
    assert sorted(np.bincount(y_train).tolist()) == [37, 37, 38]


def test_the_seed_decides_the_split():
    X, y = iris()
    first, again, other = (train_test_split(X, y, seed=seed, stratify=y) for seed in (0, 0, 1))
    assert all(map(np.array_equal, first, again))
    assert not np.array_equal(first[1], other[1])


def test_the_split_neither_uses_nor_disturbs_global_randomness():
    np.random.seed(7)  # noqa: NPY002 - the global generator is what is tested
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    split = train_test_split(*iris())
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(8)  # noqa: NPY002
    assert all(map(np.array_equal, split, train_test_split(*iris())))


def test_labels_may_be_words():
    words = np.array(iris().target_names)[iris().y]
    y_test = train_test_split(iris().X, words, stratify=words)[3]
    assert set(y_test) == set(iris().target_names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(X=[[1.0]] * 5, y=[0] * 4), r"X has 5 rows and y has 4"),
        (dict(X=[[1.0]] * 4, y=[0] * 4, test_size=1.5), r"share between 0 and 1, got 1\.5"),
        (dict(X=[[1.0]] * 4, y=[0] * 4, test_size=0), r"share between 0 and 1, got 0;"),
        (dict(X=[[1.0]] * 4, y=[0] * 4, test_size=float("nan")), r"share between 0 and 1, got nan"),
        (dict(X=[[1.0]] * 4, y=[0] * 4, test_size=0.01), r"test_size=0\.01 of 4 examples makes 0; each side"),
        (dict(X=[[1.0]], y=[0]), r"of 1 example makes 0;"),
        (dict(X=[], y=[]), r"of 0 examples makes 0;"),
        (dict(X=[[1.0]] * 9, y=[0] * 9, stratify=[0] * 8 + [1]), r"class 1 has 1 of 9 examples; .* add examples"),
        (dict(X=[1.0] * 22, y=[0] * 22, test_size=0.1, stratify=["a"] * 20 + ["b"] * 2), r"class 'b' has 2 of 22 ex"),
        (dict(X=[[1.0]] * 4, y=[0] * 4, stratify=[0] * 3), r"class of each of the 4 examples .*; got shape \(3,\)"),
        (dict(X=[[1.0]] * 4, y=[0] * 4, stratify=True), r"got shape \(\)"),
    ],
)  # fmt: skip
def test_a_split_that_is_impossible_is_an_error_that_says_why(arguments, message):
    with pytest.raises(ValueError, match=message):
        train_test_split(**arguments)


def test_a_single_number_in_place_of_an_array_is_an_error():
    with pytest.raises(TypeError, match="need a row for each example, but X is the single value 3"):
        train_test_split(3.0, [1])
