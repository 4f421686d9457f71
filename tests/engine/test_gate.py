"""Data at the gate: the numbers that anything holds, or an error that names them; and the advice works when obeyed."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from chainrule import Value, engine
from chainrule.engine.gate import Numbers, numbers, one_example, rows

try:
    import pandas as pd
except ImportError:
    pd = None
try:
    import polars as pl
except ImportError:
    pl = None

needs_pandas = pytest.mark.skipif(pd is None, reason="pandas is not installed")
needs_polars = pytest.mark.skipif(pl is None, reason="polars is not installed")
TABLE = np.array([[1, 2], [3, 0], [100, 7]])
KINDS = [
    "uint8",
    "int8",
    "int16",
    "uint16",
    "int32",
    "uint64",
    ">i4",
    "bool",
    "float16",
    "float32",
    "longdouble",
    ">f8",
]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_those_of_the_array_whatever_its_type(kind):
    array = TABLE.astype(kind)
    found = numbers(array, "X")
    assert found.dtype == (np.float64 if array.dtype.kind == "f" else np.int64)
    assert found.tolist() == array.astype(float).tolist()
    assert numbers(array.tolist(), "X").tolist() == array.tolist()
    assert numbers(array.astype(object), "X").tolist() == array.tolist()


def test_integers_and_longdoubles_beyond_64_bits_become_floats():
    assert numbers(np.array([2**64 - 1], np.uint64), "X").tolist() == [2.0**64]
    assert numbers([2**70, 1], "X").tolist() == [2.0**70, 1.0]
    if np.finfo(np.longdouble).max > np.finfo(float).max:
        assert numbers(np.array([np.finfo(np.longdouble).max]), "X").tolist() == [np.inf]


def test_the_layout_in_memory_makes_no_difference(tmp_path):
    array = TABLE * 0.5
    frozen = array.copy()
    frozen.flags.writeable = False
    mapped = np.memmap(tmp_path / "numbers", float, "w+", shape=array.shape)
    mapped[:] = array
    for given in (np.asfortranarray(array), array[::-1, ::-1][::-1, ::-1], frozen, mapped):
        found = numbers(given, "X", finite=True)
        assert type(found) is np.ndarray and found.tolist() == array.tolist()


def test_numbers_of_any_class_in_lists_and_object_arrays():
    given = [[Decimal("0.25"), Fraction(1, 4)], [True, np.float16(0.5)], [np.uint8(200), 3]]
    expected = [[0.25, 0.25], [1.0, 0.5], [200.0, 3.0]]
    for each in (given, tuple(map(tuple, given)), np.array(given, dtype=object)):
        assert numbers(each, "X").tolist() == expected
    assert numbers([np.bool_(True), 2], "y").dtype == np.int64
    assert numbers(range(3), "y").tolist() == [0, 1, 2]
    assert numbers(np.ma.array(TABLE), "X").tolist() == TABLE.tolist()  # nothing is masked


@pytest.mark.slow
def test_torch_tensors():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert numbers(torch.tensor(TABLE), "X").tolist() == TABLE.tolist()
    assert numbers([torch.tensor([0.5, 1.0]), torch.tensor([2.0, 3.0])], "X").tolist() == [[0.5, 1.0], [2.0, 3.0]]
    assert numbers([torch.tensor(0.5), torch.tensor(2.0)], "y").tolist() == [0.5, 2.0]
    with pytest.raises(TypeError, match=r"X, a Tensor, cannot be .*: .*Use tensor.detach\(\).numpy\(\)"):
        numbers(torch.ones(2, requires_grad=True), "X")


@needs_pandas
def test_frames_and_series_of_pandas():
    frame = pd.DataFrame({"a": [1.5, 2.0], "b": [True, False], "c": pd.array([3, 4], "Int64")})
    frame["d"] = pd.Categorical([7, 8])
    assert numbers(frame, "X").tolist() == [[1.5, 1.0, 3.0, 7.0], [2.0, 0.0, 4.0, 8.0]]
    assert numbers(frame["b"], "y").tolist() == [1, 0] and numbers(frame["c"], "y").dtype == np.int64
    assert numbers(frame[["b", "c"]], "X").dtype == np.int64
    twice = pd.concat([frame["a"], frame["a"]], axis=1)  # two columns of one name
    assert numbers(twice, "X").tolist() == [[1.5, 1.5], [2.0, 2.0]]
    assert numbers(frame.iloc[::-1]["a"], "y").tolist() == [2.0, 1.5]  # as the rows stand, not by the index


@needs_polars
def test_frames_and_series_of_polars():
    frame = pl.DataFrame({"a": [1.5, 2.0], "b": [True, False], "c": [3, 4]})
    assert numbers(frame, "X").tolist() == [[1.5, 1.0, 3.0], [2.0, 0.0, 4.0]]
    assert numbers(frame["c"], "y").tolist() == [3, 4]
    with pytest.raises(TypeError, match=r"X is a LazyFrame, whose rows are not there yet; write X.collect\(\)"):
        numbers(frame.lazy(), "X")
    assert numbers(frame.lazy().collect(), "X").shape == (2, 3)


WORDS = np.array([["red", "1"], ["blue", "2"]])
MASKED = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 0], [0, 1]])
FIELDS = np.array([(1.0, 2), (3.0, 4)], dtype=[("a", float), ("b", int)])
DAYS = np.array(["2020-01-01", "2020-01-03"], dtype="datetime64[D]")
NUMBER_WORDS = "np.unique(words, return_inverse=True)[1]"
ADVICE = {  # the data, what the error says of them, what it advises, and what is done to obey it
    "words": (
        WORDS, "row 0 of X holds 'red' in column 0, a word", NUMBER_WORDS,
        f"words = X[:, 0]; X = X.astype(object); X[:, 0] = {NUMBER_WORDS}; X[:, 1] = X[:, 1].astype(float)",
    ),
    "texts": (WORDS[:, 1], "row 0 of X holds '1', a text", "X.astype(float)", "X = X.astype(float)"),
    "texts in a list": (
        [[1, "2"]], "row 0 of X holds '2' in column 1, a text", "np.array(X, dtype=object).astype(float)",
        "X = np.array(X, dtype=object).astype(float)",
    ),
    "bytes": (np.array([b"1", b"2"]), "row 0 of X holds b'1', a text", "X.astype(float)", "X = X.astype(float)"),
    "complex": (
        np.array([1.0, 2j]), "row 1 of X holds 2j, a complex number", "X.real and X.imag",
        "X = np.column_stack([X.real, X.imag])",
    ),
    "complex in a list": (
        [1.0, 2j], "row 1 of X holds 2j", "np.array(X, dtype=complex).real", "X = np.array(X, dtype=complex).real"
    ),
    "days": (
        DAYS, r"row 0 of X holds datetime.date\(2020, 1, 1\), a time", "(X - X.min()) / np.timedelta64(1, 'D')",
        "X = (X - X.min()) / np.timedelta64(1, 'D')",
    ),
    "spans": (
        DAYS - DAYS[0], "row 0 of X holds .*, a time", "X / np.timedelta64(1, 'D')", "X = X / np.timedelta64(1, 'D')"
    ),
    "days in a list": (
        [datetime.datetime(2020, 1, 1)], "row 0 of X holds datetime.datetime",
        "np.array(X, dtype='datetime64[s]').astype(float)", "X = np.array(X, dtype='datetime64[s]').astype(float)",
    ),
    "fields": (
        FIELDS, r"row 0 of X holds \(1.0, 2\), a record of several fields",
        "from numpy.lib import recfunctions; X = recfunctions.structured_to_unstructured(X)",
        "from numpy.lib import recfunctions; X = recfunctions.structured_to_unstructured(X)",
    ),
    "a mask": (MASKED, "row 1 of X holds a masked number in column 1", "X.filled(0.0)", "X = X.filled(0.0)"),
    "rows without a mask": (
        MASKED, "leave the row out", "keep = ~np.ma.getmaskarray(X).reshape(len(X), -1).any(axis=1)",
        "keep = ~np.ma.getmaskarray(X).reshape(len(X), -1).any(axis=1); X = X[keep]",
    ),
    "masked rows": ([MASKED[0], MASKED[1]], "row 1 of X holds a masked", "X.filled", "X = np.ma.array(X).filled(0.0)"),
    "nan": (
        np.array([[1.0, np.nan]]), "row 0 of X holds nan in column 1", "np.where(np.isfinite(X), X, 0.0)",
        "X = np.where(np.isfinite(X), X, 0.0)",
    ),
    "inf in three dimensions": (
        np.array([[[1.0], [-np.inf]]]), r"row 0 of X holds -inf at \[1, 0\]", "np.where(np.isfinite(X), X, 0.0)",
        "X = np.where(np.isfinite(X), X, 0.0)",
    ),
    "None": (
        [[1, None]], "row 0 of X holds None in column 1",
        "X = np.array(X, dtype=float); np.where(np.isfinite(X), X, 0.0)",
        "X = np.array(X, dtype=float); X = np.where(np.isfinite(X), X, 0.0)",
    ),
    "a generator": ((i for i in range(3)), "X is a generator", "list(X)", "X = list(X)"),
    "a map": (map(float, "12"), "X is a map", "list(X)", "X = list(X)"),
    "columns": (
        {"a": [1.0], "b": [2.0]}, "X is a dict; write its columns side by side", "np.column_stack(list(X.values()))",
        "X = np.column_stack(list(X.values()))",
    ),
    "values": ({"a": 1.0}.values(), "X is a dict_values", "list(X)", "X = list(X)"),
    "a set": ({2.0, 1.0}, "X is a set", "sorted(X)", "X = sorted(X)"),
    "Values": (np.array([Value(1.0)]), "row 0 of X holds Value", "give its .data", "X = [x.data for x in X]"),
}  # fmt: skip


def obey(given, said, advised, obeyed, **names):
    with pytest.raises((TypeError, ValueError), match=said) as refused:
        numbers(given, "X", finite=True)
    assert advised in str(refused.value)
    space = {"X": given, "np": np, **names}
    exec(obeyed, space)
    assert np.isfinite(numbers(space["X"], "X", finite=True)).all()


@pytest.mark.parametrize("name", ADVICE)
def test_the_advice_works_when_it_is_obeyed(name):
    obey(*ADVICE[name])


@needs_pandas
@pytest.mark.parametrize(
    ("column", "said", "advised", "obeyed"),
    [
        (["x", "y"], "row 0 of X holds 'x' in column 'c', a word",
         "X['c'] = np.unique(X['c'], return_inverse=True)[1]", "X['c'] = np.unique(X['c'], return_inverse=True)[1]"),
        (["1", "2"], "row 0 of X holds '1' in column 'c'", "X['c'].astype(float)", "X['c'] = X['c'].astype(float)"),
        ([1.0, None], "row 1 of X holds nan in column 'c'", "X.replace([np.inf, -np.inf], np.nan).fillna(0.0)",
         "X = X.replace([np.inf, -np.inf], np.nan).fillna(0.0)"),
        (DAYS, "row 0 of X holds .* in column 'c', a time", "(X['c'] - X['c'].min()) / np.timedelta64(1, 'D')",
         "X['c'] = (X['c'] - X['c'].min()) / np.timedelta64(1, 'D')"),
        ([[1], [2]], r"row 0 of X holds \[1\] in column 'c', a list; a row has one number in each place", "",
         "X['c'] = [c[0] for c in X['c']]"),
    ],
    ids=["words", "texts", "missing", "times", "lists"],
)  # fmt: skip
def test_columns_of_pandas_are_called_by_their_names(column, said, advised, obeyed):
    obey(pd.DataFrame({"a": [1.0, 2.0], "c": column}), said, advised, obeyed)


@needs_pandas
def test_categories_and_missing_integers_of_pandas():
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": pd.array([1, None], "Int64")})
    number = "X['a'] = np.unique(X['a'], return_inverse=True)[1]"
    obey(frame, "row 0 of X holds 'x' in column 'a'", number, number + "; X = X.fillna(0.0)")


@needs_polars
@pytest.mark.parametrize(
    ("column", "said", "advised", "obeyed"),
    [
        (["x", "y"], "row 0 of X holds 'x' in column 'c', a word",
         "X.with_columns(pl.Series('c', np.unique(X['c'], return_inverse=True)[1]))",
         "X = X.with_columns(pl.Series('c', np.unique(X['c'], return_inverse=True)[1]))"),
        (["1", "2"], "row 0 of X holds '1' in column 'c'", "X['c'].cast(float)",
         "X = X.with_columns(X['c'].cast(float))"),
        ([1, None], "row 1 of X holds nan in column 'c'", "X.fill_null(0.0).fill_nan(0.0)",
         "X = X.fill_null(0.0).fill_nan(0.0)"),
        ([datetime.date(2020, 1, 1)] * 2, "row 0 of X holds .* in column 'c', a time", "X['c'].to_physical()",
         "X = X.with_columns(X['c'].to_physical())"),
    ],
    ids=["words", "texts", "missing", "times"],
)  # fmt: skip
def test_columns_of_polars_are_called_by_their_names(column, said, advised, obeyed):
    obey(pl.DataFrame({"a": [1.0, 2.0], "c": column}), said, advised, obeyed, pl=pl)


def test_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    obey(sparse.csr_matrix(TABLE), "X is a csr_matrix", "X.toarray()", "X = X.toarray()")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "X must hold numbers, got NoneType None"),
        ("12", "X must hold numbers, got str '12'"),
        ([[1, 2], [3]], r"the rows of X differ: row 0 has the shape \(2,\), row 1 has \(1,\)"),
        ([[1, [2, 3]]], "X holds rows of different lengths"),
        ([[10**400]], "row 0 of X holds 1000.*… in column 0, which no float can hold"),
        ([[1, object()]], "row 0 of X holds <object object .* in column 1, an object, which is no number"),
        (np.zeros((0, 2), dtype="U1"), "X must hold numbers, got an array of <U1"),
    ],
)
def test_what_holds_no_numbers_is_named(given, said):
    with pytest.raises((TypeError, ValueError), match=said):
        numbers(given, "X")


def test_rows_of_any_type_stay_what_they_are():
    assert rows(WORDS, "X") is WORDS and rows(MASKED, "X") is MASKED
    assert rows(["b", "a"], "y").tolist() == ["b", "a"]


def test_an_example_holds_pythons_numbers_and_is_a_copy():
    table = numbers(TABLE.astype(np.uint8), "X")
    row = one_example(table, 0)
    assert row[0] - row[1] == -1 and type(row[0]) is int and [type(x) for x in row] == [int, int]
    assert isinstance(row, Numbers) and type(one_example(table * 0.5, 1)[0]) is float
    assert type(one_example(table[:, 0], 1)) is int
    assert type(one_example(table.reshape(1, 3, 2), 0)[0][1]) is int and row[:1].tolist() == [1]
    row[0] = 9
    assert table[0, 0] == 1 and (row * Value(2.0))[0].data == 18.0 and np.exp(row).shape == (2,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_gives_for_any_type_what_it_gives_for_floats(kind):
    w = Value(0.5)
    program = engine.compile(lambda x: (x[0] - x[1]) * w + x[0] * x[1], [w])
    array = TABLE.astype(kind)
    for way in (program, program.value_and_grad, program.per_example):
        for given in (array, array.tolist(), array[::-1][::-1]):
            np.testing.assert_array_equal(
                np.hstack(way(given)).astype(float), np.hstack(way(array.astype(float))).astype(float)
            )


@needs_pandas
def test_a_program_takes_frames():
    program = engine.compile(lambda x, y: x[0] * x[1] - y)
    frame = pd.DataFrame({"a": [1.5, 2.0], "b": [True, False]})
    assert program(frame, pd.Series([1, 2], dtype="Int64")).tolist() == [0.5, -2.0]
    with pytest.raises(TypeError, match="input 0 must hold numbers: row 0 of input 0 holds 'x' in column 'c', a word"):
        program(frame.assign(c=["x", "y"]), [1, 2])


def test_a_program_refuses_masks():
    program = engine.compile(lambda x: x[0] * x[1])
    with pytest.raises(ValueError, match="row 1 of input 0 holds a masked number in column 1"):
        program(MASKED)
    assert program(MASKED.filled(5.0)).tolist() == [2.0, 15.0]


@pytest.mark.parametrize("given", [np.ma.masked, np.ma.array(2.0, mask=True)], ids=["masked", "an array"])
@pytest.mark.parametrize(
    "use", [Value, engine.sin, lambda x: setattr(Value(1.0), "data", x)], ids=["made", "row", "set"]
)
def test_what_is_masked_is_no_number(given, use):
    with pytest.raises(TypeError, match="masked: fill it"):
        use(given)


@pytest.mark.parametrize("use", [Value, engine.sin, engine.lgamma], ids=["made", "row", "gamma"])
def test_rows_of_different_lengths_are_no_number(use):
    with pytest.raises(TypeError, match=r"got list \[\[1\], \[2, 3\]\]; "):
        use([[1], [2, 3]])
