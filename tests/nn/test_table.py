"""Tables of all kinds become Datasets; scales and fills are those of the rows for training; models remember them."""

import json
import math
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.nn import MLP, Dataset, Preparation, accuracy, confusion, cross_entropy, fit, mse, penguins, table
from chainrule.nn.data.preparation import Prepared

COLUMNS = {
    "height": [8.5, 12.0, None, 20.0, 9.5, 14.0, 21.0, 19.0],
    "girth": [140, 150, 100, 60, 155, 95, 70, 65],
    "soil": ["clay", "sand", None, "sand", "clay", "sand", "sand", "peat"],
    "species": ["oak", "oak", "pine", "pine", "oak", "pine", "pine", "pine"],
}
FEATURES = ("height", "girth", "soil=clay", "soil=peat", "soil=sand")
INPUTS = [[h or 14.0, g, *[float((s or "sand") == one) for one in ("clay", "peat", "sand")]]
          for h, g, s in zip(COLUMNS["height"], COLUMNS["girth"], COLUMNS["soil"])]  # fmt: skip


def trees():
    return table(COLUMNS, "species")


def as_pandas(columns):
    return pytest.importorskip("pandas", reason="pandas is not installed").DataFrame(columns)


def as_polars(columns):
    return pytest.importorskip("polars", reason="polars is not installed").DataFrame(columns)


def as_categories(columns):
    kinds = {"soil": "category", "species": "category", "girth": "Int64"}
    return as_pandas(columns).astype({name: kind for name, kind in kinds.items() if name in columns})


def as_dicts(columns):
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def as_records(columns):
    values = [tuple(math.nan if one is None and name == "height" else one for name, one in row.items())
              for row in as_dicts(columns)]  # fmt: skip
    kinds = [(name, {"height": float, "girth": int}.get(name, object)) for name in columns]
    return np.array(values, dtype=kinds)


HOLDERS = [dict, as_pandas, as_categories, as_polars, as_dicts, as_records]


@pytest.mark.parametrize("held", HOLDERS)
def test_every_holder_of_columns_makes_the_same_dataset(held):
    data = table(held(COLUMNS), target="species")
    assert data.feature_names == FEATURES and data.target_names == ("oak", "pine")
    assert data.X.tolist() == INPUTS and data.y.tolist() == [0, 0, 1, 1, 0, 1, 1, 1]
    assert (data.inputs, data.outputs, len(data)) == (5, 2, 8)


def test_rows_without_names_of_columns_get_them():
    rows = list(zip(*COLUMNS.values()))
    assert table(rows, "species", names=list(COLUMNS)).X.tolist() == INPUTS
    with pytest.raises(ValueError, match=r"no names for its columns, and 4 columns; write names="):
        table(rows, "species")


@pytest.mark.parametrize("held", HOLDERS)
def test_a_trained_model_takes_raw_rows_in_every_holder(held):
    model, options = MLP(5, [6, 2], activation="tanh", rng=0), {"epochs": 30, "progress": False, "learning_rate": 0.05}
    data = trees().standardise()
    fit(model, cross_entropy, data, **options)
    raw = {name: column for name, column in COLUMNS.items() if name != "species"}
    expected = model.predict(data)
    assert np.array_equal(model.predict(held(raw)), expected) and np.array_equal(model.predict(data.X), expected)
    assert np.array_equal(model.predict(held(COLUMNS)), expected)  # more columns than are needed
    assert np.array_equal(model.predict(held(dict(reversed(raw.items())))), expected)  # in another order
    assert np.array_equal(model.predict(list(zip(*raw.values()))), expected)
    assert np.array_equal(model.predict(data.X[2:4]), expected[2:4])
    assert model.predict_class(held(raw)).tolist() == COLUMNS["species"]
    one = {"height": 8.0, "girth": 150, "soil": "clay"}
    assert model.predict_class(one).tolist() == model.predict_class([[8.0, 150, "clay"]]).tolist() == ["oak"]


@pytest.mark.parametrize(("rows", "said"), [
    ({"height": [8.0], "girth": [150], "soil": ["clai"]},
     r"row 0 of X holds 'clai' in column 'soil', where the model knows 'clay', 'peat', 'sand'; did you mean 'clay'"),
    ({"height": ["tall"], "girth": [150], "soil": ["clay"]}, r"row 0 of X holds 'tall' in column 'height'"),
    ({"height": [8.0, math.inf], "girth": [1, 2], "soil": ["clay"] * 2}, r"row 1 of X holds inf in column 'height'"),
    ({"hight": [8.0], "girth": [150], "soil": ["clay"]}, r"X has no column 'height'; .*; did you mean 'hight'"),
    ([[8.0, 150]], r"X has 2 columns, and the model takes 3: 'height', 'girth', 'soil'"),
    ([8.0, 150, "clay"], r"got the shape \(3,\); for one row, write \[X\]"),
    (np.ones((2, 5)), r"X has 5 columns.*; inputs that are prepared already are the Dataset's own X"),
])  # fmt: skip
def test_raw_rows_that_do_not_fit_are_errors_that_name_row_column_and_value(rows, said):
    model = MLP(5, [2], rng=0)
    fit(model, cross_entropy, trees(), epochs=1, progress=False)
    with pytest.raises(ValueError, match=said):
        model.predict(rows)


