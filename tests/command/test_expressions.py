"""Expressions over DECIMAL, BOOLEAN, DATE and TIMESTAMP, before 1970 and with NULLs, against others: Python's decimal and
datetime, SQLite for three-valued logic. $MILLRACE_TEST_SEED (1) draws other rows and expressions."""

import calendar
import datetime
import decimal
import os
import random
import sqlite3

import millrace

D = decimal.Decimal
EPOCH = datetime.datetime(1970, 1, 1)
DIES = "the row dies"
TABLE = """CREATE TABLE t (id INT, p DECIMAL(6, 2), q DECIMAL(9, 4), w DECIMAL(18, 0), b BOOLEAN, c BOOLEAN, i INT, j INT,
    d DATE, e DATE, t TIMESTAMP(3), u TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = 't.jsonl', 'format' = 'json');
"""


def draw_rows(draw):
    def number(digits, scale):
        return D(draw.choice([draw.randint(1 - 10**digits, 10**digits - 1), draw.randint(-999, 999), 0])).scaleb(-scale)

    def date():
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=draw.choice([draw.randint(-40000, 40000), -1, 0, 59, 11016]))

    def time():
        ms = draw.choice([draw.randint(-10**12, 2 * 10**12), -1, 0, draw.randint(-10**5, 10**5), draw.randint(0, 400) * 86400000])
        return EPOCH + datetime.timedelta(milliseconds=ms)

    makers = {"p": lambda: number(6, 2), "q": lambda: number(9, 4), "w": lambda: number(18, 0),
              "b": lambda: draw.random() < 0.5, "c": lambda: draw.random() < 0.5,
              "i": lambda: draw.choice([0, 1, draw.randint(-50, 50)]), "j": lambda: draw.choice([0, 1, draw.randint(-50, 50)]),
              "d": date, "e": date, "t": time, "u": time}
    return [{"id": n, **{k: None if draw.random() < 0.15 else make() for k, make in makers.items()}} for n in range(40)]


def stamp(value):
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"


def json_of(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, datetime.datetime):
        return f'"{stamp(value)}"'
    return f'"{value}"' if isinstance(value, datetime.date) else format(value, "f") if isinstance(value, D) else str(value)


def compare(rows, cases, at_once):
    """`cases` are pairs: an expression, and what it is for a row. Expressions that may kill a row are run on their own."""
    millrace.write("t.jsonl", "".join("{" + ",".join(f'"{k}":{json_of(v)}' for k, v in row.items()) + "}\n" for row in rows))
    for first in range(0, len(cases), at_once):
        part = cases[first:first + at_once]
        millrace.write("job.sql", TABLE + "SELECT id, " + ", ".join(f"{case[0]} AS x{n}" for n, case in enumerate(part)) + " FROM t;\n")
        answer = millrace.run("run", "job.sql")
        assert answer.code == 0, answer
        lines = (line[3:-1].split(", ") for line in answer.out.splitlines())
        got = {int(line[0]): line[1:] for line in lines}
        for n, (sql, wanted) in enumerate(part):
            for row in rows:
                want = wanted(row)
                have = got[row["id"]][n] if row["id"] in got else DIES
                assert have == want, f"{sql} is {have}, want {want}, for {row}"


def setting():
    draw = random.Random(int(os.environ.get("MILLRACE_TEST_SEED", "1")))
    decimal.getcontext().prec = 90
    return draw, draw_rows(draw)


# ---- DECIMAL: a tree is its text, its value for a row, its type

def fitted(value, precision, scale):
    value = value.quantize(D(1).scaleb(-scale), decimal.ROUND_HALF_UP) + 0
    return value if abs(value) < D(10) ** (precision - scale) else None


def result_type(operator, left, right):
    (p1, s1), (p2, s2) = left, right
    scale = {"*": s1 + s2, "/": max(6, s1 + p2 + 1)}.get(operator, max(s1, s2))
    precision = {"*": p1 + p2 + 1, "/": p1 - s1 + s2 + scale, "%": min(p1 - s1, p2 - s2) + scale}.get(
        operator, max(p1 - s1, p2 - s2) + scale + 1)
    return (precision, scale) if precision <= 38 else (38, max(38 - (precision - scale), min(scale, 6)))


