# SPDX-License-Identifier: MIT
"""The table's main figures as a picture: for each a bar of each side, the better one shorter where
less is better. It has no background and takes the colours of light and dark readers."""
from html import escape
from statistics import median

from report import OURS, THEIRS, number

STYLE = """\
text { fill: #1f2328; font: 12px sans-serif } .unit { fill: #59636e } .ours { fill: #1f6feb }
.theirs { fill: #9a6700 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .unit { fill: #9198a1 } .ours { fill: #58a6ff } .theirs { fill: #d29922 } }"""
WIDTH, LEFT, BAR, GAP, TOP = 860, 400, 13, 12, 40

# (scenario, beginning of the row, what the picture says)
CHOSEN = (
    ("simple-8", "CPU", "simple query, 8 clients: CPU"),
    ("simple-32", "CPU", "simple query, 32 clients: CPU"),
    ("extended-8", "CPU", "extended protocol, 8 clients: CPU"),
    ("tenants", "throughput", "every transaction changes tenant"),
    ("scram", "throughput", "logins with SCRAM"),
    ("logins", "throughput", "logins without a password"),
    ("bulk", "a result of", "a large result"),
    ("fairness", "1,000 wait, 99th", "a query beside another's 1,000 waiters"),
    ("crowd", "memory", "memory of an idle client"),
    ("crowd", "CPU", "50 busy clients beside 10,000 idle: CPU"),
    ("pools", "CPU of the proxy, 1,000", "1,000 pools in use: CPU"),
    ("registered", "CPU of the proxy, 10,000", "10,000 tenants: CPU"),
)


def chosen_rows(rows):
    for scenario, beginning, title in CHOSEN:
        for row in rows:
            if row.scenario == scenario and row.title.startswith(beginning) \
                    and OURS in row.sides and THEIRS in row.sides:
                yield title, row
                break


def bars(title, row, y):
    values = [median(row.sides[side]) for side in (OURS, THEIRS)]
    better = "less is better" if row.less else "more is better"
    yield (f'<text x="{LEFT - 10}" y="{y + 10}" text-anchor="end">{escape(title)}</text>'
           f'<text class="unit" x="{LEFT - 10}" y="{y + 24}" text-anchor="end">'
           f'{escape(row.unit)}, {better}</text>')
    for i, (side, value) in enumerate(zip(("ours", "theirs"), values)):
        size = max(1, (WIDTH - LEFT - 110) * value / max(values))
        top = y + i * (BAR + 1)
        yield (f'<rect class="{side}" x="{LEFT}" y="{top}" width="{size:.1f}" height="{BAR}" rx="2"/>'
               f'<text x="{LEFT + size + 6:.1f}" y="{top + 10}">{number(value)}</text>')


def draw(machine, rows, path):
    parts, y = [], TOP
    for title, row in chosen_rows(rows):
        parts += bars(title, row, y)
        y += 2 * BAR + 1 + GAP
    legend = "".join(
        f'<rect class="{side}" x="{LEFT + 90 * i}" y="10" width="{BAR}" height="{BAR}" rx="2"/>'
        f'<text x="{LEFT + 90 * i + 19}" y="21">{name}</text>'
        for i, (side, name) in enumerate((("ours", "fahrend"), ("theirs", "PgBouncer"))))
    source = escape(f"{machine['date']}, {machine['cpu']}, {machine['pgbouncer']}")
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 16}" '
                f'width="{WIDTH}" height="{y + 16}" role="img" '
                f'aria-label="fahrend beside PgBouncer, measured">\n<style>{STYLE}</style>\n{legend}\n'
                + "\n".join(parts)
                + f'\n<text class="unit" x="10" y="{y + 8}">{source}</text>\n</svg>\n')
