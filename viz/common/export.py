"""PNG and PDF of a picture, by a program that is installed: Chromium or one of its kin, or the package cairosvg."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)  # fmt: skip
FINEST = 2.0  # dots of a PNG for each pixel of the picture
LONGEST, LARGEST = 16_000, 1e8  # dots of a side and of the whole; browsers draw no more
PATIENCE = 120  # seconds
# Neither the dark screen of an "auto" picture nor the light paper of a dark one is meant: the theme is as it was asked.
_OTHER_MEDIA = re.compile(r"@media [^{]*\{")


def converted(svg: str, width: float, height: float, kind: str) -> bytes:
    """The picture as a "png", with two dots for each pixel where that is not too large, or as a "pdf" of one page.

    Errors: FileNotFoundError where neither a browser nor cairosvg is installed, or none of them works.
    """
    plain = _OTHER_MEDIA.sub("@media not all{", svg)
    failed = ""
    if browser := find_browser():
        try:
            return _by_browser(browser, plain, math.ceil(width), math.ceil(height), kind)
        except (OSError, subprocess.SubprocessError) as error:
            failed = f"{browser} could not do it ({type(error).__name__}); "
    if importlib.util.find_spec("cairosvg"):
        return _by_cairosvg(plain, width, height, kind)
    raise FileNotFoundError(
        f"{failed}a .{kind} needs a program that converts pictures: install Chromium (or Chrome), or the package "
        "cairosvg (pip install cairosvg); .svg and .html need none"
    )


def find_browser() -> str | None:
    """Where a browser is that takes pictures of pages; None if there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def scale_of(width: float, height: float) -> float:
    """The dots for each pixel of a PNG: two, and fewer for a picture that would have too many."""
    return min(FINEST, LONGEST / max(width, height), math.sqrt(LARGEST / (width * height)))


def _by_browser(browser: str, svg: str, width: int, height: int, kind: str) -> bytes:
    style = f"@page{{size:{width}px {height}px;margin:0}}html,body{{margin:0;overflow:hidden}}svg{{display:block}}"
    with tempfile.TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True) as folder:
        page, target = Path(folder, "picture.html"), Path(folder, f"picture.{kind}")
        page.write_text(f'<!doctype html><meta charset="utf-8"><style>{style}</style>{svg}', encoding="utf-8")
        flags = ["--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", f"--user-data-dir={folder}/user"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # the superuser, as in a container, has no sandbox; the page runs no script
        if kind == "png":
            flags += [
                f"--screenshot={target}",
                f"--window-size={width},{height}",
                "--default-background-color=00000000",
            ]
            flags.append(f"--force-device-scale-factor={scale_of(width, height):.4f}")
        else:
            flags += [f"--print-to-pdf={target}", "--no-pdf-header-footer"]
        command = [browser, *flags, page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        return target.read_bytes()


def _by_cairosvg(svg: str, width: float, height: float, kind: str) -> bytes:
    import cairosvg  # type: ignore[import-not-found, import-untyped, unused-ignore]

    # It knows the first font of a list alone, and no font of that name on this machine would be the default one.
    plain = svg.replace("font-family:system-ui,", "font-family:sans-serif,")
    plain = plain.replace("font-family:ui-monospace,", "font-family:monospace,")
    convert, options = (
        (cairosvg.svg2png, {"scale": scale_of(width, height)}) if kind == "png" else (cairosvg.svg2pdf, {})
    )
    made: bytes = convert(bytestring=plain.encode("utf-8"), **options)
    return made
