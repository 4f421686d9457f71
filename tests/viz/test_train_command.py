"""`chainrule train` writes a model that loads and a page, or says in one line what is wrong and exits with 2."""

import csv
import re
import shlex

import numpy as np
import pytest

import chainrule as cr
from chainrule.viz.command import main


@pytest.fixture
def trees(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "trees.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["height", "soil", "id", "kind", "price"])
        for i in range(80):
            kind = ["oak", "pine"][i % 2]
            height = round(rng.normal(10 + 10 * (i % 2), 2), 1)
            writer.writerow([height if i % 9 else "", rng.choice(["clay", "sand"]), f"t{i}", kind, 100 * height + 7])
    return path


def run(words, capsys):
    try:
        code = main(["train", *map(str, words)])
    except SystemExit as ended:
        code = ended.code
    return code, *capsys.readouterr()


def test_it_writes_a_model_that_takes_raw_rows_and_a_report(trees, tmp_path, capsys):
    words = [trees, "--target", "kind", "--hidden", "6,4", "--epochs", 30, "--ignore", "price", "-o", tmp_path / "out"]
    code, out, err = run(words, capsys)
    assert code == 0 and "test accuracy: " in out
    assert err.count("\n") == 1 and "chainrule train: trees.csv: column 'id' holds 80 different texts" in err
    model = cr.load(tmp_path / "out" / "model.json")
    assert [len(layer.neurons) for layer in model.layers] == [6, 4, 2]
    assert model.predict_class([[10.0, "clay"], [20.0, "sand"]]).tolist() == ["oak", "pine"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "confusion" in page and "trees" in page and "oak" in page


def test_numbers_are_predicted_too_and_the_seed_decides(trees, tmp_path, capsys):
    words = [
        trees,
        "--target",
        "price",
        "--hidden",
        "0",
        "--epochs",
        40,
        "--learning-rate",
        0.1,
        "--ignore",
        "id, kind",
        "--missing",
        "drop",
    ]
    outputs = [
        run([*words, "-o", tmp_path / name, "--seed", seed], capsys)[1] for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    scores = [float(out.split("test r²: ")[1]) for out in outputs]
    assert scores[0] > 0.95
    models = [(tmp_path / name / "model.json").read_text() for name in "abc"]
    assert models[0] == models[1] != models[2]


def test_a_data_set_that_is_shipped_goes_by_its_name(tmp_path, capsys):
    code, out, err = run(["iris", "--epochs", 20, "-o", tmp_path], capsys)
    assert (code, err) == (0, "") and float(out.split("test accuracy: ")[1].split()[0]) > 85
    assert cr.load(tmp_path / "model.json").predict_class([[5.1, 3.5, 1.4, 0.2]]).tolist() == ["setosa"]


@pytest.mark.parametrize(("words", "said"), [
    ("nothing.csv", "'nothing.csv' cannot be used: no such file or directory"),
    ("nothing.csv --target y", "'nothing.csv' cannot be used: no such file or directory"),
    ("TREES", "write --target …, the column of trees.csv that is to be predicted; it has "),
    ("TREES --target kin", "--target kin is no column of trees.csv, which has 'height', 'soil', 'id', 'kind'"),
    ("TREES --target kind --hidden 16,x", "argument --hidden: '16,x' is no list of sizes; write it like 16,16"),
    ("TREES --target kind --epochs 0", "--epochs must be at least 1, got 0"),
    ("TREES --target kind --epochs many", "argument --epochs: invalid int value: 'many'"),
    ("TREES --target kind --activation relux", "--activation relux is not known; write --activation relu"),
    ("TREES --target kind --learning-rate -1", "--learning-rate must be a positive number, got -1.0"),
    ("TREES --target kind --test-size 2", "--test-size is a share between 0 and 1, got 2.0"),
    ("TREES --target kind --missing error", "line 2 of trees.csv has no value in column 'height'"),
    ("TREES --target kind --ignore hight", "--ignore has 'hight', which is no column"),
    ("TREES --target id", "column 'id', the target, holds 80 different texts in 80 rows"),
    ("TREES --target kind --colour red", "unrecognized arguments: --colour red"),
    ("iris --target colour", "--target colour is not what is predicted of iris: species"),
    ("TREES --target kind -o TREES", "cannot be used: file exists"),
    ("", "the following arguments are required: DATA.csv"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(words, said, trees, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run([word.replace("TREES", str(trees)) for word in shlex.split(words)], capsys)
    lines = [line for line in err.splitlines() if "left out, as with" not in line]
    assert code == 2 and len(lines) == 1 and said.replace("TREES", str(trees)) in lines[0], err
    assert lines[0].startswith("chainrule") and not list(tmp_path.glob("chainrule-model/*"))


def test_its_help_has_examples_that_run(trees, tmp_path, capsys, monkeypatch):
    code, out, _ = run(["--help"], capsys)
    assert code == 0 and all(option in out for option in ("--target", "--hidden", "--missing", "-o"))
    examples = [line.split("  ")[1] for line in out.splitlines() if line.startswith("  chainrule train ")]
    assert len(examples) == 4
    monkeypatch.chdir(tmp_path)
    exported = trees.read_text().replace("kind", "class").replace("soil", "name").replace(",", ";").replace(".", ",")
    (tmp_path / "export.csv").write_text(exported)
    (tmp_path / "houses.csv").write_text("area,price\n" + "".join(f"{x},{x * 2.5}\n" for x in range(40, 90)))
    trees.write_text(trees.read_text().replace("kind", "species"))
    for example in examples:
        words = [word for word in shlex.split(example)[2:] if word not in ("--epochs", "300")]
        code, _, err = run([*words, "--epochs", "1"], capsys)
        assert code == 0, err


def test_it_stops_by_patience_and_names_the_epoch_that_is_kept(trees, tmp_path, capsys):
    words = [trees, "--target", "kind", "--ignore", "id,price", "--learning-rate", 0.3, "--epochs", 300, "-o", tmp_path]
    code, out, _ = run([*words, "--patience", 3], capsys)
    kept = int(out.split("the model is that of epoch ")[1].split(",")[0])
    last = int(out.split("\nthe model is that")[0].splitlines()[-1].split()[0])
    assert code == 0 and last == kept + 3 < 300


@pytest.mark.parametrize(("words", "said"), [
    ("--learning-rate -1", "--learning-rate must be a positive number, got -1.0"),
    ("--epochs 0", "--epochs must be at least 1, got 0"),
    ("--patience 0", "--patience must be at least 1, got 0"),
    ("--missing error", "Write --missing fill or --missing drop"),
    ("--activation rellu", "--activation rellu is not known; write --activation relu"),
    ("--activation ReLU", "--activation ReLU is not known; write --activation relu"),
    ("--ignore hight", "--ignore has 'hight', which is no column"),
    ("--lr 0.1", "unrecognized arguments: --lr 0.1; did you mean --learning-rate?; for help, write chainrule train -"),
    ("--optimiser SGD", "unrecognized arguments: --optimiser SGD; for help, write chainrule train --help"),
    ("--backend gpu", "argument --backend: invalid choice: 'gpu'"),
])  # fmt: skip
def test_errors_speak_the_words_of_the_command_line(words, said, trees, tmp_path, capsys):
    code, _, err = run([trees, "--target", "kind", *shlex.split(words), "-o", tmp_path / "out"], capsys)
    assert code == 2 and said in err and not re.search(r"\w=['\[\d]", err), err


def test_advice_speaks_the_words_of_the_command_line(trees, tmp_path, capsys):
    words = [trees, "--target", "kind", "--ignore", "id", "--epochs", 5, "--learning-rate", 1000, "-o", tmp_path]
    code, out, _ = run(words, capsys)
    assert code == 0 and "--learning-rate 100" in out and "learning_rate" not in out