def test_gaps_in_raw_rows_are_filled_as_those_in_training_or_refused():
    raw = [[None, 100, "clay"], [14.0, 100, None], [14.0, 100, "clay"], [14.0, 100, "sand"]]
    model = MLP(5, [2], rng=0)
    fit(model, cross_entropy, trees(), epochs=1, progress=False)
    outputs = model.predict(raw)
    assert np.array_equal(outputs[0], outputs[2]) and np.array_equal(outputs[1], outputs[3])
    fit(model, cross_entropy, table(COLUMNS, "species", missing="drop"), epochs=1, progress=False)
    with pytest.raises(ValueError, match=r"row 0 of X has no value in column 'height'; leave the row out, or fill it"):
        model.predict(raw)


@pytest.mark.parametrize("order", ["split first", "standardise first"])
def test_scales_and_fills_are_those_of_the_rows_for_training_in_either_order(order):
    rng = np.random.default_rng(3)
    numbers, words = rng.normal(50, 9, 60), rng.choice(["a", "b", "c"], 60).tolist()
    numbers[::7] = np.nan
    data = table({"x": numbers, "w": words, "y": rng.normal(1e5, 3e4, 60)}, "y")
    if order == "split first":
        train, test = [part.standardise() for part in data.split(0.3, seed=5)]
    else:
        train, test = data.standardise().split(0.3, seed=5)
    held = numbers[train.rows]
    filled = np.where(np.isnan(held), np.nanmedian(held), held)
    for part in (train, test):
        raw = numbers[part.rows]
        expected = (np.where(np.isnan(raw), np.nanmedian(held), raw) - filled.mean()) / filled.std()
        np.testing.assert_allclose(part.X[:, 0], expected, rtol=1e-12, atol=1e-12)
        assert np.array_equal(part.X[:, 1:], [[float(words[row] == one) for one in "abc"] for row in part.rows])
        assert np.array_equal(part.y, data.y[part.rows])  # in the units of the table
    assert train.preparation == test.preparation and abs(train.X[:, 0].mean()) < 1e-12
    assert sorted([*train.rows, *test.rows]) == list(range(60))
    again, rest = train.split(0.5)
    assert set(again.rows) | set(rest.rows) == set(train.rows) and again.preparation != train.preparation


def test_inputs_prepared_otherwise_are_prepared_again_and_never_twice():
    data = trees()
    scaled = data.standardise()
    model = MLP(5, [4, 2], activation="tanh", rng=0)
    fit(model, cross_entropy, scaled, epochs=5, progress=False)
    expected = model.predict(scaled.X)
    np.testing.assert_allclose(model.predict(data.X), expected, rtol=1e-12)  # only one-hot: scaled now
    for copy in (pickle.loads(pickle.dumps(scaled)), pickle.loads(pickle.dumps(scaled.X))):
        assert np.array_equal(model.predict(copy), expected)
    other = table({**COLUMNS, "soil": ["chalk", *COLUMNS["soil"][1:]]}, "species")
    with pytest.raises(ValueError, match=r"these inputs are 'height', 'girth', 'soil=chalk'.*, and the model takes"):
        model.predict(other.X)


def test_prepared_rows_stay_prepared_and_columns_of_them_do_not():
    X = trees().standardise().X
    assert all(
        isinstance(part, Prepared) and part.preparation == X.preparation for part in (X[1:], X[[0, 2]], X[0], X + 0.1)
    )
    for plain in (X[:, :2], X[0, 0], X.mean(axis=0), X.mean(), X > 0, X.sum(), X[:, 0]):
        assert not isinstance(plain, Prepared)
    assert not isinstance(cr.iris().X, Prepared)  # what a model takes is what is in the table
    model = MLP(2, [2], rng=0)
    fit(model, cross_entropy, X[:, :2], trees().y, epochs=1, progress=False)
    assert model.preparation is None


def test_arrays_of_a_dataset_train_as_the_dataset_does():
    data = trees().standardise()
    models = [MLP(5, [4, 2], activation="tanh", rng=0) for _ in range(2)]
    X, y = data
    fit(models[0], cross_entropy, data, epochs=5, progress=False)
    fit(models[1], cross_entropy, X, y, epochs=5, progress=False)
    assert [p.data for p in models[0].parameters()] == [p.data for p in models[1].parameters()]
    assert models[0].preparation == models[1].preparation == data.preparation
    with pytest.warns(RuntimeWarning, match="it forgets the preparation"):
        fit(models[1], cross_entropy, np.asarray(X), y, epochs=1, progress=False)
    assert models[1].preparation is None


def test_numbers_are_learned_scaled_and_predicted_in_their_units():
    train, test = cr.houses().standardise().split()
    model = MLP(3, [8, 1], activation="tanh", rng=0)
    seen = {}

    def error(outputs, targets):
        seen["targets"] = targets
        return float(np.abs(np.ravel(outputs) - np.ravel(targets)).mean())

    history = fit(model, mse, train, validation=test, metrics=error, epochs=30, learning_rate=0.01, progress=False)
    assert history.train_loss[-1] < 0.1  # of numbers of deviation 1
    assert np.ravel(seen["targets"]) == pytest.approx(test.y, rel=1e-12)
    missed = np.abs(np.ravel(model.predict(test)) - test.y).mean()
    assert history.metrics["test error"][-1] == pytest.approx(missed, rel=1e-9) and missed < 30_000
    x, target = train.example(0)
    scaled = (train.y[0] - train.y.mean()) / train.y.std()
    assert target == pytest.approx(scaled, rel=1e-12) and x == train.X[0].tolist()
    output = model(x).data * train.y.std() + train.y.mean()
    assert np.ravel(model.predict(train))[0] == pytest.approx(output, rel=1e-12)


