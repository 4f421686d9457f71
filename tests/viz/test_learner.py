"""`chainrule check` names the bug that was planted, and says nothing against an engine that is right."""

import html
import importlib.util
import json
import re
import sys
import time
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.testing import check_class, check_file, check_value_class
from chainrule.viz.command import main
from chainrule.viz.learner.bugs import BUGS, GENERAL
from chainrule.viz.learner.ladder import CHECKS, RUNGS
from chainrule.viz.learner.report import truth

spec = importlib.util.spec_from_file_location("learners", Path(__file__).parent / "learners.py")
learners = importlib.util.module_from_spec(spec)
spec.loader.exec_module(learners)

# What is worth knowing about an engine that is right as far as it goes.
NOTES = {
    "single precision",
    "backward not idempotent",
    "gradients left over",
    "recursion limit",
    "tanh overflows",
    "constants as strings",
    "power of a fraction",
}
QUICK = ("overwrites", "wrong order", "swapped __rsub__", "crash")
PLANTED = [pytest.param(*one, id=f"{number} {one[0]}", marks=[] if one[0] in QUICK else [pytest.mark.slow])
           for number, one in enumerate(learners.PLANTED)]  # fmt: skip


def written(folder, text):
    (folder / "mine.py").write_text(text, encoding="utf-8")
    return folder / "mine.py"


def loaded(text):
    """The class of a text, in this process, which is quicker."""
    names = {"__name__": "mine"}
    exec(text, names)
    return names["Value"]


