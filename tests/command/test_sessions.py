"""Session windows as scripts say them: PARTITION BY none, one or two columns, NULLs among them, gaps that are touched exactly,
rows out of order that join two sessions or come too late, aggregates, a filter in front, the older GROUP BY SESSION(..), and
`v$late`. Against a count by hand that takes row by row."""

import datetime
import json
import random

import millrace

SCRIPTS, QUERIES = 10, 8
NEVER = -10**15
TYPES = {"k": "INT", "s": "STRING"}
SUMS = ("n BIGINT", "c BIGINT", "total INT", "low INT", "high INT", "kinds BIGINT", "above BIGINT")
AGGREGATES = ("COUNT(*) AS n, COUNT(v) AS c, SUM(v) AS total, MIN(v) AS low, MAX(v) AS high, COUNT(DISTINCT v) AS kinds, "
              "COUNT(*) FILTER (WHERE v > 1) AS above")


def text_of(ms):
    moment = datetime.datetime(2024, 1, 1) + datetime.timedelta(milliseconds=ms)
    text = moment.strftime("%Y-%m-%d %H:%M:%S.") + "%03d" % (ms % 1000)
    return text.rstrip("0").rstrip(".")


def interval(ms):
    return f"INTERVAL '{ms // 1000}.{ms % 1000:03d}' SECOND"


def draw_rows(draw, gap, delay):
    now, rows = 10**6, []
    for i in range(draw.randint(20, 200)):
        if draw.random() < 0.5:
            now += draw.choice([0, gap, gap - 1, gap + 1, 1, gap // 2, draw.randint(0, 3 * gap)])
        back = draw.choice([0, 0, gap, gap + 1, draw.randint(0, 5 * gap + delay)])
        rows.append({"id": i, "k": draw.choice([None, 1, 2]), "s": draw.choice([None, "a", "", "b"]),
                     "v": draw.choice([None, 1, 2, 3, -4]), "ts": now - back})
    return rows


def close(live, closed, watermark, gap):
    for key, sessions in live.items():
        closed += [(key, s) for s in sessions if watermark >= max(row["ts"] for row in s) + gap - 1]
        live[key] = [s for s in sessions if watermark < max(row["ts"] for row in s) + gap - 1]


def sessions_of(rows, keys, gap, delay, is_filtered):
    """[(key, rows of a session)], [late row, the watermark that judged it]"""
    live, closed, late, watermark = {}, [], [], NEVER
    for row in rows:
        if not is_filtered or (row["v"] or 0) > 0:
            key = tuple(row[k] for k in keys)
            own = live.setdefault(key, [])
            touched = [s for s in own if any(abs(row["ts"] - other["ts"]) <= gap for other in s)]
            if not touched and watermark >= row["ts"] + gap - 1:
                late.append((row, watermark))
            else:
                live[key] = [s for s in own if s not in touched] + [[row] + [other for s in touched for other in s]]
        watermark = max(watermark, row["ts"] - delay)
        close(live, closed, watermark, gap)
    close(live, closed, -NEVER, gap)
    return closed, late


def result_of(keys, key, session, gap):
    values = [row["v"] for row in session if row["v"] is not None]
    times = [row["ts"] for row in session]
    return {**dict(zip(keys, key)), "began": text_of(min(times)), "ended": text_of(max(times) + gap), "n": len(session),
            "c": len(values), "total": sum(values) if values else None, "low": min(values, default=None),
            "high": max(values, default=None), "kinds": len(set(values)), "above": sum(v > 1 for v in values)}


def query_of(draw, keys, gap, is_filtered):
    names = "".join(k + ", " for k in keys)
    if draw.random() < 0.3:
        where = " WHERE v > 0" if is_filtered else ""
        of_gap = f"(ts, {interval(gap)})"
        return (f"SELECT {names}SESSION_START{of_gap} AS began, SESSION_END{of_gap} AS ended, {AGGREGATES} FROM t{where} "
                f"GROUP BY {names}SESSION{of_gap}")
    part = " PARTITION BY " + ", ".join(keys) if keys else ""
    return (f"SELECT {names}window_start AS began, window_end AS ended, {AGGREGATES} FROM TABLE(SESSION(TABLE "
            f"{'kept' if is_filtered else 't'}{part}, DESCRIPTOR(ts), {interval(gap)})) GROUP BY {names}window_start, window_end")


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return sorted(json.dumps(json.loads(line), sort_keys=True) for line in file)


def check_script(seed):
    draw = random.Random(seed)
    gap, delay = draw.choice([1000, 5000, 1, 250]), draw.choice([0, 1, 500, 3000, 20000])
    rows = draw_rows(draw, gap, delay)
    millrace.write("t.jsonl", "".join(json.dumps({**row, "ts": text_of(row["ts"])}) + "\n" for row in rows))
    script = f"""CREATE TABLE t (id INT, k INT, s STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - {interval(delay)})
WITH ('connector' = 'filesystem', 'path' = 't.jsonl', 'format' = 'json');
CREATE VIEW kept AS SELECT * FROM t WHERE v > 0;
"""
    wants = []
    for i in range(QUERIES):
        keys, own_gap = draw.choice([[], ["k"], ["k", "s"], ["s", "k"]]), gap * draw.choice([1, 1, 2])
        is_filtered = draw.random() < 0.3
        columns = ", ".join([f"{k} {TYPES[k]}" for k in keys] + ["began TIMESTAMP(3)", "ended TIMESTAMP(3)", *SUMS])
        script += f"CREATE VIEW v{i} AS {query_of(draw, keys, own_gap, is_filtered)};\n"
        for name, of, query in ((f"o{i}", columns, f"SELECT * FROM v{i}"),
                                (f"l{i}", "id INT, ended TIMESTAMP(3), by_ms BIGINT",
                                 f"SELECT id, window_end, late_by_ms FROM v{i}$late")):
            millrace.write(name + ".jsonl", "")
            script += (f"CREATE TABLE {name} ({of}) WITH ('connector' = 'filesystem', 'path' = '{name}.jsonl', "
                       f"'format' = 'json');\nINSERT INTO {name} {query};\n")
        closed, late = sessions_of(rows, keys, own_gap, delay, is_filtered)
        wants.append(([result_of(keys, key, session, own_gap) for key, session in closed],
                      [{"id": row["id"], "ended": text_of(row["ts"] + own_gap), "by_ms": watermark - (row["ts"] + own_gap - 1)}
                       for row, watermark in late]))
    millrace.write("job.sql", script)
    answer = millrace.run("run", "job.sql")
    assert answer.code == 0, answer
    for i, want in enumerate(wants):
        for name, of in zip(("o", "l"), want):
            got = lines_of(f"{name}{i}.jsonl")
            assert got == sorted(json.dumps(one, sort_keys=True) for one in of), \
                f"seed {seed}, {name}{i}: {len(got)} rows, want {len(of)}\n{script}"
    return sum(len(of[0]) for of in wants), sum(len(of[1]) for of in wants)


def test_sessions_are_what_a_count_row_by_row_gives():
    counts = [check_script(seed) for seed in range(1, SCRIPTS + 1)]
    assert min(map(sum, zip(*counts))) > 300, f"{counts}: they say little"