@pytest.mark.parametrize(("values", "names"), [
    ([0, 1, 0, 1, 2, 2], (0, 1, 2)), ([0.0, 1.0, 0.0, 1.0, None, 1.0], (0, 1)),
    ([True, False, True, False, True, True], (False, True)), (["b", "a", "b", "a", "c", "c"], ("a", "b", "c")),
    ([0.5, 1.5, 2.5, 0.5, 1.5, 2.5], None), ([10, 20, 30, 40, 50, 60], None),
])  # fmt: skip
def test_the_target_is_of_classes_or_of_numbers(values, names):
    data = table({"x": [1.0, 2, 3, 4, 5, 6], "y": values}, "y")
    assert data.target_names == (names or ()) and all(
        type(a) is type(b) for a, b in zip(data.target_names, names or ())
    )
    kept = [one for one in values if one is not None]
    assert data.y.tolist() == ([names.index(one) for one in kept] if names else kept)


def test_the_caller_decides_what_is_a_class_and_what_a_category():
    columns = {"x": [1, 2, 3, 1, 2, 3], "y": [0, 1, 0, 1, 0, 1]}
    numbers = table(columns, "y", classes=False)
    assert numbers.outputs == 1 and numbers.y.dtype == np.float64
    words = table(columns, "y", categorical="x")
    assert words.feature_names == ("x=1", "x=2", "x=3") and words.preparation.inputs([[2.0]]).tolist() == [[0, 1, 0]]
    assert words.preparation.inputs([["3"]]).tolist() == [[0, 0, 1]]
    assert table({**columns, "id": range(6)}, "y", ignore=["id"]).feature_names == ("x",)


def test_words_that_tell_each_row_apart_are_left_out_with_a_warning():
    columns = {"name": [f"tree {i}" for i in range(30)], "x": range(30), "empty": [None] * 30, "y": ["a", "b"] * 15}
    said = (r"column 'name' holds 30 different texts in 30 rows \('tree 0', …\); column 'empty' has no values: left "
            r"out, as with ignore=\['name', 'empty'\]")  # fmt: skip
    with pytest.warns(RuntimeWarning, match=said) as told:
        data = table(columns, "y")
    assert told[0].filename == __file__
    assert data.feature_names == ("x",) and "left out: name, empty" in str(data)
    assert table(columns, "y", ignore=["name", "empty"]).feature_names == ("x",)


@pytest.mark.parametrize(("columns", "said"), [
    ({"x": [1.0, 2.0], "y": [[1], [2]]}, r"column 'y' of the table has the shape \(2, 1\)"),
    ({"x": [1.0, 2.0, 3.0], "y": ["a", "b"]}, r"differ in length: {'x': 3, 'y': 2}"),
    ({"x": [1.0, math.inf, 3.0, 4.0], "y": ["a", "b", "a", "b"]}, r"row 1 of the table holds inf in column 'x'"),
    ({"x": [1j, 1.0], "y": ["a", "b"]}, r"row 0 of the table holds 1j in column 'x', which is neither"),
    ({"x": [], "y": []}, "the table has no rows"),
])  # fmt: skip
def test_columns_that_are_none_are_errors(columns, said):
    with pytest.raises(ValueError, match=said):
        table(columns, "y")


def test_columns_of_the_same_name_are_numbered_with_a_warning(tmp_path):
    frame = as_pandas(COLUMNS)
    frame.columns = ["height", "height", "soil", "species"]
    with pytest.warns(
        RuntimeWarning, match=r"the frame has several columns of the same name: .* called 'height \(2\)'"
    ):
        assert table(frame, "species").table.columns.keys() == {"height", "height (2)", "soil"}
    (tmp_path / "t.csv").write_text("x,x,x (2),x,y\n1,2,3,4,a\n5,6,7,8,b\n")
    with pytest.warns(RuntimeWarning, match=r"line 1 of t.csv .* called 'x \(2\)', 'x \(2\) \(2\)', 'x \(3\)'"):
        assert table(tmp_path / "t.csv", "y").X[0].tolist() == [1, 2, 3, 4]


def test_a_lazy_frame_is_refused():
    with pytest.raises(TypeError, match=r"is a LazyFrame, .* write the frame.collect\(\)|collect\(\)"):
        table(as_polars(COLUMNS).lazy(), "species")


@pytest.mark.parametrize("unit", ["ns", "us", "s", "D", "object"])
def test_times_are_left_out_with_advice_whatever_their_unit(unit):
    times = np.arange("2020-01-01", "2020-01-09", dtype="datetime64[D]")
    times = times.tolist() if unit == "object" else times.astype(f"datetime64[{unit}]")
    with pytest.warns(
        RuntimeWarning, match=r"column 'when' holds dates or times \('2020-01-01.* ignore=\['when'\]; .* year"
    ):
        assert "when" not in table({**COLUMNS, "when": times}, "species").table.columns
    with pytest.raises(ValueError, match=r"column 'when' of the table holds times; make numbers of them"):
        table({**COLUMNS, "when": times}, "when")


