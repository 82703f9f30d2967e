# SPDX-License-Identifier: MIT
"""The figures as a picture: for each scenario a bar of each side, beside PgBouncer's."""
from html import escape
from statistics import median

COLOURS = {"fahrend": "#2f6f9f", "pgbouncer": "#c9a227"}
WIDTH, LEFT, BAR, GAP = 760, 330, 14, 16


def rows_of(figures):
    """(title, {side: value}, unit), the smaller the better."""
    for name, sides in figures["scenarios"].items():
        values = {side: median(r["cpu_us"] for r in rounds) for side, rounds in sides.items()
                  if side in COLOURS and rounds}
        if len(values) == 2:
            yield f"proxy CPU per transaction, {name}", values, "us"
    for what, sides in figures["bulk"].get("throughput", {}).items():
        values = {side: median(r["cpu_us_mb"] for r in rounds) for side, rounds in sides.items()
                  if side in COLOURS}
        if len(values) == 2:
            yield f"proxy CPU per MB, {what}", values, "us"
    memory = {side: median(r["rss"] for r in rounds) for side, rounds in figures["memory"].items()
              if side in COLOURS}
    if len(memory) == 2:
        yield "memory of an idle client", memory, "bytes"


def draw(figures, path):
    parts, y = [], 34
    for title, values, unit in rows_of(figures):
        most = max(values.values())
        parts.append(f'<text x="{LEFT - 10}" y="{y + BAR + 3}" text-anchor="end">{escape(title)}</text>')
        for side, colour in COLOURS.items():
            size = (WIDTH - LEFT - 130) * values[side] / most
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{size:.1f}" height="{BAR}" fill="{colour}"/>'
                         f'<text x="{LEFT + size + 6:.1f}" y="{y + BAR - 3}">{values[side]:,.1f} {unit}'
                         '</text>')
            y += BAR
        y += GAP
    legend = "".join(f'<rect x="{LEFT + 110 * i}" y="8" width="{BAR}" height="{BAR}" fill="{c}"/>'
                     f'<text x="{LEFT + 110 * i + 20}" y="19">{side}</text>'
                     for i, (side, c) in enumerate(COLOURS.items()))
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
                f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" '
                f'fill="white"/>{legend}{"".join(parts)}</svg>\n')
