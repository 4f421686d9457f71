"""`chainrule predict` says of a file what the model says in Python, finds columns by name, and fails in one line."""

import csv
import io

import numpy as np
import pytest

import chainrule as cr
from chainrule.viz.command import main

RNG = np.random.default_rng(0)
ROWS = [
    {"height": f"{x:.1f}", "soil": soil, "code": f"0{i % 3}", "kind": "oak" if x < 15 else "pine",
     "price": f"{100 * x + 7:.0f}"}
    for i, (x, soil) in enumerate(zip(RNG.uniform(5, 25, 60), RNG.choice(["clay", "sand"], 60)))
]  # fmt: skip


def written(path, rows, names, delimiter=",", decimal="."):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(names)
        writer.writerows([[row[name].replace(".", decimal) for name in names] for row in rows])
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The model of a class and that of a number, in files, by target."""
    folder = tmp_path_factory.mktemp("models")
    data = written(folder / "trees.csv", ROWS, ["height", "soil", "code", "kind", "price"])
    found = {}
    for target, loss, other in (("kind", cr.cross_entropy, "price"), ("price", cr.mse, "kind")):
        train = cr.table(data, target, ignore=[other], categorical=["code"]).standardise()
        model = cr.MLP(train.inputs, [4, train.outputs], activation="tanh", rng=0)
        cr.fit(model, loss, train, epochs=20, progress=False)
        found[target] = model.save(folder / f"{target}.json")
    return found


def run(*words, capsys):
    try:
        code = main(["predict", *map(str, words)])
    except SystemExit as ended:
        code = ended.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize("target", ["kind", "price"])
@pytest.mark.parametrize("delimiter, decimal", [(",", "."), (";", ",")])
def test_it_answers_what_predict_answers_and_columns_go_by_name(models, target, delimiter, decimal, tmp_path, capsys):
    names = ["code", "soil", "note", "height"]
    rows = [{**row, "note": "a=b;c,d"} for row in ROWS[:7]]
    new = written(tmp_path / "new.csv", rows, names, delimiter, decimal)
    code, out, err = run(models[target], new, capsys=capsys)
    found = list(csv.reader(io.StringIO(out), delimiter=delimiter))
    given = list(csv.reader(io.StringIO(new.read_text(encoding="utf-8")), delimiter=delimiter))
    assert (code, err) == (0, "") and [row[:4] for row in found] == given
    model = cr.load(models[target])
    inputs = {name: [row[name] for row in rows] for name in ("height", "soil", "code")}
    inputs["height"] = [float(one) for one in inputs["height"]]
    told = [row[4] for row in found[1:]]
    if target == "kind":
        assert found[0][4:] == ["predicted kind", "probability"] and told == model.predict_class(inputs).tolist()
        chances = [float(row[5]) for row in found[1:]]
        np.testing.assert_allclose(chances, model.predict_probabilities(inputs).max(axis=1), rtol=1e-9)
        assert model.predict_class(str(new)).tolist() == told
    else:
        np.testing.assert_allclose(np.array(told, float), model.predict(inputs), rtol=1e-9)
        np.testing.assert_array_equal(model.predict(new), model.predict(inputs))


def test_it_reads_and_writes_the_decimal_commas_that_the_model_remembers(tmp_path, capsys):
    old = written(tmp_path / "old.csv", ROWS, ["height", "price"], ";", ",")
    train = cr.table(old, "price").standardise()
    model = cr.MLP(1, [1], rng=0)
    cr.fit(model, cr.mse, train, epochs=20, progress=False)
    file, new = model.save(tmp_path / "m.json"), tmp_path / "new.csv"
    new.write_text("height\n" + '"12,125"\n"9,250"\n', encoding="utf-8")  # or thousands, if nothing were known
    code, out, err = run(file, new, capsys=capsys)
    told = [float(row[1].replace(",", ".")) for row in csv.reader(io.StringIO(out)) if row[0] != "height"]
    assert (code, err) == (0, "") and "." not in out
    np.testing.assert_allclose(told, model.predict([[12.125], [9.25]]), rtol=1e-9)
    np.testing.assert_array_equal(model.predict(new), model.predict([[12.125], [9.25]]))
    new.write_text("height\n12.125\n9.25\n7.5\n", encoding="utf-8")
    code, _, err = run(file, new, capsys=capsys)
    assert code != 0 and "holds '12.125' in column 'height', which has numbers with decimal commas" in err
    assert "chainrule predict --decimal . reads points" in err
    assert run(file, new, "--decimal", ".", capsys=capsys)[0] == 0


@pytest.mark.parametrize(("target", "said"), [("kind", "accuracy: "), ("price", "r²: ")])
def test_with_the_target_it_prints_how_good_the_predictions_are(models, target, said, tmp_path, capsys):
    rows = [{**row, target: "" if i < 2 else row[target]} for i, row in enumerate(ROWS)]
    new = written(tmp_path / "new.csv", rows, [target, "soil", "height", "code"])
    code, out, _ = run(models[target], new, "-o", tmp_path / "out.csv", capsys=capsys)
    assert code == 0 and said in out and "(of 58 rows that have it)" in out
    printed = float(out.split(said)[1].split()[0])
    model, held = cr.load(models[target]), [{k: v for k, v in row.items() if k != target} for row in ROWS[2:]]
    held = [{**row, "height": float(row["height"])} for row in held]
    truth = [row[target] for row in ROWS[2:]]
    if target == "kind":
        assert printed == pytest.approx(100 * np.mean(model.predict_class(held) == np.array(truth)), abs=0.05)
    else:
        y = np.array(truth, float)
        share = 1 - ((model.predict(held) - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
        assert printed == pytest.approx(share, abs=5e-4)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("\n") == 61
    code, out, err = run(models[target], new, capsys=capsys)
    assert said in err and said not in out


@pytest.mark.parametrize(("words", "said"), [
    ("MODEL no.csv", "'no.csv' cannot be used: no such file or directory"),
    ("no.json NEW", "'no.json' cannot be used: no such file or directory"),
    ("NEW NEW", "the file is no JSON or is not whole"),
    ("PLAIN NEW", "does not know the columns of a table"),
    ("MODEL LESS", "'soil', which the model takes, is no column of less.csv, which has 'height', 'code', 'sol'; did"),
    ("MODEL WORD", "line 3 of word.csv holds 'chalk' in column 'soil', where the model knows 'clay', 'sand'"),
    ("MODEL NEW -o out.txt", "--out out.txt has to end in .csv"),
    ("MODEL NEW --epochs 3", "unrecognized arguments: --epochs 3; for help, write chainrule predict --help"),
    ("MODEL", "the following arguments are required: NEW.csv"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(models, words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["height", "soil", "code"]
    files = {
        "MODEL": models["kind"], "PLAIN": cr.MLP(3, [2, 1]).save("plain.json"),
        "NEW": written(tmp_path / "new.csv", ROWS[:3], names),
        "LESS": written(tmp_path / "less.csv", [{**row, "sol": "clay"} for row in ROWS[:3]], ["height", "code", "sol"]),
        "WORD": written(tmp_path / "word.csv", [ROWS[0], {**ROWS[1], "soil": "chalk"}], names),
    }  # fmt: skip
    code, out, err = run(*[files.get(word, word) for word in words.split()], capsys=capsys)
    assert code == 2 and not out and err.count("\n") == 1 and said in err, err
    assert err.startswith("chainrule predict")


def test_a_model_that_knows_no_table_reads_no_files():
    with pytest.raises(TypeError, match="a model reads files of rows where it was trained on a table"):
        cr.MLP(2, [1]).predict("new.csv")


def test_what_train_writes_predict_reads(tmp_path, capsys):
    data = written(tmp_path / "trees.csv", ROWS, ["height", "soil", "kind"])
    assert main(["train", str(data), "--target", "kind", "--epochs", "5", "-o", str(tmp_path)]) == 0
    capsys.readouterr()
    code, out, err = run(tmp_path / "model.json", data, capsys=capsys)
    assert code == 0 and out.count("\n") == 61 and err.startswith("accuracy: ")


@pytest.mark.parametrize("index", ["numbers", "empty"])
def test_a_column_without_a_name_that_train_leaves_out_is_no_hindrance_and_stays_in_the_rows(index, tmp_path, capsys):
    rows = [{"": str(i) if index == "numbers" else "", **row} for i, row in enumerate(ROWS)]  # as pandas numbers them
    data = written(tmp_path / "trees.csv", rows, ["", "height", "soil", "kind"])
    assert main(["train", str(data), "--target", "kind", "--epochs", "5", "-o", str(tmp_path)]) == 0
    capsys.readouterr()
    code, out, err = run(tmp_path / "model.json", data, capsys=capsys)
    assert code == 0 and err.startswith("accuracy: ") and "rows that have it" not in err  # all have it
    found = list(csv.reader(io.StringIO(out)))
    assert found[0] == ["", "height", "soil", "kind", "predicted kind", "probability"]
    assert [row[:4] for row in found[1:]] == [[row[name] for name in ("", "height", "soil", "kind")] for row in rows]