@pytest.mark.parametrize("texts", [
    ["2024-01-31", "2024-02-01"], ["31.1.2024", "1.2.24"], ["1/31/2024 7:05 pm", "2/1/2024 11:30 am"],
    ["07:30", "23:59:59.5"], ["2024-01-31T07:30:00Z", "2024-02-01T07:30:00+01:00"],
    ["1 day, 0:00:00", "-3 days, 1:02:03"],
])  # fmt: skip
def test_texts_that_are_dates_or_times_are_left_out_unless_they_are_wanted_as_words(texts):
    columns = {**COLUMNS, "when": (texts * len(COLUMNS["species"]))[: len(COLUMNS["species"])]}
    with pytest.warns(RuntimeWarning, match="column 'when' holds dates or times"):
        table(columns, "species")
    assert "when" in table(columns, "species", categorical=["when"]).table.columns
    columns["when"] = [text.replace("0", "O") + "?" for text in columns["when"]]
    assert "when" in table(columns, "species").table.columns


def test_a_column_that_counts_the_rows_is_left_out_by_its_name_alone():
    count = np.arange(len(COLUMNS["species"])) * 2 + 5
    for name in ("id", "Tree ID", "tree_id", "Unnamed: 0", "Nr.", "index"):
        with pytest.warns(RuntimeWarning, match=rf"column '{name}' counts the rows \(5, 7, …\): left out"):
            assert name not in table({**COLUMNS, name: count}, "species").table.columns
    assert "year" in table({**COLUMNS, "year": count}, "species").table.columns
    assert "id" in table({**COLUMNS, "id": count[::-1]}, "species").table.columns


def test_print_keeps_one_line_for_a_column_whatever_is_in_its_words():
    columns = {
        "note": ["two\nlines", "one", "two\nlines", "one"],
        "same": [7, 7, 7, 7],
        "only": ["x"] * 4,
        "y": list("abab"),
    }
    said = str(table(columns, "y")).splitlines()
    assert said[1:4] == ["  note  2 categories: one, two lines", "  same  numbers, always 7", "  only  1 category: x"]


# Semicolons, decimal commas, a mark at the beginning, ids, dates, gaps also in the target; quoted newlines and commas,
# two columns of the same name, a constant column, NA and ?; and two rows.
TREES = [
    (f"T{i};{18 + 7 * (i % 2)},{i % 10}", "Lehm" if i % 5 else "", f"{i % 28 + 1}.3.2024", i % 2) for i in range(60)
]
NOTE = 'first\nsecond, "line"'
QUOTED = '"' + NOTE.replace('"', '""') + '"'
KINDS = [
    (i, "NA" if i % 9 == 0 else i % 3, "?" if i % 8 == 0 else -(i % 3), QUOTED, 7, "abc"[i % 3]) for i in range(1, 61)
]
HABITS = {
    "german": (
        "\ufeffKennung;Höhe;Boden;Datum;Art\r\n"
        + "".join(f'{start};{soil};{day};"{("Buche", "Eiche")[kind]}"\r\n' for start, soil, day, kind in TREES)
        + "T60;20,5;Lehm;1.3.2024;\r\n",
        "Art", ["Höhe", "Boden"], [["18,0", "Lehm"], ["25,3", "Lehm"]], ["Buche", "Eiche"],
    ),
    "english": (
        "id,size,size,note,constant,kind\n" + "".join(",".join(map(str, row)) + "\n" for row in KINDS),
        "kind", ["size", "size (2)", "note", "constant"], [[0, 0, NOTE, 7], [2, -2, NOTE, 7]], ["a", "c"],
    ),
    "two rows": ("a,b,y\n1,2,yes\n3,4,no\n", "y", ["a", "b"], [[1, 2]], None),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*left out", "ignore:.*of the same name")
@pytest.mark.parametrize("habit", HABITS)
def test_files_as_people_have_them_become_a_model_that_is_kept(habit, tmp_path):
    text, target, columns, raw, wanted = HABITS[habit]
    (tmp_path / "t.csv").write_bytes(text.encode())
    data = table(tmp_path / "t.csv", target)
    assert list(data.table.columns) == columns
    train, test = data.standardise().split()
    model = MLP(train.inputs, [8, train.outputs], activation="tanh", rng=0)
    fit(model, cross_entropy, train, validation=test, epochs=60, learning_rate=0.02, progress=False)
    model.save(tmp_path / "m.json")
    kept = cr.load(tmp_path / "m.json")
    assert kept.predict_class(raw).tolist() == model.predict_class(raw).tolist()
    if wanted:
        assert kept.predict_class(raw).tolist() == wanted


@pytest.mark.parametrize(("data", "target", "error", "said"), [
    (COLUMNS, None, TypeError, "write target=…, the column of the table that is to be predicted; it has 'height', "),
    (COLUMNS, "", TypeError, "write target=…, the column of the table that is to be predicted; it has 'height', "),
    (COLUMNS, ["species"], TypeError, r"target is the name of one column, got list \['species'\]"),
    (None, "species", TypeError, "a table is the path of a file, a frame or columns by name, got NoneType None"),
    (COLUMNS, "specie", ValueError, "no column of the table, which has 'height', .*'species'; did you mean"),
])  # fmt: skip
def test_what_is_no_table_or_no_target_is_told(data, target, error, said):
    with pytest.raises(error, match=said):
        table(data, target)


def test_a_target_that_is_the_index_is_told():
    with pytest.raises(
        ValueError, match=r"target='species' is no column .*; it is the index of the frame: give frame.reset"
    ):
        table(as_pandas(COLUMNS).set_index("species"), "species")


NAMES = st.text(max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6),
    words=st.lists(st.sampled_from(["x", "ä", "<b>", '"', "0", "1.0"]), min_size=6, max_size=6),
    names=st.lists(NAMES, min_size=3, max_size=3, unique=True),
    scaled=st.booleans(),
)
def test_a_preparation_goes_through_json_to_the_bit(numbers, words, names, scaled):
    data = table({names[0]: numbers, names[1]: words, names[2]: ["p", "q"] * 3}, names[2], categorical=[names[1]])
    preparation = (data.standardise() if scaled else data).preparation
    again = Preparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again == preparation and hash(again) == hash(preparation)
    rows = list(zip(numbers, words))
    assert np.array_equal(again.inputs(rows), preparation.inputs(rows))
    # Independently: NumPy's mean and deviation over all rows; the deviation of equal numbers counts as 1.
    if scaled and np.std(numbers) > 1e-9 * max(map(abs, numbers)):
        expected = (np.array(numbers) - np.mean(numbers)) / np.std(numbers)
        np.testing.assert_allclose(again.inputs(rows)[:, 0], expected, rtol=1e-9, atol=1e-12)


