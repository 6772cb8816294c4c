# SPDX-License-Identifier: MIT
"""Bar charts as SVG: panels of one bar for each server."""

from html import escape

WIDTH, NAMES, VALUES = 440, 150, 110  # of a panel, and of its columns
BAR, GAP, TITLE = 13, 5, 34
MARGIN, COLUMNS = 16, 2

STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2937 }
.title { font-weight: 600 }
.value { fill: #6b7280; font-size: 11px;
         stroke: #fff; stroke-width: 4px; paint-order: stroke }
.ours { fill: #2563eb } .limit { fill: #9ca3af } .other { fill: #cbd5e1 }
line { stroke: #6b7280; stroke-dasharray: 3 3 }"""


def kind(name):
    if name.startswith(("limit", "not compressed")):
        return "limit"
    ours = name.startswith(("silverback", "no takeover"))
    return "ours" if ours else "other"


def text(x, y, words, more=""):
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(words)}</text>'


def bar(x, y, width, name, label):
    middle = y + BAR - 2
    return "\n".join((
        text(x + NAMES - 8, middle, name, ' text-anchor="end"'),
        f'<rect class="{kind(name)}" x="{x + NAMES}" y="{y}" '
        f'width="{max(width, 1):.1f}" height="{BAR}" rx="2"/>',
        text(x + NAMES + width + 6, middle, label, ' class="value"')))


def panel(x, y, title, bars, mark):
    """bars are (name, value, label); a line is drawn at the value mark."""
    scale = (WIDTH - NAMES - VALUES) / max(value for _, value, _ in bars)
    parts = [text(x, y + 16, title, ' class="title"')]
    top = y + TITLE - 6
    if mark:
        at = x + NAMES + mark * scale
        parts.append(f'<line x1="{at:.1f}" y1="{top - 3}" x2="{at:.1f}" '
                     f'y2="{top + len(bars) * (BAR + GAP)}"/>')
    for i, (name, value, label) in enumerate(bars):
        parts.append(bar(x, top + i * (BAR + GAP), value * scale, name, label))
    return "\n".join(parts)


def height(bars):
    return TITLE + len(bars) * (BAR + GAP) + MARGIN


def chart(path, panels, mark=0):
    """panels are (title, bars), the least bar of each at its top."""
    parts, y = [], MARGIN
    for i in range(0, len(panels), COLUMNS):
        line = panels[i:i + COLUMNS]
        for j, (title, bars) in enumerate(line):
            bars = sorted(bars, key=lambda b: b[1])
            parts.append(panel(MARGIN + j * (WIDTH + MARGIN), y, title, bars,
                               mark))
        y += max(height(bars) for _, bars in line)
    width = MARGIN + min(len(panels), COLUMNS) * (WIDTH + MARGIN)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{y}" viewBox="0 0 {width} {y}">\n'
        f'<style>\n{STYLE}\n</style>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")
