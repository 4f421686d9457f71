"""Pictures as files of all kinds, and in the user's browser."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import struct
import subprocess
import webbrowser
import zlib
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest
from picture_helpers import marked, network, neuron
from picture_kinds import HOSTILE_LABELS, in_neurons

from chainrule import viz
from chainrule.viz.common import export

needs_browser = pytest.mark.skipif(export.find_browser() is None, reason="no Chromium here")
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz here")


@pytest.fixture(scope="module")
def drawing():
    o = neuron()
    o.backward()
    return viz.draw(o, theme="dark")


def png(data):
    """The size of a PNG and its number of different rows: a picture of nothing has one."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    wide, high = struct.unpack(">II", data[16:24])
    rows, at, packed = set(), 8, b""
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        packed += data[at + 8 : at + 8 + size] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + size
    raw = zlib.decompress(packed)
    across = len(raw) // high
    rows = {raw[row * across + 1 : (row + 1) * across] for row in range(high)}
    return wide, high, len(rows)


def page_boxes(data):
    assert data.startswith(b"%PDF-")
    return [tuple(map(float, box)) for box in re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", data)]


def check_images(drawing, folder):
    wide, high, rows = png(drawing.save(folder / "a.png").read_bytes())
    assert (wide, high) == (2 * drawing.width, 2 * drawing.height) and rows > 100
    ((across, down),) = page_boxes(drawing.save(folder / "a.PDF").read_bytes())  # one page, as large as the picture
    assert across == pytest.approx(0.75 * drawing.width, abs=1) and down == pytest.approx(0.75 * drawing.height, abs=1)


@pytest.mark.slow
@needs_browser
def test_a_browser_makes_png_and_pdf(drawing, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check_images(drawing, tmp_path)


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize(("theme", "is_dark"), [("auto", False), ("light", False), ("dark", True)])
def test_an_image_has_the_theme_that_was_asked_for(theme, is_dark, tmp_path, browser):
    image = viz.draw(neuron(), theme=theme).save(tmp_path / "a.png")
    browser.get(image.as_uri())
    colour = browser.execute_script("""
        const pen = document.createElement("canvas").getContext("2d");
        pen.drawImage(document.querySelector("img"), 0, 0);
        return [...pen.getImageData(40, 8, 1, 1).data]""")
    assert (sum(colour[:3]) < 300) == is_dark and colour[3] == 255


def test_cairosvg_makes_them_where_there_is_no_browser(drawing, tmp_path, monkeypatch):
    pytest.importorskip("cairosvg")
    monkeypatch.setattr(export, "find_browser", lambda: None)
    check_images(drawing, tmp_path)


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_without_a_converter_the_error_names_what_to_install(kind, drawing, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "find_browser", lambda: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError, match=rf"a \.{kind} needs .* Chromium .*pip install cairosvg.*\.svg and \.html"
    ):
        drawing.save(tmp_path / f"a.{kind}")
    assert list(tmp_path.iterdir()) == []


def test_a_browser_that_fails_is_named(drawing, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "find_browser", lambda: shutil.which("false"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"false could not do it \(CalledProcessError\); a \.png needs"):
        drawing.save(tmp_path / "a.png")


def test_a_very_large_picture_has_fewer_dots():
    for wide, high in ((10.0, 10.0), (200_000.0, 300.0), (300.0, 50_000.0), (9_000.0, 9_000.0)):
        scale = export.scale_of(wide, high)
        assert scale <= 2 and max(wide, high) * scale <= 16_000 + 1e-6 and wide * high * scale**2 <= 1e8 * (1 + 1e-12)


def test_show_opens_the_page_in_the_browser(drawing, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    assert drawing.show() is None
    path = Path(url2pathname(urlparse(opened[0]).path))
    assert path.read_text(encoding="utf-8") == drawing.html
    shutil.rmtree(path.parent)


def test_where_no_browser_starts_show_says_where_the_page_is(drawing, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    with pytest.raises(RuntimeError, match=r"the page is .*picture\.html") as error:
        drawing.show()
    path = Path(str(error.value).partition("the page is ")[2])
    assert path.read_text(encoding="utf-8") == drawing.html
    shutil.rmtree(path.parent)


def read_by_graphviz(dot):
    done = subprocess.run(["dot", "-Tdot_json"], input=dot.encode("utf-8"), capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    return json.loads(done.stdout)


@needs_dot
def test_the_dot_of_a_picture_has_its_cards_and_its_edges():
    loss = network([2, 3, 2])
    loss.backward()
    for fold in ("none", "neurons", "layers"):
        picture = viz.draw(loss, fold=fold)
        graph = read_by_graphviz(picture.dot)
        assert len(graph["objects"]) == len(marked(picture.svg, "card"))
        assert len(graph["edges"]) == len(marked(picture.svg, "edge"))
    assert len(read_by_graphviz(viz.steps(neuron()).dot)["objects"]) == 10


@pytest.mark.slow
@needs_dot
@pytest.mark.parametrize("label", HOSTILE_LABELS, ids=lambda label: ascii(label)[:24])
def test_hostile_labels_change_only_texts_of_the_dot(label):
    harmless, hostile = (read_by_graphviz(viz.draw(in_neurons(one)).dot) for one in ("a", label))
    assert len(hostile["objects"]) == len(harmless["objects"]) and len(hostile["edges"]) == len(harmless["edges"])
    fields = [
        [re.sub(r"\\.", "", one["label"]).count("|") for one in graph["objects"]] for graph in (harmless, hostile)
    ]
    assert fields[0] == fields[1]