def calculated(operator, x, y):
    if operator in "/%" and y == 0:
        return DIES
    rest = (lambda: x - y * (x / y).to_integral_value(decimal.ROUND_DOWN))
    return {"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / y, "%": rest}[operator]()


def draw_decimal(draw, depth):
    kind = draw.random()
    if depth == 0 or kind < 0.25:
        name = draw.choice("pqw")
        return name, lambda row: row[name], {"p": (6, 2), "q": (9, 4), "w": (18, 0)}[name]
    a, left, a_type = draw_decimal(draw, depth - 1)
    if kind < 0.35:
        to = draw.randint(6, 20)
        to = (to, draw.randint(0, 6))
        return (f"CAST({a} AS DECIMAL({to[0]}, {to[1]}))",
                lambda row: value if (value := left(row)) in (None, DIES) else fitted(value, *to), to)
    b, right, b_type = draw_decimal(draw, depth - 1)
    operator = draw.choice("+-*/%")
    to = result_type(operator, a_type, b_type)

    def value(row):
        x, y = left(row), right(row)
        if DIES in (x, y) or None in (x, y):
            return DIES if DIES in (x, y) else None
        made = calculated(operator, x, y)
        return made if made == DIES else fitted(made, *to)

    return f"({a} {operator} {b})", value, to


def shown(value):
    return "null" if value is None else value if value == DIES else format(abs(value) if value == 0 else value, "f")


def test_decimals_agree_with_pythons():
    draw, rows = setting()
    trees = [draw_decimal(draw, draw.randint(1, 3)) for _ in range(60)]
    compare(rows, [(sql, lambda row, value=value: shown(value(row))) for sql, value, _ in trees], 1)


# ---- BOOLEAN: SQLite reads the same text

def draw_boolean(draw, depth):
    if depth == 0:
        return draw.choice("bc")
    a, b, c = (draw_boolean(draw, depth - 1) for _ in range(3))
    operator, maybe_not = draw.choice(["=", "<>", "<", "<=", ">", ">="]), draw.choice(["", "NOT "])
    listed = ", ".join(draw.choice(["1", "0", "j", "i + 1", "CAST(NULL AS INT)"]) for _ in range(draw.randint(1, 4)))
    return draw.choice([
        a, f"({a} AND {b})", f"({a} OR {b})", f"(NOT {a})", f"({a} IS {maybe_not}NULL)", f"({a} IS {maybe_not}TRUE)",
        f"({a} IS {maybe_not}FALSE)", f"(i {operator} j)", f"(d {operator} e)", f"(t {operator} u)", f"(b {operator} c)",
        f"(i {maybe_not}BETWEEN j AND 10)", f"(d {maybe_not}BETWEEN e AND d)", f"(i {maybe_not}IN ({listed}))",
        f"(CASE WHEN {a} THEN {b} ELSE {c} END)", f"COALESCE({a}, {b})"])


def test_logic_agrees_with_sqlite():
    draw, rows = setting()
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE t (id, b, c, i, j, d, e, t, u)")
    for row in rows:
        times = [str(row[k]) if row[k] else None for k in "de"] + [stamp(row[k]) if row[k] else None for k in "tu"]
        base.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [row[k] for k in ("id", "b", "c", "i", "j")] + times)
    cases = []
    for _ in range(120):
        sql = draw_boolean(draw, 4)
        truth = dict(base.execute(f"SELECT id, {sql} FROM t"))
        cases.append((sql, lambda row, truth=truth: {None: "null", 0: "false", 1: "true"}[truth[row["id"]]]))
    compare(rows, cases, 8)


# ---- DATE and TIMESTAMP: Python's calendar

def iso(value):
    return stamp(value).replace(" ", "T")


def day_of(value):
    return value.replace(hour=0, minute=0, second=0, microsecond=0)


def add_months(value, months):
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    return value.replace(year=year, month=month + 1, day=min(value.day, calendar.monthrange(year, month + 1)[1]))


def whole(a, b, unit):
    """Whole units from a to b, towards zero."""
    units = abs(b - a) // unit
    return units if b >= a else -units


def whole_months(a, b):
    months = (b.year - a.year) * 12 + b.month - a.month
    rest_a, rest_b = (a.day, a.time()), (b.day, b.time())
    return months - (months > 0 and rest_b < rest_a) + (months < 0 and rest_b > rest_a)