def test_the_truth_is_that_of_finite_differences_too():
    """What the checks hold to be right comes from chainrule; here it is compared with differences."""
    for check in CHECKS:
        if not check.back or check.note or check.watch:
            continue

        def f(check=check, **moved):
            names = {"V": cr.Value, **{k: cr.Value(v + moved.get(k, 0.0)) for k, v in check.leaves.items()}}
            exec(check.code, names)
            return names["y"].data

        for leaf, number in check.leaves.items():
            h = 1e-5 * min(1.0, abs(number) or 1.0)  # so that log is asked on both sides of a small number
            slope = (f(**{leaf: h}) - f(**{leaf: -h})) / (2 * h)
            assert truth(check.name)[f"{leaf}.grad"] == pytest.approx(slope, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("text", learners.RIGHT.values(), ids=learners.RIGHT)
def test_an_engine_that_is_right_is_never_called_wrong(text, capsys):
    report = check_value_class(loaded(text))
    assert report.ok and report.bugs == [] and report.points[0] == report.points[1] >= 35
    assert {note.bug for note in report.notes} <= NOTES
    assert ("worth knowing  11 Beyond" in str(report)) == bool({*map(str, report.notes)}) and "V(" not in str(report)
    capsys.readouterr()


def test_chainrule_itself_and_micrograd_are_right():
    assert check_value_class(cr.Value).notes == ()
    engine = pytest.importorskip("micrograd.engine", reason="micrograd is not installed")
    assert check_value_class(engine.Value).bugs == []


@pytest.mark.parametrize(("name", "text", "old", "new"), PLANTED)
def test_a_planted_bug_is_named(name, text, old, new, tmp_path):
    assert old in text
    limit = {"seconds": 2} if name == "hang" else {}  # on a busy machine the others may need more
    report = check_file(written(tmp_path, text.replace(old, new) if old else text), **limit)
    if name in NOTES:
        assert report.ok and name in [note.bug for note in report.notes]
    else:
        assert not report.ok and report.bugs == [name]
        assert "Value(" in str(report) and report.found[0].says in str(report)


@pytest.mark.slow
def test_what_is_ordered_by_chance_gets_the_same_report_each_time_and_the_worst_of_it():
    """micrograd keeps parents in a set, which is ordered by addresses; on some of them a wrong walk comes out right."""
    text = learners.CLOSURES.replace("                topo.append(v)\n", "").replace("reversed(topo)", "topo").replace(
        "visited.add(v)\n", "visited.add(v)\n                topo.append(v)\n")  # fmt: skip
    kept, reports = [], set()
    for size in range(12):
        kept.append([bytearray(size) for _ in range(size)])
        V = loaded(text)
        reports.add(str(check_class(V)))
        assert V.__hash__ is object.__hash__, "the class is as it was"
    [report] = reports
    assert check_class(V).verdict.endswith("is wrong (varies from run to run)")
    assert "wrong order: " in report and "varies with the order of a set" in report


def test_numbers_in_single_precision_are_right_and_a_slope_by_differences_is_inexact_and_no_wrong_formula():
    report = check_class(loaded(learners.NUMPY_BACKED.replace("np.float64", "np.float32")))
    assert report.ok and report.points[0] == report.points[1] and report.notes[0].bug == "single precision"


def test_of_several_failing_programs_the_earliest_is_shown():
    """A clipped gradient shows in a * b already; that the order looks wrong, too, follows from it."""
    clipped = learners.TIMES.replace("other.data * out.grad", "max(-5.0, min(5.0, other.data * out.grad))")
    other = clipped.replace("self.data * out.grad", "max(-5.0, min(5.0, self.data * out.grad))")
    [found] = check_class(loaded(learners.CLOSURES.replace(learners.TIMES, other))).found
    assert found.check.rung == 2 and "wrong order" not in str(found)


def test_at_least_twenty_kinds_of_bugs_are_planted_and_each_is_known():
    planted = {one[0] for one in learners.PLANTED}
    assert len(planted) >= 20 and len(learners.RIGHT) >= 12
    assert planted <= {bug.name for bug in BUGS} | {"hang", "crash", "single precision", *GENERAL}
    assert {bug.check for bug in BUGS} <= {check.name for check in CHECKS}
    assert [check.rung for check in CHECKS] == sorted(check.rung for check in CHECKS)
    assert {check.rung for check in CHECKS} == set(range(len(RUNGS)))


def test_a_learner_on_the_way_hears_what_is_not_there_yet_and_is_told_of_no_bug(tmp_path):
    start = learners.LOCAL_GRADS[: learners.LOCAL_GRADS.index("    def __pow__")]
    rest = learners.LOCAL_GRADS[learners.LOCAL_GRADS.index("    def backward") :].replace(learners.DERIVED, "")
    radd = "    def __radd__(self, other): return self + other\n    def __rmul__(self, other): return self * other\n"
    report = check_file(written(tmp_path, start + rest + radd))
    assert report.bugs == [] and not report.ok and "  not yet   7 Power, minus, divide" in str(report)
    assert "Nothing is wrong; not yet: a ** 3; " in str(report) and report.missing[0] == "a ** 3"
    assert "    right   5 Values that are used twice" in str(report) and report.found == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Value:\n    def f(:\n", "line 2, SyntaxError"),
        ("import no_such_module\n", "line 1, ModuleNotFoundError: No module named 'no_such_module'"),
        ("class Number: pass\n", "there is no 'Value' in it; it has Number: write mine.py:Number"),
        ("from fractions import Fraction\nclass Scalar: pass\n", "it has Scalar: write mine.py:Scalar"),
        ("class Num:\n    def __add__(self, o): pass\nclass Neuron: pass\n", "it has Num, Neuron: write mine.py:Num"),
        ("x = input()\n", "line 1, it asks for input when it is imported; put what it does under: if __name__ =="),
        (
            "raise SystemExit\n",
            "line 1, it ends with SystemExit when it is imported; put what it does under: if __name__",
        ),
        ("import os\nos._exit(0)\n", "the process ended in the middle of it, with code 0"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(text, said, tmp_path):
    report = check_file(written(tmp_path, text))
    assert said in report.unread and not report.ok and said in json.loads(report.json)["error"]


def test_the_learners_file_sees_its_own_folder_and_neither_ours_nor_our_modules(tmp_path):
    (tmp_path / "helper.py").write_text("from math import tanh\n")
    (tmp_path / "ladder.py").write_text("raise RuntimeError\n")
    text = "import sys, helper\nassert 'chainrule' not in sys.modules\n" + learners.LOCAL_GRADS
    assert check_file(written(tmp_path, text)).ok


def test_the_command_prints_text_json_and_writes_a_page(tmp_path, capsys):
    path = written(tmp_path, learners.CLOSURES.replace(".grad += ", ".grad = "))
    assert main(["check", f"{path}:Value"]) == 1
    said = capsys.readouterr().out
    assert "overwrites: a value that is used twice keeps the gradient of one use only" in said
    assert "y = a * b + a * c" in said and "a.grad is" in said and "+=" not in said  # the cure is not told
    page = tmp_path / "report.html"
    assert main(["check", str(path), "--json", "--html", str(page)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["found"][0]["bug"] == "overwrites" and found["points"] < found["of"] and not found["ok"]
    program = "a, b, c = Value(2.0), Value(-3.0), Value(10.0)\ny = a * b + a * c\ny.backward()"
    assert found["found"][0]["program"] == program and found["missing"] == []
    assert sum(check["points"] for check in found["checks"]) == found["points"]
    text = page.read_text(encoding="utf-8")
    assert (
        "<svg" in text
        and "<figcaption>The right gradients:" in text
        and "overwrites" in text
        and not re.search(r"""(?:src|href)=["']?(?!data:|#)""", text)
    )
    assert main(["check", f"{written(tmp_path, learners.ITERATIVE)}:Value"]) == 0
    assert main(["check", str(tmp_path / "none.py")]) == 2
    assert "there is no file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    assert "chainrule check mine.py:Value" in capsys.readouterr().out


def test_a_file_that_runs_a_loop_when_it_is_imported_is_told_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.viz.learner.running.max", lambda *_: 0.5, raising=False)
    said = check_file(written(tmp_path, "while True: pass\n")).unread
    assert "it does not end within 0.5 seconds when it is imported; put what it does under: if __name__ ==" in said


def test_several_files_give_a_line_each_a_list_and_one_page(tmp_path, capsys):
    evil = "class Value:\n    def __init__(self, data): raise ValueError('<script>')\n"
    names = ("right.py", "wrong.py", "evil.py")
    texts = (learners.LOCAL_GRADS, learners.CLOSURES.replace(".grad += ", ".grad = "), evil)
    for name, text in zip(names, texts):
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in (*names, "none.py")]
    assert main(["check", *files]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [*names, "none.py"]
    assert lines[0].endswith("  right") and "  overwrites: a value that is used twice" in lines[1]
    assert "  a number: it ends in an error: ValueError: <script>" in lines[2] and "there is no file" in lines[3]
    page = tmp_path / "all.html"
    assert main(["check", *files, "--json", "--html", str(page)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [each["ok"] for each in found] == [True, False, False, False] and found[1]["found"][0]["bug"] == "overwrites"
    html_text = page.read_text(encoding="utf-8")
    assert all(f"<h1>{name}:Value</h1>" in html_text for name in names) and "<script>" not in html_text
    assert main(["check", files[0], files[0]]) == 0


def test_a_folder_or_a_pattern_is_its_files_and_files_of_one_name_are_told_apart(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for learner in ("anna", "ben"):
        (tmp_path / learner).mkdir()
        (tmp_path / learner / "engine.py").write_text("class Value: pass\n")
    (tmp_path / "ben" / "nb.ipynb").write_text("{}")
    assert main(["check", "*/engine.py"]) == 1  # as a shell that expands no patterns hands it on
    assert re.findall(r"^(\S+)", capsys.readouterr().out, re.M) == ["anna/engine.py:Value", "ben/engine.py:Value"]
    assert main(["check", "anna"]) == 1
    assert capsys.readouterr().out.startswith("engine.py:Value: 0 of ")
    assert main(["check", "ben/nb.ipynb"]) == 1
    assert "nb.ipynb is no Python file; write a notebook as one: jupyter nbconvert" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert main(["check", "empty"]) == 2 and "no *.py in the folder 'empty'" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["-1", "0", "nan", "inf", "soon"])
def test_a_limit_of_no_seconds_is_refused(seconds, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["check", "mine.py", "--seconds", seconds])
    assert ended.value.code == 2 and "is not a number of seconds above 0" in capsys.readouterr().err


def test_hostile_text_of_a_learner_stays_text_on_the_page(tmp_path):
    evil = "<script>alert(1)</script>"
    old = "def backward(self):\n"
    path = written(tmp_path, learners.CLOSURES.replace(old, f"{old}        raise ValueError({evil!r})\n"))
    report = check_file(path)
    assert evil in str(report) and evil not in report.html
    assert report.save(tmp_path / "r.html").read_text(encoding="utf-8") == report.html
    assert json.loads(report.save(tmp_path / "r.json").read_text())["ok"] is False


WRITES = r"""
for pipe in range(3, 12):
    try: os.write(pipe, b'no json\n[1]\n{"result": 3}\n\xff\xfe\n')
    except OSError: pass
"""
PATCHES = "import json\njson.dumps = lambda *_: '{}'\nmath.isclose = math.isfinite = None"
FORKS = "import time\nif hasattr(os, 'fork') and os.fork() == 0: time.sleep(60)"
STARTS = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"


@pytest.mark.parametrize("code", [WRITES, PATCHES, FORKS, STARTS], ids=["writes", "patches", "forks", "starts"])
def test_what_a_learners_file_does_beside_its_class_changes_no_verdict(code, tmp_path):
    begun = time.monotonic()
    assert check_file(written(tmp_path, f"import math, os\n{code}\n{learners.LOCAL_GRADS}")).ok
    assert time.monotonic() - begun < 55, "what the file has started is not waited for"


def test_checks_that_were_left_out_since_others_hang_count_as_not_yet_right(tmp_path):
    start = "        self.data = float(data)\n"
    hangs = learners.LOCAL_GRADS.replace(start, f"{start}        while data == 10.0: pass\n")
    report = check_file(written(tmp_path, hangs), seconds=0.3)
    assert report.bugs == ["hang"] and report.points[0] < 10 and report.points[1] > 50


def test_no_control_characters_of_a_learner_reach_the_terminal():
    raises = "    def tanh(self):\n        raise ValueError('\\x1b[31m')\n"
    report = check_class(loaded(learners.CLOSURES.replace("    def tanh(self):\n", raises)))
    assert "ValueError: \N{REPLACEMENT CHARACTER}[31m" in str(report)


def test_what_is_wrong_without_a_name_says_whether_it_is_the_number_or_its_gradient():
    number = learners.CLOSURES.replace("out = Value(math.exp(self.data)", "out = Value(2**self.data")
    assert "exp: the result itself is not right, before any gradient" in str(check_class(loaded(number)))
    slope = learners.OPERATOR_CLASSES.replace("return g, -g\n", "return g, -2 * g\n")
    assert "a - b: the result is right, and the gradients are not" in str(check_class(loaded(slope)))


def test_check_value_class_raises_the_report_for_pytest():
    with pytest.raises(AssertionError, match=r"swapped __rsub__: 1 - a gives a - 1"):
        check_value_class(loaded(learners.CLOSURES.replace("return (-self) + other", "return self - other")))
    assert sys.getrecursionlimit() > 0


def test_a_report_in_a_notebook_leaves_its_first_graph_where_frames_are_removed():
    wrong = check_class(
        loaded(next(one[1].replace(one[2], one[3]) for one in learners.PLANTED if one[0] == "overwrites"))
    )
    frame = re.fullmatch(r'<iframe srcdoc="([^"]+)" title="Value" style="[^"]+">(.+)</iframe>', wrong._repr_html_())
    assert html.unescape(frame[1]) == wrong.html
    assert re.fullmatch(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="y = [^"]+" [^<>]*>', frame[2])
    assert check_class(cr.Value)._repr_html_().endswith('"></iframe>'), "there is no graph of what is right"
    assert repr(wrong) == str(wrong)
