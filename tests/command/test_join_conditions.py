"""Interval joins as scripts say them: bounds in any form and order, strict or not, conditions on one side or both in ON and in
WHERE, INNER and LEFT, keys of unequal types and NULL, a table with itself, three tables, a window behind. Against SQLite: rows
come in order of time and nothing is late, so an interval join is the join that its text says."""

import collections
import datetime
import json
import random
import sqlite3

import millrace

SCRIPTS, JOINS = 20, 10
KEYS = ("INT", "BIGINT", "SMALLINT", "DECIMAL(6, 2)", "DECIMAL(10, 4)", "DOUBLE")
TABLE = """CREATE TABLE {name} (id INT, k {key}, s STRING, v INT, ts TIMESTAMP({digits}),
    WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{name}.jsonl', 'format' = 'json');
"""
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
OF_LEFT, OF_RIGHT = ("l.v > 1", "l.v IS NOT NULL"), ("r.v > 1", "r.v IS NULL")
OF_BOTH = ("l.v < r.v", "l.v + r.v > 3", "COALESCE(l.v, 0) <= COALESCE(r.v, 2)")
ABOVE = ("r.id IS NULL", "r.id IS NOT NULL OR l.v = 1", "l.id + 1 > 4")


def text_of(ms):
    moment = datetime.datetime(2024, 1, 1) + datetime.timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + "%03d" % (ms % 1000)


