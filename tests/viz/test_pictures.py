"""Laws that hold for every picture and page that viz makes, whatever is in it."""

from __future__ import annotations

import base64
import functools
import html
import json
import os
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from picture_helpers import SVG, page_data, parsed
from picture_kinds import HOSTILE_LABELS, KINDS, NOT_PICTURES

import chainrule
from chainrule import viz
from chainrule.viz.common import picture as picture_module

THEMES = ("auto", "light", "dark")
VOID = {"meta", "input", "img", "br"}  # the elements of HTML that have no end tag
# The characters that XML forbids, and the marks that change the direction of the text after them.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
LOADING = re.compile(
    r"//\w|\b(src|srcset|href|action|poster)=|url\(|@import|<(link|base|object|embed)|"
    r"\b(import|fetch|importScripts|sendBeacon)\s*\(|XMLHttpRequest|WebSocket|EventSource|<\?xml-stylesheet"
)

made_kinds = [
    pytest.param(kind, id=name, marks=pytest.mark.skipif(not kind.can_be_made, reason=f"no {kind.needs} here"))
    for name, kind in KINDS.items()
]
every_kind = pytest.mark.parametrize("kind", made_kinds)
our_kinds = pytest.mark.parametrize("kind", [one for one in made_kinds if one.values[0].is_ours])
kinds_with_svg = pytest.mark.parametrize("kind", [one for one in made_kinds if ".svg" in one.values[0].endings])
kinds_with_themes = pytest.mark.parametrize("kind", [one for one in made_kinds if one.values[0].has_themes])


class Elements(HTMLParser):
    """The elements of an HTML text as (tag, attributes), and its title; tags that do not match are errors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"no end tags for {self._open}"

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open and self._open[-1] == tag, f"</{tag}> ends nothing; open are {self._open}"
        self._open.pop()

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data!r}")

    def handle_data(self, data):
        if self._open == ["html", "head", "title"]:
            self.title += data


def structure(ending: str, text: str) -> list[tuple[str, list[str]]]:
    """The elements with the names of their attributes, which a label must not change."""
    if ending == ".svg":
        return [(element.tag, sorted(element.attrib)) for element in parsed(text).iter()]
    if ending == ".html":
        return [(tag, sorted(attributes)) for tag, attributes in Elements(text).elements]
    return []  # test_dot.py tests the escapes of DOT with Graphviz, and a text has no markup


def test_every_picture_of_viz_has_an_entry_in_kinds():
    missing = sorted(set(viz.__all__) - {kind.function for kind in KINDS.values()} - NOT_PICTURES)
    assert not missing, (
        f"viz.{missing[0]} has no entry in KINDS (tests/viz/picture_kinds.py): add one that makes its picture from a "
        "label and a theme, so that these laws are tested for it, or add it to NOT_PICTURES"
    )
    gone = sorted(({kind.function for kind in KINDS.values()} | NOT_PICTURES) - set(viz.__all__))
    assert not gone, f"tests/viz/picture_kinds.py names {gone[0]}, which is not in viz.__all__: remove its entry"


# --- labels


def texts_of(kind, label: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        return kind.saved(kind.picture(label), Path(folder))  # this would fail for text that UTF-8 cannot hold


@functools.cache
def harmless_structures(kind) -> dict[str, list[tuple[str, list[str]]]]:
    return {ending: structure(ending, text) for ending, text in texts_of(kind, "a").items()}


def check_label(kind, label: str) -> None:
    for ending, text in texts_of(kind, label).items():
        assert not FORBIDDEN.search(text), f"{ending}: {FORBIDDEN.search(text)}"
        assert structure(ending, text) == harmless_structures(kind)[ending]
        for tag, names in structure(ending, text):
            assert tag.removeprefix(SVG) not in ("foreignObject", "animate", "set", "use", "image", "a")
            assert not [name for name in names if name.startswith("on") or "href" in name]
        if ending == ".html":
            assert text.count("<script") == text.count("</script") and "<!--" not in text
        if 'id="data"' in text:
            assert text.partition('id="data">')[2].partition("</script>")[0].isascii()
            assert all(page_data(text).get("names", ["a page without names"]))


@every_kind
@pytest.mark.parametrize(
    "label",
    [
        pytest.param(label, id=ascii(label)[:24], marks=() if i % 8 == 1 else pytest.mark.slow)
        for i, label in enumerate(HOSTILE_LABELS)
    ],
)
def test_hostile_labels_change_only_text(kind, label):
    check_label(kind, label)


@pytest.mark.slow
@every_kind
@given(label=st.text())
@example(label="<script>")
def test_labels_change_only_text(kind, label):
    check_label(kind, label)


@our_kinds
def test_hostile_labels_run_nothing_in_the_browser(kind, browser, tmp_path):
    attack = (
        "</script></title></pre></svg><script>window.broken = 1</script>"
        "<img src=x onerror='window.broken = 1'>\" onfocus='window.broken = 1' autofocus='"
    )
    # a page may still be busy with making itself: its elements are counted when there have been as many for a while
    count = """
      const done = arguments[0], count = () => document.querySelectorAll('*').length;
      let before = -1, same = 0;
      const look = () => {
        same = count() === before ? same + 1 : 0;
        before = count();
        if (same > 5) done(before); else setTimeout(look, 20);
      };
      look();"""
    browser.get(kind.picture("a").save(tmp_path / "harmless.html").as_uri())
    elements = browser.execute_async_script(count)
    browser.get(kind.picture(attack).save(tmp_path / "hostile.html").as_uri())
    assert browser.execute_async_script(count) == elements
    assert browser.execute_script("return window.broken") is None
    assert browser.get_log("browser") == []


# --- themes and styles


@pytest.mark.slow
@kinds_with_themes
def test_each_theme_has_colours_of_its_own_and_auto_asks_the_system(kind, tmp_path):
    for ending in {".svg", ".html"}.intersection(kind.endings):  # texts have no colours, and those of DOT are not ours
        texts = {theme: kind.saved(kind.picture("a", theme), tmp_path)[ending] for theme in THEMES}
        assert len(set(texts.values())) == 3
        assert [theme for theme in THEMES if "prefers-color-scheme:dark" in texts[theme]] == ["auto"]
        if "<script" in texts["auto"]:  # the page around the picture has the same theme
            schemes = {theme: re.findall(r":root\{color-scheme:(\w+);", texts[theme]) for theme in THEMES}
            is_printed_light = "@media print{:root{color-scheme:light" in texts["dark"]
            printed = ["light"] if is_printed_light else []
            assert schemes == {"auto": ["light", "dark"], "light": ["light"], "dark": ["dark", *printed]}
            assert is_printed_light or not kind.has_common_page
    plain, auto = kind.picture("a"), kind.picture("a", "auto")
    assert kind.saved(plain, tmp_path) == kind.saved(auto, tmp_path)


@kinds_with_themes
def test_the_error_about_an_unknown_theme_names_the_known_ones(kind):
    with pytest.raises(ValueError, match=r"^theme='blue' is not one of 'auto', 'light', 'dark'$"):
        kind.picture("a", "blue")


@kinds_with_svg
@pytest.mark.parametrize("theme", THEMES)
def test_every_style_rule_holds_for_one_drawing_alone(kind, theme):
    svg = kind.picture("a", theme).svg
    name = parsed(svg).attrib["id"]
    style = parsed(svg).findtext(f"{SVG}style")
    inside_media = re.sub(r"@media [^{]*\{\n(.*?)\n\}", r"\1", style, flags=re.DOTALL)
    selectors = [rule.split("{")[0] for rule in inside_media.strip().split("\n") if rule]
    assert selectors and all(selector.startswith(f"#{name} ") for selector in selectors)
    assert re.findall(r'\bid="([^"]*)"', svg) == [name]


def test_different_drawings_have_different_ids():
    kinds = [kind for kind in KINDS.values() if ".svg" in kind.endings and kind.can_be_made]
    svgs = {kind.picture(label, theme).svg for kind in kinds for label in "ab" for theme in THEMES}
    assert len(svgs) >= 6 * 3 and len({parsed(svg).attrib["id"] for svg in svgs}) == len(svgs)


# --- files that are the same everywhere, load nothing, and are well-formed


def hashes_in_new_process(seed: str) -> dict[str, str]:
    program = """
