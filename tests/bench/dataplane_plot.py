"""Bars and lines as SVG, without a library."""
from html import escape

COLOURS = ["#4c78a8", "#e45756", "#f58518", "#72b7b2", "#54a24b", "#b279a2", "#eeca3b", "#9d755d", "#ff9da6", "#79706e",
           "#1b2a49", "#a0cbe8", "#8cd17d", "#d37295", "#b6992d", "#499894"]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 430, 290, 62, 52, 40
LEGEND = 16


def nice(most):
    """A round number that is not below MOST."""
    power = 1.0
    while power * 10 <= most:
        power *= 10
    while power > most:
        power /= 10
    return next(power * f for f in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if power * f >= most)


def label(value):
    return f"{value:.3g}"


class Panel:
    """One set of axes."""

    def __init__(self, title, unit, x, y, most):
        self.x, self.y = x + LEFT, y + TOP
        self.width, self.height = WIDTH - LEFT - 16, HEIGHT - TOP - BOTTOM
        self.most = nice(max(most, 1e-9) * 1.02)
        self.out = [text(x + WIDTH / 2, y + 20, title, 13, "middle", "bold"),
                    f'<text transform="translate({x + 14},{self.y + self.height / 2}) rotate(-90)" font-size="11" '
                    f'text-anchor="middle">{escape(unit)}</text>']
        for i in range(6):
            value = self.most * i / 5
            self.out += [line(self.x, self.at(value), self.x + self.width, self.at(value), "#ddd"),
                         text(self.x - 5, self.at(value) + 4, label(value), 10, "end")]
        self.out.append(line(self.x, self.at(0), self.x + self.width, self.at(0), "#333"))

    def at(self, value):
        return self.y + self.height * (1 - min(value, self.most) / self.most)


def line(x0, y0, x1, y1, colour, width=1):
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def text(x, y, what, size=11, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">'
            f'{escape(what)}</text>')


def bars(title, unit, groups, series, values, marks=None):
    """VALUES[group][series]: (middle, low, high), or None where there is none.  MARKS[group][series]: what was to be
    expected, a line across the bar."""
    most = max((v[2] for row in values for v in row if v), default=1)

    def draw(x, y):
        p = Panel(title, unit, x, y, most)
        step = p.width / len(groups)
        wide = step * 0.82 / len(series)
        for g, name in enumerate(groups):
            p.out.append(text(p.x + step * (g + 0.5), p.y + p.height + 16, name, 11, "middle"))
            for s, _ in enumerate(series):
                at = p.x + step * (g + 0.09) + wide * s
                if not values[g][s]:
                    p.out.append(text(at + wide / 2, p.at(0) - 4, "–", 11, "middle"))
                    continue
                middle, low, high = values[g][s]
                p.out.append(f'<rect x="{at:.1f}" y="{p.at(middle):.1f}" width="{wide - 1:.1f}" '
                             f'height="{p.at(0) - p.at(middle):.1f}" fill="{COLOURS[s]}"/>')
                p.out.append(line(at + wide / 2, p.at(low), at + wide / 2, p.at(high), "#222"))
                if marks:
                    p.out.append(line(at - 1, p.at(marks[g][s]), at + wide, p.at(marks[g][s]), "#000", 2))
        return p.out
    return draw


def lines(title, unit, xs, x_title, series, values):
    """VALUES[series][x]: (middle, low, high), or None."""
    most = max((v[2] for row in values for v in row if v), default=1)

    def draw(x, y):
        p = Panel(title, unit, x, y, most)
        place = [p.x + p.width * (i + 0.5) / len(xs) for i in range(len(xs))]
        for i, name in enumerate(xs):
            p.out.append(text(place[i], p.y + p.height + 15, str(name), 10, "middle"))
        p.out.append(text(p.x + p.width / 2, p.y + p.height + 29, x_title, 11, "middle"))
        for s, _ in enumerate(series):
            points = [(place[i], v) for i, v in enumerate(values[s]) if v]
            way = " ".join(f"{at:.1f},{p.at(v[0]):.1f}" for at, v in points)
            p.out.append(f'<polyline points="{way}" fill="none" stroke="{COLOURS[s]}" stroke-width="2"/>')
            for at, v in points:
                p.out.append(line(at, p.at(v[1]), at, p.at(v[2]), COLOURS[s]))
                p.out.append(f'<circle cx="{at:.1f}" cy="{p.at(v[0]):.1f}" r="3" fill="{COLOURS[s]}"/>')
        return p.out
    return draw


def legend(series, x, y, wide):
    """And how many lines it takes."""
    out, left, n = [], x, 1
    for s, name in enumerate(series):
        if x > left and x + 26 + 7 * len(name) > wide:
            x, y, n = left, y + LEGEND, n + 1
        out += [f'<rect x="{x}" y="{y - 9}" width="11" height="11" fill="{COLOURS[s]}"/>', text(x + 16, y, name)]
        x += 26 + 7 * len(name)
    return out, n


def write(path, rows):
    """ROWS: (series, panels) each; a row has a legend of its own."""
    wide = max(len(panels) for _, panels in rows) * WIDTH
    body, y = [], 0
    for series, panels in rows:
        for c, draw in enumerate(panels):
            body += draw(c * WIDTH, y)
        out, n = legend(series, LEFT, y + HEIGHT + 6, wide)
        body += out
        y += HEIGHT + 10 + n * LEGEND
    tall = y + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}" '
           'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>']
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out + body + ["</svg>", ""]))