def draw_rows(draw, unit):
    now, rows = 0, []
    for i in range(draw.randint(0, 40)):
        now += draw.choice([0, 0, unit, draw.randint(0, 3) * unit, draw.randint(0, 3000) // unit * unit])
        rows.append({"id": i, "k": draw.choice([None, 1, 2, 3]), "s": draw.choice([None, "a", "b"]),
                     "v": draw.choice([None, 1, 2, 3, 4]), "ts": now})
    return rows


def moved(draw, time, ms):
    """`time` + ms, as it may be written."""
    if ms == 0 and draw.random() < 0.7:
        return time
    sign = "+" if ms > 0 else "-"
    return f"{time} {sign} INTERVAL '{abs(ms) // 1000}.{abs(ms) % 1000:03d}' SECOND"


def compared(draw, a, sign, b):
    return f"{a} {sign} {b}" if draw.random() < 0.5 else f"{b} {FLIPPED[sign]} {a}"


def one_bound(draw, sign, ms, unit):
    """l.ts - r.ts `sign` ms: on one side, on the other, or on both."""
    form = draw.randint(0, 2)
    if form == 0:
        return compared(draw, "l.ts", sign, moved(draw, "r.ts", ms))
    if form == 1:
        return compared(draw, moved(draw, "l.ts", -ms), sign, "r.ts")
    more = draw.randint(-3, 3) * unit
    return compared(draw, moved(draw, "l.ts", more), sign, moved(draw, "r.ts", ms + more))


def draw_bounds(draw, unit):
    """The same twice: conditions of a script, and SQLite's."""
    low = draw.randint(-8, 8) * unit
    high = low + draw.randint(0, 10) * unit
    low_sign, high_sign = draw.choice([">=", ">"]), draw.choice(["<=", "<"])
    if high - low < 2:  # bounds that leave nothing are refused
        low_sign, high_sign = ">=", "<="
    ours = f"l.ts - r.ts {low_sign} {low} AND l.ts - r.ts {high_sign} {high}"
    if low == high and draw.random() < 0.5:
        return [compared(draw, "l.ts", "=", moved(draw, "r.ts", low))], ours
    if (low_sign, high_sign) == (">=", "<=") and draw.random() < 0.5:
        if draw.random() < 0.5:
            return [f"l.ts BETWEEN {moved(draw, 'r.ts', low)} AND {moved(draw, 'r.ts', high)}"], ours
        return [f"r.ts BETWEEN {moved(draw, 'l.ts', -high)} AND {moved(draw, 'l.ts', -low)}"], ours
    return [one_bound(draw, low_sign, low, unit), one_bound(draw, high_sign, high, unit)], ours


def draw_join(draw, unit, right):
    """FROM of a script, and of SQLite."""
    kind = draw.choice(["LEFT JOIN", "LEFT JOIN", "JOIN", "INNER JOIN", ","])
    bounds, own_bounds = draw_bounds(draw, unit)
    on = [compared(draw, "l." + key, "=", "r." + key) for key in draw.choice([["k"], ["k", "s"], ["s"]])]
    on += [draw.choice(parts) for parts in (OF_LEFT, OF_RIGHT, OF_BOTH) if draw.random() < 0.25]
    where = [f"({draw.choice(OF_LEFT + OF_RIGHT + OF_BOTH + ABOVE)})"] if draw.random() < 0.4 else []
    own = f"A AS l {'LEFT' if kind[0] == 'L' else ''} JOIN {right} AS r ON " + " AND ".join(on + [own_bounds])
    own += " WHERE " + where[0] if where else ""
    on += bounds
    draw.shuffle(on)
    if kind == ",":
        return f"A AS l, {right} AS r WHERE " + " AND ".join(on + where), own
    if kind != "LEFT JOIN" and draw.random() < 0.5:  # of an inner join all of it may stand in WHERE
        first = draw.randint(1, len(on))
        on, where = on[:first], on[first:] + where
    ours = f"A AS l {kind} {right} AS r ON " + " AND ".join(on)
    return ours + (" WHERE " + " AND ".join(where) if where else ""), own


def draw_queries(draw, unit):
    """(columns of the sink, our query, SQLite's), each."""
    for _ in range(JOINS):
        ours, own = draw_join(draw, unit, draw.choice("AB"))
        yield "a INT, b INT", "SELECT l.id, r.id FROM " + ours, "SELECT l.id, r.id FROM " + own
    ours, own = draw_join(draw, unit, "B")
    bounds = "l.ts BETWEEN c.ts - INTERVAL '1' SECOND AND c.ts + INTERVAL '2' SECOND"
    own_bounds = "l.ts - c.ts BETWEEN -1000 AND 2000"
    for last in ("JOIN", "LEFT JOIN"):
        where = len(own.split(" WHERE ")[0])
        if " WHERE " in ours:
            continue
        yield ("a INT, b INT, c INT", f"SELECT l.id, r.id, c.id FROM {ours} {last} C AS c ON l.k = c.k AND {bounds}",
               f"SELECT l.id, r.id, c.id FROM {own[:where]} {last} C AS c ON l.k = c.k AND {own_bounds}")
    ours, own = draw_join(draw, unit, "B")
    yield ("n BIGINT, a INT, b INT",
           f"SELECT COUNT(*), SUM(a), SUM(b) FROM TABLE(TUMBLE((SELECT l.ts AS ts, l.id AS a, r.id AS b FROM {ours}), "
           "DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY window_start, window_end",
           f"SELECT COUNT(*), SUM(a), SUM(b) FROM (SELECT l.ts AS ts, l.id AS a, r.id AS b FROM {own}) GROUP BY ts / 2000")


def names_of(columns):
    return [column.split()[0] for column in columns.split(", ")]


def check_script(seed):
    draw = random.Random(seed)
    unit = draw.choice([1000, 500, 7])
    digits = 0 if unit == 1000 else 3
    script, base = "", sqlite3.connect(":memory:")
    for name in "ABC":
        rows = draw_rows(draw, unit)
        millrace.write(name + ".jsonl", "".join(json.dumps({**row, "ts": text_of(row["ts"])}) + "\n" for row in rows))
        script += TABLE.format(name=name, key=draw.choice(KEYS), digits=digits)
        base.execute(f"CREATE TABLE {name} (id, k, s, v, ts)")
        base.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?)", [tuple(row.values()) for row in rows])
    queries = list(draw_queries(draw, unit))
    for i, (columns, ours, _) in enumerate(queries):
        script += (f"CREATE TABLE o{i} ({columns}) WITH ('connector' = 'filesystem', 'path' = 'o{i}.jsonl', 'format' = 'json');\n"
                   f"INSERT INTO o{i} {ours};\n")
        millrace.write(f"o{i}.jsonl", "")  # rows would go behind those of the script before
    millrace.write("job.sql", script)
    answer = millrace.run("run", "job.sql")
    assert answer.code == 0, answer
    found = collections.Counter()
    for i, (columns, ours, own) in enumerate(queries):
        with open(f"o{i}.jsonl", encoding="utf-8") as file:
            got = [tuple(json.loads(line)[name] for name in names_of(columns)) for line in file]
        want = base.execute(own).fetchall()
        found.update("padded" if None in row else "whole" for row in want)
        assert sorted(map(str, got)) == sorted(map(str, want)), \
            f"seed {seed}: {ours}\n{len(got)} rows, want {len(want)}: {sorted(set(got) ^ set(want), key=str)[:4]}"
    return found


def test_a_join_is_what_its_conditions_say():
    found = sum((check_script(seed) for seed in range(1, SCRIPTS + 1)), collections.Counter())
    assert min(found["whole"], found["padded"]) > 500, f"{found}: they say little"