import hashlib, json, sys, tempfile
from pathlib import Path
sys.path[:0] = sys.argv[1:]
from picture_helpers import network, neuron
from picture_kinds import KINDS
from chainrule import viz
texts = {}
for name, kind in KINDS.items():
    if kind.can_be_made:
        with tempfile.TemporaryDirectory() as folder:
            for ending, text in kind.saved(kind.picture("a & b"), Path(folder)).items():
                texts[name + ending] = text
loss = network([2, 4, 1])  # large enough for the order of sets to matter
loss.backward()
large = viz.draw(loss).html, viz.draw(loss, fold="none").dot, viz.steps(neuron()).html, viz.draw_dot(loss).source
texts.update((f"large {number}", text) for number, text in enumerate((*large, str(viz.explain(loss)))))
print(json.dumps({name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}))
"""
    roots = [str(Path(__file__).parent), str(Path(chainrule.__file__).parents[1])]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", program, *roots], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_pictures_have_the_same_bytes_in_every_process():
    first, *others = [hashes_in_new_process(seed) for seed in ("0", "1", "4242")]
    assert len(first) > 5 + len([kind for kind in KINDS.values() if kind.can_be_made])
    for other in others:
        assert [name for name in first if first[name] != other[name]] == []


@every_kind
def test_pictures_load_nothing_from_the_network(kind, tmp_path):
    texts = list(kind.saved(kind.picture("a"), tmp_path).values())
    if kind.is_ours:
        texts.append(kind.picture("a")._repr_html_())
    for text in texts:
        rest = text.replace('xmlns="http://www.w3.org/2000/svg"', "").replace(
            "xmlns=&quot;http://www.w3.org/2000/svg&quot;", ""
        )
        rest = re.sub(r'src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]*"', "", rest)
        assert not LOADING.search(rest), LOADING.search(rest)
        if "<script" in text:  # a page with a script declares that it loads nothing
            policy = dict(Elements(text).elements[3][1])
            assert policy["http-equiv"] == "Content-Security-Policy" and "default-src 'none'" in policy["content"]


@our_kinds
@pytest.mark.parametrize("theme", THEMES)
def test_markup_is_well_formed_and_has_an_accessible_name(kind, theme, tmp_path):
    picture = kind.picture("a", theme)
    texts = kind.saved(picture, tmp_path)
    if ".svg" in texts:
        root = parsed(texts[".svg"])  # raises if the text is not well-formed
        assert root.tag == f"{SVG}svg" and root.attrib["role"] == "img" and root.attrib["aria-label"].strip()
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            "svg", "style", "g", "title", "rect", "path", "circle", "text"
        }  # fmt: skip
    page = Elements(texts[".html"])
    assert texts[".html"].startswith("<!doctype html>")
    assert page.elements[0] == ("html", {"lang": "en"}) and page.title.strip()
    for tag, attributes in [*page.elements, *Elements(picture._repr_html_()).elements]:
        if tag == "svg" and attributes.get("aria-hidden") == "true":
            continue  # the icon of a button that has a name
        named = {"svg": "aria-label", "button": "aria-label", "input": "aria-label", "iframe": "title", "img": "alt"}
        if tag in named:
            assert attributes[named[tag]].strip(), f"<{tag}> has no name"


# --- saving and showing


@our_kinds
def test_a_picture_saves_itself_in_the_format_of_the_file_name(kind, tmp_path):
    picture = kind.picture("a")
    texts = kind.saved(picture, tmp_path)
    if ".svg" in texts:
        assert (texts[".svg"], texts[".html"]) == (picture.svg, picture.html)
        assert picture.svg.removeprefix("<svg ") in picture.html
    for ending, text in texts.items():
        path = picture.save(str(tmp_path / f"other{ending.upper()}"))
        assert path == tmp_path / f"other{ending.upper()}" and path.read_bytes().decode("utf-8") == text


@our_kinds
@pytest.mark.parametrize("name", ["a.gif", "a", ".svg", "a.svg.gz", "a.html "])
def test_the_error_about_another_ending_names_the_possible_ones(kind, name, tmp_path):
    expected = f"cannot save as {name!r}: the name has to end in {' or '.join(kind.endings + kind.images)}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        kind.picture("a").save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@our_kinds
@pytest.mark.parametrize("label", ["a", "x" * 5000, "many\nlines"])
def test_what_is_printed_of_a_picture_is_short(kind, label):
    picture = kind.picture(label)
    assert str(picture) == repr(picture)
    if ".txt" in kind.endings:
        assert repr(picture) == str(picture)  # an explanation is a text, which an interpreter should print
    else:
        assert re.fullmatch(r"<(Drawing|Page|LivePage): .+>", repr(picture)) and len(repr(picture)) <= 100


@our_kinds
def test_a_notebook_gets_markup_that_is_complete_in_itself(kind, tmp_path):
    picture = kind.picture("<b>")
    shown = picture._repr_html_()
    assert Elements(shown).elements and "<b>" not in shown
    if ".txt" in kind.endings:
        assert html.unescape(shown.removeprefix('<pre style="line-height:1.5">').removesuffix("</pre>")) == str(picture)
        return
    assert picture._repr_mimebundle_() == {"text/html": shown, "text/plain": repr(picture)}
    (frame,) = [attributes for tag, attributes in Elements(shown).elements if tag == "iframe"]
    assert frame["srcdoc"] == picture.html
    (fallback,) = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]*)"[^>]*></iframe>', shown)
    assert base64.b64decode(fallback).decode("utf-8") == picture.svg


@kinds_with_svg
def test_a_notebook_gets_a_very_large_picture_without_its_page(kind, monkeypatch):
    picture = kind.picture("a")
    monkeypatch.setattr(picture_module, "LARGEST_IN_FRAME", len(picture.svg) - 1)
    assert "<iframe" not in picture._repr_html_() and picture.image() in picture._repr_html_()


def test_ipython_stores_each_picture_once_and_programs_still_get_the_svg(tmp_path):
    program = """
import sys
from IPython.core.interactiveshell import InteractiveShell
sys.path[:0] = sys.argv[1:]
from picture_kinds import KINDS
shell = InteractiveShell.instance()
for kind in KINDS.values():
    if kind.is_ours and kind.can_be_made:
        picture = kind.picture("a")
        for _ in range(2):
            bundle, _ = shell.display_formatter.format(picture)
            assert sorted(bundle) == ["text/html", "text/plain"], (kind.function, sorted(bundle))
drawing = KINDS["draw"].picture("a")
assert drawing._repr_svg_() == drawing.svg
asked, _ = shell.display_formatter.format(drawing, include=["image/svg+xml"])
assert asked == {"image/svg+xml": drawing.svg}
"""
    pytest.importorskip("IPython")
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}  # without a user's own settings
    roots = [str(Path(__file__).parent), str(Path(chainrule.__file__).parents[1])]
    done = subprocess.run([sys.executable, "-c", program, *roots], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
