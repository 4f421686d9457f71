"""Modules of JavaScript, run by node and by a browser: what their functions give for some arrays."""

import json
import math
import shutil
import subprocess

import numpy as np
import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")

# Calls functions of modules; what is not finite goes as text. An error is its name and its message.
RUN = """
const plain = (x) => x === null ? null : typeof x === "number" ? (Number.isFinite(x) ? x : String(x))
  : typeof x === "string" || typeof x === "boolean" ? x : Array.from(x, plain);
const lively = (x) => Array.isArray(x) ? x.map(lively) : typeof x === "string" ? Number(x) : x;
const answer = (module, name, given) => {
  try { return plain(module[name](...lively(given))); }
  catch (error) { return { error: `${error.name}: ${error.message}` }; }
};
"""


def told(given):
    """An input as JSON has it: as lists; what is not finite as text."""
    if isinstance(given, (list, tuple)):
        return [told(one) for one in given]
    found = np.asarray(given)
    if found.ndim:
        return [told(one) for one in found]
    number = found.item()
    return number if math.isfinite(number) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(number, "NaN")


def back(answer):
    """An answer with floats where texts were sent for what is not finite; a RuntimeError for an error."""
    if isinstance(answer, dict):
        raise RuntimeError(answer["error"])
    if isinstance(answer, list):
        return [back(one) for one in answer]
    return float(answer.replace("Infinity", "inf")) if answer in ("NaN", "Infinity", "-Infinity") else answer


def run_node(folder, file):
    """What node prints when it runs a file."""
    done = subprocess.run([NODE, file], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def in_node(folder, calls):
    """The answers to calls, each (module file, function, arguments), of one process of node; an error is a dict."""
    asked = [[f"./{name}", function, told(given)] for name, function, given in calls]
    (folder / "run.mjs").write_text(
        RUN + f"const asked = {json.dumps(asked)};\nconst answers = [];\nfor (const [file, name, given] of asked) "
        "answers.push(answer(await import(file), name, given));\nconsole.log(JSON.stringify(answers));\n"
    )
    return json.loads(run_node(folder, "run.mjs"))


def in_browser(browser, folder, calls):
    """The answers to the same calls in a browser, which gets the modules as texts."""
    files = sorted({name for name, _, _ in calls})
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in files}
    asked = [[name, function, told(given)] for name, function, given in calls]
    browser.get("about:blank")
    return browser.execute_async_script(
        RUN + "const [texts, asked, done] = arguments, modules = {};\n(async () => {\n"
        "for (const [name, text] of Object.entries(texts)) modules[name] = "
        'await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));\n'
        "done(asked.map(([file, name, given]) => answer(modules[file], name, given)));\n"
        "})().catch((error) => done(String(error)));",
        texts,
        asked,
    )
