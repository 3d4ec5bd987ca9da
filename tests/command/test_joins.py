"""A hot key: rows that meet thousands each, so that one batch's pairs come in many pieces, and kept rows are read in more than
one round (operators/join). Against nested loops."""

import collections
import random

import millrace

KEPT = (11000, 6000)  # more than MR_JOIN_PLACES_MAX of one key; some more than are read at once
BEFORE = [{"k": 9, "n": 9, "note": None, "ms": 0}] * 13000  # files are read in turns: what comes behind these meets all the kept
TABLE = """CREATE TABLE {name} (k INT, n BIGINT, note STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{name}.jsonl', 'format' = 'json');
"""


def draw_rows(draw, count, keys, ms):
    return [{"k": draw.choice(keys), "n": draw.choice([None, draw.randint(-10**12, 10**12)]),
             "note": draw.choice([None, "", "a" * draw.randint(0, 40)]), "ms": ms + draw.randint(0, 5000)} for _ in range(count)]


def write(name, rows):
    def quoted(text):
        return "null" if text is None else f'"{text}"'
    millrace.write(name + ".jsonl", "".join(
        f'{{"k":{row["k"]},"n":{"null" if row["n"] is None else row["n"]},"note":{quoted(row["note"])},'
        f'"ts":"1970-01-01 00:00:{row["ms"] // 1000:02d}.{row["ms"] % 1000:03d}"}}\n' for row in rows))


def shown(value):
    return "null" if value is None else str(value)


def check(kind, left, right, holds, condition):
    write("l", left)
    write("r", right)
    millrace.write("job.sql", TABLE.format(name="l") + TABLE.format(name="r") + f"""SELECT a.n AS x, a.note AS w, b.n AS y, b.note AS z FROM l AS a
{kind} JOIN r AS b ON a.k = b.k AND b.ts BETWEEN a.ts - INTERVAL '60' SECOND AND a.ts + INTERVAL '60' SECOND{condition};
""")
    answer = millrace.run("run", "job.sql")
    assert answer.code == 0, answer
    got = sorted(line[3:-1] for line in answer.out.splitlines())
    want, of_key = [], collections.defaultdict(list)
    for b in right:
        of_key[b["k"]].append(b)
    for a in left:
        found = [b for b in of_key[a["k"]] if holds(a, b)]
        if not found and kind == "LEFT":
            found = [{"n": None, "note": None}]
        want += [", ".join(shown(v) for v in (a["n"], a["note"], b["n"], b["note"])) for b in found]
    wrong = [pair for pair in zip(got, sorted(want)) if pair[0] != pair[1]]
    assert not wrong and len(got) == len(want), f"{len(got)} rows, want {len(want)}; have and want {wrong[:3]}"


def test_a_row_meets_all_kept_rows_of_a_hot_key():
    draw = random.Random(7)
    few = BEFORE + draw_rows(draw, 4, [1, 1, 1, 2], 50000)
    for kept in KEPT:
        many = draw_rows(draw, kept, [1] * 20 + [2], 0)
        check("INNER", few, many, lambda a, b: True, "")
        check("INNER", many, few, lambda a, b: True, "")


def test_outer_rows_are_padded_when_no_pair_of_a_hot_key_holds():
    def holds(a, b):
        return a["n"] is not None and b["n"] is not None and b["n"] < a["n"]
    draw = random.Random(8)
    few = BEFORE + draw_rows(draw, 5, [1, 1, 2], 50000) + [{"k": 1, "n": -10**13, "note": None, "ms": 52000}, {"k": 3, "n": 1, "note": "", "ms": 52000}]
    for kept in KEPT:
        many = draw_rows(draw, kept, [1] * 20 + [2], 0)
        check("LEFT", few, many, holds, " AND b.n < a.n")
        check("LEFT", many, few, holds, " AND b.n < a.n")


def test_a_row_that_met_somebody_before_its_pairs_were_cut_is_not_padded():
    def holds(a, b):
        return b["n"] <= a["n"]
    few = BEFORE + [{"k": 1, "n": n, "note": None, "ms": 50000} for n in (0, 0, 0, -1)]
    many = [{"k": 1, "n": 0 if n == 0 else 1, "note": None, "ms": 1000} for n in range(KEPT[0])]
    check("LEFT", few, many, holds, " AND b.n <= a.n")
