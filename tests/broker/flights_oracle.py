#!/usr/bin/env python3
"""What jobs/demo/departures.sql must have written, worked out row by row from what was read.

    flights_oracle.py exact|law FOLDER FLIGHTS.jsonl.gz

FOLDER holds dumps of the topics (test_flights.c writes them): `departures`, `hourly`, `late`, `dead`;
a line is a record: partition, offset, timestamp, key, value and headers as name=value, apart by tabs;
key, value and header values in hexadecimal, `-` for null.

exact: one input partition, so the split into on time and late is certain: every row is compared.
law:   several: which row was late depends on the order of fetches, but for each airport and hour
       rows sent = rows counted + rows late, and the results are those of the rows not late.
Both:  every dead letter once, its record untouched, with its coordinates.

Shares nothing with the engine. Prints what is wrong and exits with 1.
"""
import collections
import datetime
import decimal
import gzip
import json
import sys

HOUR = datetime.timedelta(hours=1)
BEHIND = datetime.timedelta(minutes=30)
MS = datetime.timedelta(milliseconds=1)
wrong = []


def check(condition, what):
    if not condition:
        wrong.append(what)


class Record:
    def __init__(self, line):
        parts = line.rstrip("\n").split("\t")
        self.partition, self.offset, self.timestamp = map(int, parts[:3])
        self.key, self.value = (None if p == "-" else bytes.fromhex(p) for p in parts[3:5])
        pairs = [p.split("=", 1) for p in parts[5:]]
        self.headers = {n: None if v == "-" else bytes.fromhex(v).decode() for n, v in pairs}
        check(len(self.headers) == len(pairs), f"a header twice: {pairs}")
        self.place = (self.partition, self.offset)


def read(folder, name):
    with open(f"{folder}/{name}", encoding="ascii") as file:
        return [Record(line) for line in file]