OF_TIME = {
    "YEAR({0})": lambda v: v.year, "QUARTER({0})": lambda v: (v.month + 2) // 3, "MONTH({0})": lambda v: v.month,
    "WEEK({0})": lambda v: v.isocalendar()[1], "DAYOFMONTH({0})": lambda v: v.day, "DAYOFYEAR({0})": lambda v: v.timetuple().tm_yday,
    "DAYOFWEEK({0})": lambda v: v.isoweekday() % 7 + 1, "EXTRACT(HOUR FROM {0})": lambda v: v.hour, "SECOND({0})": lambda v: v.second,
    "FLOOR({0} TO SECOND)": lambda v: iso(v.replace(microsecond=0)), "FLOOR({0} TO HOUR)": lambda v: iso(day_of(v).replace(hour=v.hour)),
    "FLOOR({0} TO DAY)": lambda v: iso(day_of(v)), "FLOOR({0} TO MONTH)": lambda v: iso(day_of(v).replace(day=1)),
    "FLOOR({0} TO WEEK)": lambda v: iso(day_of(v) - datetime.timedelta(days=v.isoweekday() % 7)),
    "FLOOR({0} TO YEAR)": lambda v: iso(day_of(v).replace(month=1, day=1)),
    "CEIL({0} TO DAY)": lambda v: iso(v if v == day_of(v) else day_of(v) + datetime.timedelta(days=1)),
    "DATE_FORMAT({0}, 'yyyy/MM/dd HH-mm-ss.SSS')": lambda v: f"{v:%Y/%m/%d %H-%M-%S}.{v.microsecond // 1000:03d}",
    "CAST({0} AS STRING)": stamp, "CAST({0} AS DATE)": lambda v: v.date(), "CAST({0} AS TIME)": lambda v: f"{v:%H:%M:%S}",
    "CAST(CAST({0} AS STRING) AS TIMESTAMP(3))": iso, "{0} + INTERVAL '1' MONTH": lambda v: iso(add_months(v, 1)),
    "{0} - INTERVAL '1-2' YEAR TO MONTH": lambda v: iso(add_months(v, -14)), "TIMESTAMPADD(MONTH, -13, {0})": lambda v: iso(add_months(v, -13)),
    "TIMESTAMPADD(DAY, 100, {0})": lambda v: iso(v + datetime.timedelta(days=100)),
    "{0} - INTERVAL '40 02:03:04.5' DAY TO SECOND": lambda v: iso(v - datetime.timedelta(days=40, hours=2, minutes=3, seconds=4.5)),
}
OF_DATE = {
    "DAYOFYEAR({0})": lambda v: v.timetuple().tm_yday, "WEEK({0})": lambda v: v.isocalendar()[1], "CAST({0} AS STRING)": str,
    "CAST({0} AS TIMESTAMP(3))": lambda v: f"{v}T00:00:00.000", "FLOOR({0} TO MONTH)": lambda v: v.replace(day=1),
    "{0} + INTERVAL '2-1' YEAR TO MONTH": lambda v: add_months(v, 25), "{0} - INTERVAL '40' DAY": lambda v: v - datetime.timedelta(days=40),
}
OF_TWO_TIMES = {
    "TIMESTAMPDIFF(SECOND, t, u)": lambda a, b: whole(a, b, datetime.timedelta(seconds=1)),
    "TIMESTAMPDIFF(HOUR, t, u)": lambda a, b: whole(a, b, datetime.timedelta(hours=1)),
    "TIMESTAMPDIFF(WEEK, t, u)": lambda a, b: whole(a, b, datetime.timedelta(weeks=1)),
    "TIMESTAMPDIFF(MONTH, t, u)": whole_months, "GREATEST(t, u)": lambda a, b: iso(max(a, b)),
    "LEAST(t, u)": lambda a, b: iso(min(a, b)),
}


def test_times_agree_with_pythons_calendar():
    _, rows = setting()
    cases = []
    for names, table in (("tu", OF_TIME), ("de", OF_DATE)):
        cases += [(sql.format(name), lambda row, name=name, of=of: "null" if row[name] is None else str(of(row[name])))
                  for name in names for sql, of in table.items()]
    cases += [(sql, lambda row, of=of: "null" if None in (row["t"], row["u"]) else str(of(row["t"], row["u"])))
              for sql, of in OF_TWO_TIMES.items()]
    compare(rows, cases, 8)