def damaged(tree, draw):
    """The tree with one of its parts replaced or removed."""
    if isinstance(tree, dict) and tree and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(tree)))
        if not draw(st.integers(0, 3)):
            return {one: part for one, part in tree.items() if one != key}
        return {**tree, key: damaged(tree[key], draw)}
    if isinstance(tree, list) and tree and draw(st.integers(0, 4)):
        place = draw(st.integers(0, len(tree) - 1))
        return [*tree[:place], damaged(tree[place], draw), *tree[place + 1 :]]
    return draw(
        st.sampled_from(
            [None, 0, -1.5, 10**400, math.nan, math.inf, True, "", "number", [], [1], {}, [[]], {"name": 1}]
        )
    )


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_damaged_preparation_is_a_value_error_that_names_the_place_or_is_one_that_works(data):
    whole = trees().standardise().preparation.to_dict()
    given_dict = damaged(whole, data.draw)
    try:
        made = Preparation.from_dict(given_dict)
    except ValueError as refused:
        assert "preparation" in str(refused) and "\n" not in str(refused)
    else:
        assert Preparation.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_examples_fit_together_or_are_refused():
    data = trees()
    with pytest.raises(TypeError, match="the Dataset 'the table' has its targets; leave y out"):
        fit(MLP(5, [2]), cross_entropy, data, data.y, progress=False)
    with pytest.raises(TypeError, match="fit needs targets, y; only a Dataset"):
        fit(MLP(5, [2]), cross_entropy, data.X, progress=False)
    other = table({**COLUMNS, "species": ["oak"] * 4 + ["fir"] * 4}, "species")
    with pytest.raises(ValueError, match="holds 'fir', where the model knows the classes 'oak', 'pine'"):
        fit(MLP(5, [2]), cross_entropy, data, validation=other, epochs=1, progress=False)


def test_a_model_with_another_number_of_inputs_is_told_how_many_the_table_has():
    with pytest.raises(ValueError, match=r"takes 3 inputs, and the data have 5: 'height', 'girth', .*MLP\(5, …\)"):
        fit(MLP(3, [2]), cross_entropy, trees(), progress=False)


def test_a_frame_with_words_is_told_of_table():
    frame = as_pandas({name: column for name, column in COLUMNS.items() if name != "species"})
    for broken in (frame, frame.drop(columns="soil")):
        with pytest.raises((TypeError, ValueError), match=r"row . of X holds .*; cr.table\(frame, target='…'\) fills"):
            fit(MLP(3, [2]), cross_entropy, broken, COLUMNS["species"], progress=False)


def test_arrays_of_a_dataset_stay_prepared_when_they_are_split():
    data = trees().standardise()
    X_train, X_test, y_train, _ = cr.train_test_split(*data)
    model = MLP(5, [2], rng=0)
    fit(model, cross_entropy, X_train, y_train, epochs=1, progress=False)
    assert model.preparation == data.preparation == X_test.preparation
    assert accuracy(model.predict_class(data), COLUMNS["species"]) == accuracy(model.predict(data.X), data.y)


def test_a_stratified_split_is_the_rule_where_classes_are_large_enough():
    _, test = cr.iris().split(0.2)
    assert np.bincount(test.y).tolist() == [10, 10, 10]
    few = table({"x": range(20), "y": ["a"] * 19 + ["b"]}, "y")
    assert len(few.split()[1]) == 5
    with pytest.raises(ValueError, match="class 1 has 1 of 20 examples"):
        few.split(stratify=True)
    with pytest.raises(ValueError, match="y are numbers, price; only classes can be stratified"):
        cr.houses().split(stratify=True)
    assert not np.array_equal(cr.iris().split(seed=1)[0].rows, cr.iris().split(seed=2)[0].rows)


def test_printing_a_dataset_tells_what_is_in_it():
    told = str(penguins())
    assert told.splitlines()[0] == "penguins: 344 rows, 9 inputs, 3 outputs"
    assert "3 categories: Biscoe, Dream, Torgersen" in told and "2 gaps, filled with 44.45" in told
    assert "to predict: Adelie (152), Chinstrap (68), Gentoo (124)" in told
    assert repr(table(COLUMNS, "girth")) == "Dataset('the table', X (8, 6), y (8,))"


