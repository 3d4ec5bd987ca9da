"""What a run tells while it goes on and at its end: the status line of a terminal, --stats, the last line, samples in the log.

The job reads a folder of known rows: 103 good ones, 5 of them late, and 3 that cannot be read."""

import json
import os
import re
import time

import millrace

GOOD, LATE, DEAD = 103, 5, 3

JOB = """
CREATE TABLE src (id BIGINT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json' MORE);
CREATE TABLE dst (id BIGINT, n BIGINT) WITH ('connector' = 'SINK');
SET 'execution.checkpointing.interval' = '100 ms';
INSERT INTO dst SELECT id, COUNT(*) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY id, window_start, window_end;
"""


def row(second, **more):
    return json.dumps({"id": 1, "v": 1, "ts": f"2024-01-01 00:{second // 60:02}:{second % 60:02}", **more})


def make_job(more="", sink="blackhole"):
    os.mkdir("in")
    rows = [row(second) for second in range(GOOD - LATE)] + [row(0)] * LATE + ["{broken"] * DEAD
    millrace.write("in/rows.jsonl", "\n".join(rows) + "\n")
    return millrace.write("job.sql", JOB.replace("MORE", more).replace("SINK", sink))


LINE = re.compile(r"\r\x1b\[Kjob  (\d+) rows/s  watermark (\S+(?: [\d:.]+)?)  lag (\S+)  late (\d+)  dead (\d+)  commits (\d+)")
LAST = re.compile(r"job (\w+) after [\d.]+ s: (.*?)(\d+) rows in, (\d+) out, (\d+) filtered, (\d+) late, (\d+) dead, (\d+) commits")


AFTER = re.compile(r"job \w+ after ([\d.]+) s: ")


def seconds_begun(text):
    """In how many seconds of the clock the run has been, at most."""
    return int(float(AFTER.search(text)[1])) + 2


def last_line(text):
    found = LAST.search(text)
    assert found, text
    return found


def test_a_terminal_has_a_status_line_that_says_all_of_it():
    make_job(", 'source.monitor-interval' = '100 ms'")
    lines = []

    def is_enough(text):  # a second in which rows were read, and a later one in which all of it is said
        lines[:] = LINE.findall(text)
        rates = [int(rate) for rate, *_ in lines]
        return any(rates) and rates[-1] == 0 and lines[-1][1] == "2024-01-01 00:01:36.000" and \
            lines[-1][3:5] == (str(LATE), str(DEAD)) and int(lines[-1][5]) >= 1

    code, text = millrace.run_on_terminal("run", "job.sql", is_enough=is_enough)
    assert code == 0, text
    lag = lines[-1][2]
    assert lag == "-" or int(lag) >= 0, lines
    found = last_line(text)
    assert found[1] == "stopped" and "0 lost" in text, text
    assert text.rfind("\x1b[K") < found.start(), text  # the status line is gone when the last one is written


def test_elsewhere_there_is_no_status_line_and_no_escape():
    make_job()
    answer = millrace.run("run", "job.sql")
    assert answer.code == 0 and answer.out == "", answer
    assert "\x1b" not in answer.err and "rows/s" not in answer.err, answer.err


def stats(text):
    """The samples of all whole lines: what a terminal gave so far may end amid one."""
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines() if line.startswith("{")]


FIELDS = """job phase seconds records_read records_in rows_out filtered late dead rows_per_second watermark_ms lag_records
commits aborts restores tasks tasks_parked state_bytes state_entries commit_us_last commit_us_max""".split()


def test_stats_ndjson_are_valid_documented_and_equal_the_accounting():
    make_job()
    answer = millrace.run("run", "job.sql", "--stats", "ndjson")
    assert answer.code == 0, answer
    lines = stats(answer.err)
    assert lines, answer.err
    for line in lines:
        assert list(line) == FIELDS, line
    found, end = last_line(answer.err), lines[-1]
    counts = ("records_in", "rows_out", "filtered", "late", "dead", "commits")
    assert [end[name] for name in counts] == [int(number) for number in found.groups()[2:]], answer.err
    assert (end["records_in"], end["late"], end["dead"]) == (GOOD + DEAD, LATE, DEAD), end
    assert end["phase"] == "finished" and end["job"] == "job" and end["records_read"] == GOOD + DEAD, end
    assert end["watermark_ms"] is None, end  # the end of time is no time
    documented = (millrace.TOP / "docs/metrics.md").read_text()
    for name in FIELDS:
        assert f"`{name}`" in documented, name


def test_stats_ndjson_come_every_second_with_the_watermark_of_then():
    make_job(", 'source.monitor-interval' = '100 ms'")
    seen = []

    def is_enough(text):  # a second in which rows were read, and later ones of which the last says that all are
        seen[:] = stats(text.replace("\r", ""))
        return any(line["rows_per_second"] > 0 for line in seen[:-2]) and \
            (seen[-1]["phase"], seen[-1]["rows_per_second"], seen[-1]["watermark_ms"]) == ("run", 0, 1704067296000)

    millrace.run_on_terminal("run", "job.sql", "--stats", "ndjson", is_enough=is_enough)
    assert seen[-1]["seconds"] - seen[0]["seconds"] > 0.5 * (len(seen) - 1), seen  # late ones on a busy machine, never more