def time_of(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")


def text_of(time):
    text = time.strftime("%Y-%m-%d %H:%M:%S")
    return text + f".{time.microsecond // 1000:03}".rstrip("0") if time.microsecond else text


class Flight:
    """A record of the input with what the job makes of its fields."""

    def __init__(self, record):
        self.record = record
        self.row = json.loads(record.value)
        self.time = time_of(self.row["sched_dep"])
        self.start = self.time.replace(minute=0, second=0, microsecond=0)
        self.window = (self.row["origin"], self.start)
        self.last_ms = self.start + HOUR - MS  # closed from this watermark on
        self.is_cancelled = self.row["dep"] is None

    def late_row(self, watermark):
        names = ["carrier", "flight", "origin", "dest", "sched_dep", "dep", "dep_delay"]
        row = [(n, self.row[n]) for n in names]
        return row + [
            ("window_start", text_of(self.start)),
            ("late_watermark", text_of(watermark)),
            ("late_by_ms", (watermark - self.last_ms) // MS),
        ]


def split(flights):
    """On time and late of one partition, each late row with the watermark it met."""
    on_time, late, watermark = [], [], None
    for flight in flights:
        if not flight.is_cancelled:
            if watermark is not None and watermark >= flight.last_ms:
                late.append((flight, watermark))
            else:
                on_time.append(flight)
        moved = flight.time - BEHIND  # a cancelled flight moves it too
        watermark = moved if watermark is None else max(watermark, moved)
    return on_time, late


def results_of(flights):
    windows = collections.defaultdict(list)
    for flight in flights:
        windows[flight.window].append(flight.row["dep_delay"])
    rows = {}
    for (origin, start), delays in windows.items():
        mean = (decimal.Decimal(sum(delays)) / len(delays)).quantize(
            decimal.Decimal("0.000001"), rounding=decimal.ROUND_HALF_UP)
        rows[(origin, start)] = [
            ("origin", origin), ("window_start", text_of(start)), ("window_end", text_of(start + HOUR)),
            ("departures", len(delays)), ("mean_delay", mean), ("worst_delay", max(delays))]
    return rows


def rows_of(records):
    return [json.loads(r.value, object_pairs_hook=list, parse_float=decimal.Decimal) for r in records]


def compare(what, expected, found):
    """Both lists of rows, any order, each row once."""
    expected = collections.Counter(map(str, map(plain, expected)))
    found = collections.Counter(map(str, map(plain, found)))
    for row, count in (expected - found).items():
        wrong.append(f"{what}: missing {count} x {row}")
    for row, count in (found - expected).items():
        wrong.append(f"{what}: too much {count} x {row}")


def plain(row):
    return [(n, decimal.Decimal(v).normalize() if isinstance(v, (int, decimal.Decimal)) else v) for n, v in row]


def check_results(expected, records):
    rows = rows_of(records)
    compare("hourly", expected.values(), rows)
    ends = [dict(row)["window_end"] for row in rows]
    check(ends == sorted(ends), "hourly: windows did not close in the order of their ends")


def check_law(flights, hourly, late):
    sent = collections.Counter(str(f.late_row(f.last_ms)[:7]) for f in flights if not f.is_cancelled)
    check(max(sent.values()) == 1, "the input does not tell its flights apart")
    late_names = collections.Counter()
    newest = max(f.time for f in flights) - BEHIND
    for row in rows_of(late):
        late_names[str([tuple(pair) for pair in row[:7]])] += 1
        fields = dict(row)
        start = time_of(fields["sched_dep"]).replace(minute=0, second=0)
        watermark = datetime.datetime.fromisoformat(fields["late_watermark"])
        check(fields["window_start"] == text_of(start), f"late: wrong window: {row}")
        check(start + HOUR - MS <= watermark <= newest, f"late: its window was open: {row}")
        check(fields["late_by_ms"] == (watermark - start - HOUR + MS) // MS, f"late: by how much: {row}")
    for name, count in (late_names - sent).items():
        wrong.append(f"late: never sent, or {count} too often: {name}")
    on_time = [f for f in flights
               if not f.is_cancelled and str(f.late_row(f.last_ms)[:7]) not in late_names]
    compare("hourly", results_of(on_time).values(), rows_of(hourly))


def check_dead(flights, dead):
    expected = {f.record.place: f.record for f in flights if f.is_cancelled}
    found = collections.Counter()
    for record in dead:
        headers = record.headers
        place = (int(headers.get("__streams.errors.partition", -1)), int(headers.get("__streams.errors.offset", -1)))
        found[place] += 1
        original = expected.get(place)
        if original is None:
            wrong.append(f"dead: {place} is not a cancelled flight: {record.value}")
            continue
        check(record.value == original.value and record.key == original.key, f"dead: {place} was touched")
        check(record.timestamp == original.timestamp, f"dead: {place} lost its timestamp")
        check(record.partition == original.partition, f"dead: {place} is in partition {record.partition}")
        check(headers.get("__streams.errors.exception") == "MR3003", f"dead: {place}: {headers}")
        check("not_cancelled" in headers.get("__streams.errors.message", ""), f"dead: {place}: {headers}")
        check(headers.get("__streams.errors.topic", "").endswith("departures"), f"dead: {place}: {headers}")
        for name in ("job", "operator", "stage", "code", "time"):
            check(headers.get(f"__millrace.errors.{name}"), f"dead: {place}: no {name}: {headers}")
    for place in expected.keys() - found.keys():
        wrong.append(f"dead: {place} is missing")
    for place, count in found.items():
        check(count == 1, f"dead: {place} came {count} times")


def main():
    mode, folder, source = sys.argv[1:4]
    flights = [Flight(record) for record in read(folder, "departures")]
    hourly, late, dead = (read(folder, name) for name in ("hourly", "late", "dead"))
    with gzip.open(source) as file:
        lines = collections.Counter(line.rstrip(b"\n") for line in file)
    sent = collections.Counter(f.record.value for f in flights)
    check(not sent - lines and len(flights) > 20000, f"{len(flights)} records are not the flights of the file")

    check_dead(flights, dead)
    if mode == "exact":
        on_time, lates = split(flights)
        check_results(results_of(on_time), hourly)
        compare("late", [f.late_row(w) for f, w in lates], rows_of(late))
    else:
        check_law(flights, hourly, late)
    counted = sum(dict(row)["departures"] for row in rows_of(hourly))
    check(counted + len(late) + len(dead) == len(flights),
          f"{counted} counted + {len(late)} late + {len(dead)} dead are not {len(flights)} sent")
    check(late and dead and hourly, "nothing was late, dead or counted: this proves nothing")
    for what in wrong[:20]:
        print(what)
    if wrong:
        print(f"{len(wrong)} things are wrong")
    else:
        print(f"{len(flights)} flights: {counted} counted, {len(late)} late, {len(dead)} dead")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
