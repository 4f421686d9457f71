"""The command line does what a person expects, whatever the terminal and whatever is typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule
from chainrule.__main__ import main as command
from chainrule.viz.command import main

ROOT = Path(chainrule.__file__).parents[1]


def run_command(*words, encoding="utf-8", **options):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "chainrule", *words], env=environment, **options)


def test_without_words_it_prints_its_help(capsys):
    assert main([]) == 0
    assert "usage: chainrule" in capsys.readouterr().out


def test_it_tells_its_version(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["chainrule", "--version"])
    with pytest.raises(SystemExit) as exit_:
        command()
    assert exit_.value.code == 0 and capsys.readouterr().out == f"chainrule {chainrule.__version__}\n"


@pytest.mark.parametrize("words", [["-x*2"], ["--", "-x*2"], [" -x*2"]])
def test_an_expression_may_begin_with_a_minus_sign(words, tmp_path, capsys):
    target = tmp_path / "x.svg"
    assert main(["draw", *words, "x=3", "-o", str(target)]) == 0
    assert "−6" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(("words", "said"), [
    (["tanh(a=x)", "x=1"], "'tanh(a=x)' has a name before an argument: write the arguments of tanh in their order"),
    (["tanh(**x)", "x=1"], "write the arguments of tanh in their order"),
    (["x*2", "x=1e400"], "'x=1e400' is not a finite number: a float reaches to 1.798e+308"),
    (["x*2", "x=nan"], "'x=nan' is not a finite number"),
    (["y*x", "x=1"], "y has no number; add y=1.0"),
])  # fmt: skip
def test_what_is_refused_is_said_in_one_line(words, said, tmp_path, capsys):
    assert main(["draw", *words, "-o", str(tmp_path / "x.svg")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named_in_words_and_without_a_number(tmp_path, capsys):
    picture = str(tmp_path / "none" / "x.svg")
    assert main(["draw", "a * 2", "a=1", "-o", picture]) == 2
    assert capsys.readouterr().err == f"chainrule draw: {picture!r} cannot be used: no such file or directory\n"


@pytest.mark.parametrize(("words", "result"), [(["pi*x", "x=2"], "6.283"), (["e*x", "x=1"], "2.718"),
                                               (["pi*x", "x=2", "pi=3"], "6")])  # fmt: skip
def test_pi_and_e_are_known_unless_they_are_given(words, result, tmp_path, capsys):
    target = tmp_path / "x.svg"
    assert main(["draw", *words, "-o", str(target)]) == 0
    assert f"= {result}," in target.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_with_fewer_letters_gets_the_picture_too(encoding, tmp_path):
    target = tmp_path / "ℌ∂.svg"
    done = run_command("draw", "x*2", "x=1", "-o", str(target), encoding=encoding, stdout=subprocess.PIPE)
    printed, _ = done.communicate()
    assert done.returncode == 0 and target.is_file() and b"?" in printed


def test_a_reader_who_leaves_is_no_error(tmp_path):
    words = ["draw", "x*2", "x=1", "-o", str(tmp_path / "x.svg")]
    with run_command(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        done.stdout.close()  # as `| head -0` does
        assert b"Traceback" not in done.stderr.read()
    assert done.returncode == 0
    assert (tmp_path / "x.svg").is_file()