README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.skipif(not README.is_file(), reason="there is no README beside these tests")
def test_the_readmes_ten_lines_run_on_a_table_of_ones_own(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    kinds = rng.choice(["oak", "birch", "pine"], 300)
    height = 10 + 5 * (kinds == "birch") + 10 * (kinds == "pine") + rng.normal(0, 1.5, 300)
    girth = 150 - 40 * (kinds == "birch") - 80 * (kinds == "pine") + rng.normal(0, 15, 300)
    rows = [
        f"{'' if rng.random() < 0.05 else round(h, 1)},{'NA' if rng.random() < 0.05 else round(g)},"
        f"{rng.choice(['clay', 'sand', ''])},{rng.choice(['yes', 'no'])},{kind}"
        for h, g, kind in zip(height, girth, kinds)
    ]
    (tmp_path / "trees.csv").write_text("height,girth,soil,shade,species\n" + "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(
        r"```python\n(import chainrule.*?cr\.table.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert len([line for line in code.splitlines() if line]) <= 10
    code = code.replace("learning_rate=0.01)", "learning_rate=0.01, progress=False)")
    space = {}
    exec(code, space)
    assert "['oak']" in capsys.readouterr().out
    assert space["history"].metrics["test accuracy"][-1] > 0.9
    assert cr.load("trees.json").predict_class({"height": 8.7, "girth": 139, "soil": "clay", "shade": "no"}) == ["oak"]
    assert Path("trees.html").is_file()


def test_labels_stay_labels_where_classes_have_no_names():
    data = Dataset.from_arrays("plain", [[0.0], [1.0]], [0.5, 1.5], ["x"])
    assert data.preparation.class_names == () and accuracy([0, 1], [0, 1]) == 1.0


@pytest.mark.parametrize("option", ["ignore", "categorical"])
def test_columns_that_are_no_names_are_said(option):
    with pytest.raises(TypeError, match=f"{option} holds names of columns, got NoneType None"):
        table({"x": [1.0, 2.0], "y": [1.5, 2.5]}, "y", **{option: None})


class TestMetricsOfAModelAndADataset:
    @pytest.mark.parametrize("make", [cr.iris, cr.moons, lambda: cr.moons().split()[1]])
    def test_they_are_those_of_the_labels(self, make):
        data = make()
        model = MLP(data.inputs, [4, data.outputs], activation="tanh", rng=0)
        before = cr.accuracy(model, data)  # the model has not seen any Dataset
        assert before == np.mean(model.predict(data.X).argmax(axis=1) == data.y)
        fit(model, cross_entropy, data, epochs=3, progress=False)
        assert cr.accuracy(model, data) == np.mean(model.predict(data.X).argmax(axis=1) == data.y)
        counts = confusion(model, data)
        assert counts.tolist() == confusion(model.predict(data.X), data.y).tolist()
        assert counts.sum(axis=1).tolist() == np.bincount(data.y).tolist()

    def test_one_score_and_a_threshold(self):
        data = cr.moons()
        model = MLP(2, [4, 1], activation="tanh", rng=0)
        fit(model, cr.binary_cross_entropy, data, epochs=3, progress=False)
        scores = model.predict(data)
        assert cr.accuracy(model, data) == np.mean((scores > 0) == data.y)
        assert cr.accuracy(model, data, threshold=0.3) == np.mean((scores > 0.3) == data.y)

    def test_classes_keep_their_places_where_the_model_counts_them_otherwise(self):
        rows = {"x": [0.0, 1.0, 2.0, 3.0], "kind": ["b", "b", "c", "c"]}
        data, more = table(rows, "kind"), table({**rows, "kind": ["a", "b", "c", "c"]}, "kind")
        model = MLP(1, [2], rng=0)
        fit(model, cross_entropy, data, epochs=1, progress=False)
        right = np.mean(model.predict_class(more) == np.array(["a", "b", "c", "c"]))
        assert cr.accuracy(model, more) == right and confusion(model, more).shape == (3, 3)
        model.preparation = table({**rows, "kind": ["x", "x", "y", "y"]}, "kind").preparation
        with pytest.raises(ValueError, match=r"the model predicts the class [xy], and the classes of .* are b, c"):
            cr.accuracy(model, data)

    def test_r2_is_in_the_units_of_the_table(self):
        data = cr.houses(60).standardise()
        model = MLP(3, [1], rng=0)
        fit(model, mse, data, epochs=3, progress=False)
        assert cr.r2(model, data) == cr.r2(model.predict(data), data.y)

    def test_what_does_not_fit_is_said(self):
        with pytest.raises(ValueError, match=r"are numbers, which r2\(model, data\) measures, not accuracy"):
            cr.accuracy(MLP(3, [1], rng=0), cr.houses(10))
        with pytest.raises(ValueError, match=r"are classes, which accuracy\(model, data\) measures, not r2"):
            cr.r2(MLP(4, [3], rng=0), cr.iris())
        for metric in (cr.accuracy, confusion):
            with pytest.raises(TypeError, match=r"beside list, no model; write .*\(predictions, data.y\)"):
                metric([0, 1], cr.iris())
        for metric, predict in ((cr.accuracy, "predict_class"), (confusion, "predict_class"), (cr.r2, "predict")):
            name = metric.__name__
            with pytest.raises(TypeError, match=rf"{name} of a model .* write {name}\(model.{predict}\(X\), y\)"):
                metric(MLP(4, [3], rng=0), [0, 1])


# --- rows that were scaled before


def number_table(means, scales, n=60):
    rng = np.random.default_rng(0)
    columns = {f"x{j}": m + s * rng.standard_normal(n) for j, (m, s) in enumerate(zip(means, scales))}
    return table({**columns, "y": np.arange(n) % 2}, "y").standardise()


FORGET = [np.asarray, np.ndarray.tolist, list, lambda X: [row.tolist() for row in X], lambda X: np.asarray(X)[:3]]


@pytest.mark.parametrize("forget", FORGET)
@pytest.mark.parametrize("means, scales", [((80.0, 3.0), (30.0, 1.0)), ((13.0, 0.95, 750.0), (0.8, 0.2, 300.0))])
def test_rows_that_are_scaled_a_second_time_are_warned_of(forget, means, scales):
    data = number_table(means, scales)
    model = MLP(data.inputs, [2], rng=0)
    fit(model, cross_entropy, data, epochs=1, progress=False)
    for ask in (model.predict, model.predict_class, model.predict_probabilities):
        with pytest.warns(RuntimeWarning, match=r"X seems to be scaled already: .* ± .* without np.asarray") as found:
            ask(forget(data.X))
        assert found[0].filename == __file__
    with pytest.warns(RuntimeWarning, match=r"validation X seems to be scaled already"):
        fit(model, cross_entropy, data, validation=(forget(data.X), data.y[: len(forget(data.X))]), epochs=1,
            progress=False)  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("means, scales", [((80.0, 3.0), (30.0, 1.0)), ((0.5, 0.25), (0.87, 0.5)), ((0.0,), (1.0,)),
                                           ((0.95, 0.1), (0.2, 0.02)), ((15.0,), (3.0,))])  # fmt: skip
def test_raw_rows_are_not_warned_of(means, scales):
    data = number_table(means, scales)
    raw = np.stack([data.table.columns[name] for name in data.feature_names], axis=1)
    grid = np.linspace(raw.min(axis=0) - np.ptp(raw, axis=0) / 2, raw.max(axis=0) + np.ptp(raw, axis=0) / 2, 20)
    for rows in (raw, raw[:1], raw[:5].tolist(), grid, np.zeros((1, len(means))), [data.preparation.scales()[0]]):
        data.preparation.inputs(rows)
    for own in (data, data.X, data.X[:7]):
        data.preparation.inputs(own)


# --- what ends the whole part of a number

GERMAN = "alter;einkommen;kauft\n49;1.155,54;ja\n31;2.250,00;nein\n55;980,25;ja\n28;3.100,75;nein\n"


def test_a_training_that_ends_before_its_first_step_leaves_the_preparation_as_it_was():
    data = trees().standardise()
    model = MLP(data.inputs, [data.outputs], rng=0)
    fit(model, cross_entropy, data, epochs=1, progress=False)
    answers = model.predict(trees())

    def broken(outputs, target):
        raise RuntimeError("broken")

    numbers = np.zeros((6, data.inputs))
    for y in ([0, 1, 0, 1, 0, 1], ["a", "b", "a", "b", "a", "b"]):
        with pytest.warns(RuntimeWarning, match="it forgets the preparation"), pytest.raises(RuntimeError):
            fit(model, broken, numbers, y, epochs=1, progress=False)
        assert model.preparation == data.preparation
    np.testing.assert_array_equal(model.predict(trees()), answers)


def test_files_and_datasets_that_are_scaled_a_second_time_are_warned_of(tmp_path):
    data = number_table((80.0, 3.0), (30.0, 1.0))
    model = MLP(data.inputs, [2], rng=0)
    fit(model, cross_entropy, data, epochs=1, progress=False)
    names, classes = data.feature_names, [data.target_names[label] for label in data.y]
    columns = {name: np.asarray(data.X)[:, j] for j, name in enumerate(names)}
    lines = [",".join(map(str, row)) for row in zip(*columns.values())]
    (tmp_path / "scaled.csv").write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")
    for rows in (tmp_path / "scaled.csv", table({**columns, "kind": classes}, "kind")):
        with pytest.warns(RuntimeWarning, match=r"seems to be scaled already: .* ± ") as found:
            model.predict(rows)
        assert found[0].filename == __file__


@pytest.mark.parametrize("options", [{}, {"decimal": ","}])
def test_a_model_remembers_the_decimal_comma(tmp_path, options):
    Path(tmp_path, "kunden.csv").write_text(GERMAN)
    data = table(tmp_path / "kunden.csv", "kauft", **options)
    model = MLP(data.inputs, [2], rng=0)
    fit(model, cross_entropy, data, epochs=1, progress=False)
    again = cr.load(model.save(tmp_path / "m.json"))
    for one in (model, again):
        assert one.preparation.decimal == ","
        inputs = one.preparation.inputs([[49, "1.405"], [49, "1,405"], [49, "1.405,69"], [49, 1.405], [49, "12"]])
        assert inputs[:, 1].tolist() == [1405.0, 1.405, 1405.69, 1.405, 12.0]
        with pytest.raises(ValueError, match=r"holds '1.5' in column 'einkommen', which has numbers"):
            one.predict([[49, "1.5"]])


def test_a_file_of_before_has_no_decimal_sign_and_predict_says_what_to_write(tmp_path):
    model = MLP(2, [2], rng=0)
    fit(model, cross_entropy, table({"a": [1.0, 2.0], "b": [3, 4], "y": ["n", "y"]}, "y"), epochs=1, progress=False)
    told = model.preparation.to_dict()
    assert "decimal" not in told and Preparation.from_dict(told) == model.preparation
    assert model.preparation.inputs([["1,5", "1.000,5"]]).tolist() == [[1.5, 1000.5]]
    for wrong in ([["1,000", 3.0]], [["1,5", 3.0], ["1.5", 4.0]]):
        with pytest.raises(ValueError, match=r"write numbers in place of texts, as 1000.5$"):
            model.predict(wrong)
    with pytest.raises(ValueError, match=r"preparation.decimal is ';'; it is '.' or ','"):
        Preparation.from_dict({**told, "decimal": ";"})


@pytest.mark.parametrize("decimal, number", [(",", 1.405), (".", 1405.0)])
def test_columns_of_texts_heed_decimal_as_files_do(decimal, number):
    columns = {"a": ["1,405", "2,500"], "y": [0.5, 1.5]}
    with pytest.raises(ValueError, match=r"write decimal=',' for the first"):
        table(columns, "y")
    data = table(columns, "y", decimal=decimal)
    assert data.X[0, 0] == number and data.preparation.inputs([["1,405"]])[0, 0] == number


# --- training goes on with a model that remembers


@pytest.mark.parametrize("target", ["price", "kind"])
def test_a_loaded_model_that_is_trained_again_on_the_raw_table_prepares_it_as_it_remembers(tmp_path, target):
    rng = np.random.default_rng(0)
    area, rooms = rng.uniform(40, 160, 40), rng.integers(1, 6, 40)
    columns = {"area": area, "soil": ["clay", "sand"] * 20, "rooms": rooms}
    columns |= (
        {"price": 2e5 + 3e3 * area} if target == "price" else {"kind": ["big" if one > 90 else "no" for one in area]}
    )
    data, loss = table(columns, target), mse if target == "price" else cross_entropy
    model = MLP(data.inputs, [data.outputs], rng=0)
    first = fit(model, loss, data.standardise(), epochs=60, learning_rate=0.1, progress=False)
    again = cr.load(model.save(tmp_path / "m.json"))
    history = fit(again, loss, data, validation=data, epochs=1, progress=False, learning_rate=1e-9)
    assert again.preparation == model.preparation and again.preparation.changes_inputs
    assert history.train_loss[0] == pytest.approx(first.train_loss[-1]) == history.test_loss[0]
    one_soil = table({name: column[::2] for name, column in columns.items()}, target)  # a category less
    fit(again, loss, one_soil, epochs=1, progress=False, learning_rate=1e-9)
    assert again.preparation == model.preparation
    fresh = data.split()[0].standardise()
    fit(again, loss, fresh, epochs=1, progress=False)
    assert again.preparation == fresh.preparation != model.preparation
    if target == "kind":
        with pytest.raises(ValueError, match=r"holds 'huge', where the model knows the classes 'big', 'no'"):
            fit(again, loss, table({**columns, "kind": ["huge", "no"] * 20}, target), epochs=1, progress=False)


@pytest.mark.filterwarnings("error")
def test_a_model_that_forgets_how_rows_are_prepared_is_warned_of():
    data = number_table((80.0, 3.0), (30.0, 1.0))
    model = MLP(2, [2], rng=0)
    options = {"epochs": 1, "progress": False}
    fit(model, cross_entropy, data, **options)
    fit(model, cross_entropy, data.X, data.y, **options)
    with pytest.warns(RuntimeWarning, match=r"it forgets the preparation.* To keep it, give fit a Dataset"):
        fit(model, cross_entropy, np.asarray(data.X), data.y, **options)
    fit(model, cross_entropy, np.asarray(data.X), data.y, **options)
    fit(model, cross_entropy, iris_like := table({"a": [1.0, 2.0], "b": [2.0, 1.0], "y": ["n", "y"]}, "y"), **options)
    assert model.preparation == iris_like.preparation


# --- a model for numbers has no classes


@pytest.mark.parametrize("ask", ["predict_class", "predict_probabilities"])
def test_a_model_that_was_trained_on_numbers_has_no_classes(tmp_path, ask):
    data = table({"a": [1.0, 2.0, 3.0], "price": [1.5, 2.5, 4.0]}, "price")
    model = MLP(1, [1], rng=0)
    fit(model, mse, data, epochs=1, progress=False)
    for one in (model, cr.load(model.save(tmp_path / "m.json"))):
        with pytest.raises(ValueError, match=rf"^{ask}: the model was trained to predict a number, 'price'.*predict"):
            getattr(one, ask)(data)
    plain = MLP(1, [1], rng=0)
    assert len(getattr(plain, ask)([[1.0], [2.0]])) == 2


# --- the target in two units


def test_scaled_y_is_what_the_loss_of_fit_sees():
    data = table({"a": [1.0, 2.0, 3.0], "price": [1e5, 2e5, 4e5]}, "price")
    assert data.scaled_y.tolist() == data.y.tolist() and "scaled_y" not in str(data)
    scaled = data.standardise()
    assert scaled.y.tolist() == data.y.tolist() and "standardised (scaled_y)" in str(scaled)
    model = MLP(1, [1], rng=0)
    program = cr.compile(lambda x, y: mse(model(x), y), model)
    by_hand = program.value_and_grad(scaled.X, scaled.scaled_y)[0]
    assert by_hand == pytest.approx(fit(model, mse, scaled, epochs=1, progress=False).train_loss[0], rel=1e-9)
    assert trees().standardise().scaled_y.tolist() == trees().y.tolist()
