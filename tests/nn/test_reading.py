"""CSV files as programs and people write them: the right columns, or one error that names line, column and value."""

import csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.nn import table
from chainrule.nn.data.reading import read_csv

HEADER = ["height", "soil", "kind"]
ROWS = [[1.5, "clay", "a"], [2.25, "sand", "b"], [3.0, "clay", "a"], [4.0, "peat", "b"]]
TEXTS = [["1.5", "clay", "a"], ["2.25", "sand", "b"], ["3", "clay", "a"], ["4.0", "peat", "b"]]


def written(tmp_path, text, encoding="utf-8", name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def lines(rows, delimiter=",", end="\n"):
    return "".join(delimiter.join(row) + end for row in rows)


def is_the_table(data):
    assert data.preparation.columns[1].categories == ("clay", "peat", "sand")
    assert data.target_names == ("a", "b") and data.y.tolist() == [0, 1, 0, 1]
    assert data.X[:, 0].tolist() == [row[0] for row in ROWS]
    assert data.X[:, 1:].tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]
    return True


PLAIN = lines([HEADER, *TEXTS])


@pytest.mark.parametrize("text", [
    PLAIN, PLAIN.rstrip(), PLAIN.replace("\n", "\r\n"), PLAIN.replace("\n", "\r"), PLAIN.replace("\n", "\n\n"),
    "\n\n" + PLAIN + "\n\n", PLAIN + ",,\n", lines([HEADER, *TEXTS], ";"), lines([HEADER, *TEXTS], "\t"),
    lines([HEADER, *TEXTS], "|"), lines([HEADER, *TEXTS], " , "), lines([HEADER, *TEXTS], ", "),
    PLAIN.replace("clay", '"clay"').replace("2.25", '"2.25"'), lines([HEADER, *TEXTS], ",", ",\n"),
    lines([HEADER, *[[row[0].replace(".", ","), *row[1:]] for row in TEXTS]], ";"),
    lines([HEADER, *[['"' + row[0].replace(".", ",") + '"', *row[1:]] for row in TEXTS]]),
    PLAIN.replace("3,", "3e0,").replace("1.5", "+1.5"),
    "".join(f"{i},{line}\n" for i, line in zip(["", 0, 1, 2, 3], PLAIN.split("\n"))),  # as DataFrame.to_csv() writes it
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_the_same_table_in_every_spelling(text, encoding, tmp_path):
    assert is_the_table(table(written(tmp_path, text, encoding), target="kind"))


def test_a_compressed_file_and_one_without_a_header(tmp_path):
    assert is_the_table(table(written(tmp_path, gzip.compress(PLAIN.encode()), name="t.csv.gz"), "kind"))
    assert is_the_table(table(written(tmp_path, lines(TEXTS)), "kind", names=HEADER))
    assert is_the_table(table(written(tmp_path, lines([HEADER, *TEXTS], " ")), "kind", delimiter=" "))
    assert is_the_table(table(str(written(tmp_path, PLAIN)), "kind"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "latin-1"])
def test_letters_of_other_languages_survive(encoding, tmp_path):
    text = "größe;boden;art\n1,5;Löß;Weiß\n2;Löß;Weiß\n3;Ton;grün\n4;Ton;grün\n"
    data = table(written(tmp_path, text, encoding), target="art")
    assert data.target_names == ("Weiß", "grün") and data.feature_names == ("größe", "boden=Löß", "boden=Ton")
    assert data.X[:, 0].tolist() == [1.5, 2, 3, 4]


@pytest.mark.parametrize(
    "gap", ["", " ", "NA", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "-", "#N/A", "<NA>", "."]
)
def test_each_spelling_of_a_gap_is_filled_or_left_out_or_refused(gap, tmp_path):
    path = written(tmp_path, f"h,soil,y\n1,clay,0.5\n{gap},clay,1.5\n5,{gap},2.5\n9,sand,3.5\n7,sand,{gap}\n")
    data = table(path, "y")
    assert data.X.tolist() == [[1, 1, 0], [5, 1, 0], [5, 1, 0], [9, 0, 1]] and data.y.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert "1 row without y left out" in str(data)
    assert table(path, "y", missing="drop").X.tolist() == [[1, 1, 0], [9, 0, 1]]
    assert table(path, "y", missing={"h": -1, "soil": "none of them"}).X.tolist() == [
        [1, 1, 0, 0], [-1, 1, 0, 0], [5, 0, 1, 0], [9, 0, 0, 1]]  # fmt: skip
    with pytest.raises(
        ValueError, match=r"line 3 of t.csv has no value in column 'h'; rows with gaps: 3.*missing='drop'"
    ):
        table(path, "y", missing="error")


MANY = "".join(f"{i / 4},a\n{i / 4 + 0.1},b\n" for i in range(50))


@pytest.mark.parametrize(("text", "said"), [
    (b"", "t.csv is empty; it needs a line with the names"),
    ("\n\n \n", "t.csv is empty"),
    ("x,y\n", "t.csv has a line with the names of columns, x, y, and no rows"),
    ("x,y\n1,a\n2,b,c\n", "line 3 of t.csv has 3 fields, and the header has 2: 2,b,c"),
    ("x,z,y\n1,2,a\n\n2,b\n", "line 4 of t.csv has 2 fields, and the header has 3: 2,b"),
    ('x,y\n1,a\n2,"b\n3,a\n', "line 3 of t.csv opens a quotation mark that is not closed"),
    ('x,y\n1,a\n2,"b"c\n3,a\n', "line 3 of t.csv goes on after a closing quotation mark"),
    ("\n1,2,3\n4,5,6\n", r"line 2 of t.csv has to name the columns, and holds 1, 2, 3; .* names=\['x1', 'x2', 'x3'\]"),
    ("x,,y\n1,5,a\n2,7,b\n3,9,a\n3,1,b\n", "column 2 of t.csv has no name"),
    (",x,y\n7,5,a\n3,7,b\n5,9,a\n1,1,b\n", r"column 1 of t.csv has no name; .*to_csv\(path, index=False\)"),
    ("8,clay,oak\n9.1,sand,pine\n", r"target='y' is no column of t.csv, which has '8', 'clay', 'oak'; .*names="),
    ("a b y\n1 2 a\n", r"target='y' is no column of t.csv, which has 'a b y'; .* delimiter=' '"),
    (f"x,y\n{MANY}12..5,a\n", r"line 102 of t.csv holds '12..5' in column 'x', where 100 of 101 values are numbers"),
    (f"x,y\n{MANY}inf,a\n", "line 102 of t.csv holds inf in column 'x'; it needs a finite n"),
    (f"x,y\n{MANY}1_000,a\n", r"line 102 of t.csv holds '1_000' in column 'x'"),
    ('x,y\n"1,234",a\n"2,345",b\n"2,345",b\n3,a\n',
     r"line 2 of t.csv holds '1,234' in column 'x', which may be 1.234 or 1234; write decimal=',' for the first"),
    ("x;z;y\n1,5;1.234;a\n2,5;2.345;b\n3,5;2.3;a\n1,2;3.1;b\n", "decimal commas in column 'x' and points in column"),
    ("x;y\n1,5;a\n2.5;b\n3,5;a\n3,5;b\n", "column 'x' has 1,5 in line 2 of t.csv and 2.5 in line 3 of t.csv; w"),
    ("x,y\n1,a\n2,a\n3,a\n", "column 'y', the target, is 'a' in all rows"),
    ("x,y\n1,\n2,\n3,NA\n", "column 'y' of t.csv, the target, is empty"),
    ("y\na\nb\na\nb\n", "t.csv has no column but the target"),
    (b"PK\x03\x04xyz", r"t.csv is an Excel workbook or a ZIP file; save it as CSV"),
    (b"PAR1xyz", "Parquet"), (b"x,y\n1,\x00a\n", "line 2 holds the byte 0"),
    ("x,y\n" + "".join(f"{i},{i}a\n" for i in range(60)), "target, holds 60 different texts in 60 rows"),
    ("x,y\n1,inf\n2,3.5\n3,4.5\n", r"line 2 of t.csv holds inf in column 'y'; it needs a finite number"),
])  # fmt: skip
def test_what_is_no_table_is_one_error_that_names_the_place(text, said, tmp_path):
    with pytest.raises(ValueError, match=said) as refused:
        table(written(tmp_path, text), target="y")
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_first_line_that_looks_like_a_row_is_told_and_the_advice_works(tmp_path):
    rows = "8.73,clay,oak\n9.1,sand,pine\n8.0,clay,oak\n7.5,sand,pine\n"
    path = written(tmp_path, rows)
    with pytest.warns(
        RuntimeWarning, match=r"line 1 of t.csv is taken for the names .* write names=\['x1', 'x2', 'x3'\]"
    ):
        assert len(table(path, "oak")) == 3
    assert len(table(path, "x3", names=["x1", "x2", "x3"])) == 4
    years = table(written(tmp_path, "country,2019,2020\na,1,2\nb,3,4\na,5,6\nb,7,9\n"), "country")
    assert years.feature_names == ("2019", "2020")


def test_the_advice_about_decimals_and_words_works(tmp_path):
    thousands = written(tmp_path, 'x,y\n"1,234",a\n"2,345",b\n"2,345",b\n3,a\n')
    assert table(thousands, "y", decimal=",").X[:, 0].tolist() == [1.234, 2.345, 2.345, 3]
    assert table(thousands, "y", decimal=".").X[:, 0].tolist() == [1234, 2345, 2345, 3]
    european = written(tmp_path, "x;z;y\n1,5;1.234;a\n2,5;2.345;b\n3,5;2.300;a\n1,2;3;b\n")
    assert table(european, "y", decimal=",").X.tolist() == [[1.5, 1234], [2.5, 2345], [3.5, 2300], [1.2, 3]]
    clear = written(tmp_path, 'x,y\n"1,234.5",a\n"2,345",b\n"1,000,000",b\n3,a\n')
    assert table(clear, "y").X[:, 0].tolist() == [1234.5, 2345, 1e6, 3]
    typo = written(tmp_path, f"x,y\n{MANY}oops,a\n")
    words = table(typo, "y", categorical=["x"], missing="drop")
    assert words.inputs == 1 + len(set(MANY.split("\n"))) - 1


@pytest.mark.parametrize(("options", "said"), [
    (dict(target="kid"), r"target='kid' is no column of t.csv, which has 'height', 'soil', 'kind'; did you mean"),
    (dict(target="kind", ignore=["hight"]), "ignore has 'hight', which is no column.*did you mean 'height'"),
    (dict(target="kind", ignore="kind"), "target='kind' is to be predicted and cannot be in ignore"),
    (dict(target="kind", missing="mean"), "missing='mean' is not one of 'fill', 'drop', 'error', nor a dict"),
    (dict(target="kind", missing={"height": "big"}), "missing={'height': 'big'} is no number"),
    (dict(target="kind", encoding="utf-9"), "encoding='utf-9' is no encoding"),
    (dict(target="kind", delimiter=",,"), "delimiter=',,' is one character"),
    (dict(target="kind", decimal=";"), "decimal=';' is neither"),
    (dict(target="kind", classes=False), "line 2 of t.csv holds 'a' in column 'kind'; it needs numbers"),
    (dict(target="kind", names=["a", "b"]), "names has 2 names, and the first row of t.csv has 3 fields"),
])  # fmt: skip
def test_options_that_do_not_fit_are_errors(options, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        table(written(tmp_path, PLAIN), **options)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        table(tmp_path / "nothing.csv", "y")
    with pytest.raises(ValueError, match="is a folder"):
        table(tmp_path, "y")
    with pytest.raises(ValueError, match="is an address; download the file"):
        table("https://example.org/t.csv", "y")


def test_words_that_begin_late_keep_the_texts_of_the_numbers_before(tmp_path):
    path = written(tmp_path, "code,y\n" + "01,a\n02,b\n" * 15_000 + "A7,a\nB8,b\n" * 15_000)
    data = table(path, "y")  # the first block of rows holds numbers only
    assert data.preparation.columns[0].categories == ("01", "02", "A7", "B8")


words = st.text(
    st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(words, words, st.floats(allow_nan=False)), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read_as_it_reads_it(tmp_path_factory, rows, delimiter):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([["a", "b", "c"], *rows])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue())
    sheet = read_csv(path, delimiter, as_texts=["a", "b"])
    assert [list(row) for row in zip(sheet.columns[0], sheet.columns[1])] == [[a, b] for a, b, _ in rows]
    assert np.array_equal(sheet.columns[2], [c for _, _, c in rows])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(st.sampled_from("xy,;1.\n\r\"' a-\t"), max_size=60).map(str.encode))
def test_any_bytes_make_a_table_or_a_value_error(tmp_path_factory, content):
    path = written(tmp_path_factory.mktemp("any"), b"x,y\n" + content)
    try:
        data = table(path, "y")
    except ValueError as refused:
        assert str(refused)
    except RuntimeWarning as left_out:  # warnings are errors in tests
        assert "left out" in str(left_out)
    else:
        assert np.isfinite(data.X).all()


@pytest.mark.slow
def test_a_million_rows_are_read(tmp_path):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(1_000_000, 4)).round(6)
    with open(tmp_path / "t.csv", "w", encoding="utf-8") as file:
        file.write("a,b,c,d,y\n")
        np.savetxt(file, np.column_stack([numbers, rng.integers(0, 2, 1_000_000)]), "%g", ",")
    data = table(tmp_path / "t.csv", "y")
    assert data.X.shape == (1_000_000, 4) and np.abs(data.X - numbers).max() < 1e-5
