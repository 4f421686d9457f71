"""Write viz/common/advances.py, the widths of characters, from two font files: python tools/advances.py REGULAR BOLD.

It needs the package fonttools, and the files DejaVuSans.ttf and DejaVuSans-Bold.ttf.
"""

import sys
import textwrap
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "viz" / "common" / "advances.py"
RANGES = ((0x20, 0x7E), (0xA1, 0x17F), (0x384, 0x3FF), (0x401, 0x45F))
SIGNS = "–—‘’“”…′″ⁿ⁰⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉←↑→↓↔⇒∂∆∇∈∏∑−√∝∞∫≈≠≤≥⋅"
STEP = 20  # thousandths
HEAD = '''"""How wide characters are: their advance widths in thousandths of the size of the text, rounded up to {step}.

Source: the tables hmtx of DejaVu Sans 2.37 and DejaVu Sans Bold 2.37 (https://dejavu-fonts.github.io), the widest
of the fonts that pictures name. tools/advances.py writes this file.
"""

# width: the characters that have it
'''


def widths(path):
    from fontTools.ttLib import TTFont

    font = TTFont(path)
    glyphs, advances, em = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
    found = {}
    for code in [*(code for low, high in RANGES for code in range(low, high + 1)), *map(ord, SIGNS)]:
        if code in glyphs and code != 0xAD:
            advance = -(-advances[glyphs[code]][0] * 1000 // em)
            found.setdefault(-(-advance // STEP) * STEP, []).append(chr(code))
    return {width: "".join(characters) for width, characters in sorted(found.items())}


def table(name, path):
    lines = [f"{name} = {{"]
    for width, characters in widths(path).items():
        parts = textwrap.wrap(characters.replace(" ", "\x00"), 96, break_on_hyphens=False)
        quoted = [ascii_safe(part.replace("\x00", " ")) for part in parts]
        lines.append(f"    {width}: {quoted[0]}," if len(quoted) == 1 else f"    {width}: (")
        lines += [] if len(quoted) == 1 else [f"        {part}" for part in quoted] + ["    ),"]
    return "\n".join([*lines, "}\n"])


def ascii_safe(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    regular, bold = sys.argv[1:]
    text = HEAD.format(step=STEP) + table("REGULAR", regular) + table("BOLD", bold)
    TARGET.write_text(text, encoding="utf-8")