def test_quiet_says_nothing():
    make_job()
    answer = millrace.run("run", "-q", "job.sql")
    assert answer == (0, "", ""), answer


def test_late_rows_that_nobody_reads_are_shown_in_the_log():
    make_job()
    answer = millrace.run("run", "job.sql")
    shown = [line for line in answer.err.splitlines() if line.startswith("late row ")]
    assert 1 <= len(shown) <= min(seconds_begun(answer.err), LATE), answer.err  # one a second
    assert "operator=dst/window" in shown[0] and '"late_by_ms":' in shown[0], shown
    assert re.search(r"at=in/rows.jsonl\[\d+\]@\d+", shown[0]), shown


def expect_sampled(text, places, count):
    """Of each place in the job one row a second is shown, with how many were not since the one before; the end tells the rest."""
    shown = re.findall(r"^row failed .* more=(\d+)$", text, re.M)
    rest = re.findall(r"^rows failed operator=src more=(\d+): ", text, re.M)
    assert places <= len(shown) <= places * seconds_begun(text), text
    assert len(shown) + sum(map(int, shown + rest)) == count, text


def test_dead_rows_beyond_the_sample_are_counted_at_the_end():
    make_job()
    answer = millrace.run("run", "job.sql")
    assert re.search(r"^row failed code=MR3110 .* more=0$", answer.err, re.M), answer.err
    expect_sampled(answer.err, 1, DEAD)


def test_a_sample_shows_the_expression_that_failed():
    make_job()
    job = JOB.replace("MORE", "").replace("SINK", "blackhole")
    job = job[:job.index("INSERT")] + "INSERT INTO dst SELECT id, 7 / (v - 1) FROM src;\n"
    answer = millrace.run("run", millrace.write("job.sql", job))
    assert re.search(r'^row failed code=MR34\d\d .* expression="[^"]*7 / \(v - 1\)[^"]*"', answer.err, re.M), answer.err
    expect_sampled(answer.err, 2, GOOD + DEAD)


def test_a_failed_run_says_what_it_read_and_what_of_it_is_committed():
    make_job(", 'errors.mode' = 'fail'")
    answer = millrace.run("run", "job.sql", "--stats", "ndjson")
    assert answer.code == 1 and "MR3001" in answer.err, answer
    found = last_line(answer.err)
    assert found[1] == "failed" and "0 lost" not in answer.err, answer.err
    assert found[2] == f"{GOOD + DEAD} rows read in this run; committed: " and found[3] == "0", answer.err
    end = stats(answer.err)[-1]
    assert end["phase"] == "failed" and end["records_read"] == GOOD + DEAD, end


def test_a_file_of_metrics_says_the_state_and_the_same_counts():
    make_job()
    answer = millrace.run("run", "job.sql", "--stats", "prometheus:metrics")
    assert answer.code == 0, answer
    text = open("metrics", encoding="utf-8").read()
    assert 'millrace_job_state{job="job",state="finished"} 1\n' in text, text
    assert 'millrace_job_state{job="job",state="run"} 0\n' in text, text
    assert f'millrace_job_rows_total{{job="job",outcome="dead"}} {DEAD}\n' in text, text
    assert f'millrace_job_rows_total{{job="job",outcome="late"}} {LATE}\n' in text, text


METRIC = re.compile(r"^([a-z_]+)(?:\{[^}]*\})? (\S+)$")


def test_every_metric_is_documented_and_of_this_process():
    make_job(sink="filesystem', 'format' = 'json', 'path' = 'out")
    began = time.time()
    answer = millrace.run("run", "job.sql", "--stats", "prometheus:metrics")
    assert answer.code == 0, answer
    text = open("metrics", encoding="utf-8").read()
    names = set(re.findall(r"^# TYPE ([a-z0-9_]+) ", text, re.M))
    documented = (millrace.TOP / "docs/metrics.md").read_text()
    for name in names:
        assert f"`{name}`" in documented, name
    values = {found[1]: float(found[2]) for line in text.splitlines() if (found := METRIC.match(line))}
    assert abs(values["process_start_time_seconds"] - began) < 60, values
    assert 0 < values["process_cpu_seconds_total"] < 60, values
    assert 1e6 < values["process_resident_memory_bytes"] < values["process_virtual_memory_bytes"], values
    assert 3 <= values["process_open_fds"] < values["process_max_fds"], values
    assert values["millrace_bytes_out_total"] == os.path.getsize("out") > 0, values


def test_a_start_with_a_signal_at_once_ends_in_order():
    make_job(", 'source.monitor-interval' = '100 ms'")
    code, text = millrace.run_on_terminal("run", "job.sql", is_enough=lambda text: "ready after" in text)
    assert code == 0, text
    last_line(text)
