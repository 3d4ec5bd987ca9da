"""Where a job comes from: a file, standard input; and scripts that nobody would write by hand."""

import os

import millrace

JOB = """CREATE TABLE src (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '3', 'fields.id.kind' = 'sequence');
SELECT id * 2 AS twice FROM src;
"""
ROWS = "+I[0]\n+I[2]\n+I[4]\n"


def test_run_reads_the_job_from_standard_input():
    answer = millrace.run("run", "-", stdin=JOB)
    assert answer.code == 0 and answer.out == ROWS, answer
    assert "job job plan " in answer.err, answer.err


def test_a_file_and_standard_input_make_the_same_rows():
    millrace.write("double.sql", JOB)
    answer = millrace.run("run", "double.sql")
    assert answer.code == 0 and answer.out == ROWS and "job double plan " in answer.err, answer


def test_an_error_in_standard_input_names_it():
    answer = millrace.run("run", "-", stdin=JOB.replace("id * 2", "idd * 2"))
    assert answer.code == 3 and "<stdin>:2:8" in answer.err and "did you mean `id`?" in answer.err, answer


def test_nothing_to_read_is_no_job():
    for text in ("", "-- only a comment\n", ";;\n"):
        answer = millrace.run("run", "-", stdin=text)
        assert answer.code == 3 and answer.out == "" and "error[MR" in answer.err, (text, answer)


def test_without_kafka_nothing_is_left_behind():
    millrace.run("run", "-", stdin=JOB)
    assert os.listdir(".") == []


def test_explain_in_a_script_prints_plans_and_runs_nothing():
    millrace.write("job.sql", JOB.replace("SELECT", "EXPLAIN SELECT"))
    answer = millrace.run("run", "job.sql")
    assert answer.code == 0 and answer.err == "", answer
    assert answer.out.startswith("job `job`, plan ") and "+I[" not in answer.out and "source `src`, datagen" in answer.out, answer.out
    assert answer.out == millrace.run("explain", "job.sql").out
    both = millrace.run("run", millrace.write("both.sql", JOB + "EXPLAIN SELECT id FROM src;\n"))
    assert both.code == 0 and "+I[" not in both.out and "sink `print_2`" in both.out, both.out


def test_one_thing_at_a_time():
    for words in (("run", "a.sql", "b.sql"), ("check", "a.sql", "b.sql"), ("explain-error", "MR1001", "MR1002")):
        answer = millrace.run(*words)
        said = f"millrace {words[0]}: one at a time, and there is another: {words[2]}\nTry: millrace {words[0]} --help\n"
        assert answer == (2, "", said), answer


def test_a_misspelt_verb_of_config_is_recognised():
    answer = millrace.run("config", "dmup")
    assert answer == (2, "", "millrace config: unknown `dmup`; did you mean dump?\n"), answer
    assert "write config dump job.sql" in millrace.run("config", "job.sql").err


def test_a_script_of_10_mb_is_read_in_seconds():
    """Ten million bytes that are not all alike: comments, 20,000 views, one long text; then a job and, in a second try, an error
    in the very last line, with its place."""
    views = "".join(f"CREATE VIEW v{i} AS SELECT id + {i} AS a{i}, 'text {i}' AS b FROM src; -- the view {i}\n" for i in range(20000))
    filler = "/* " + "all work and no play " * 200_000 + "*/\n"
    long_text = "CREATE VIEW long AS SELECT '" + "x" * 4_000_000 + "' AS c FROM src;\n"
    head, tail = JOB.split("\n", 1)
    script = head + "\n" + views + filler + long_text + tail
    assert len(script) > 9_500_000, len(script)
    millrace.write("long.sql", script)
    # A square of the length would take hours: the wait for the end is not that long.
    answer = millrace.run("check", "long.sql")
    assert answer.code == 0, answer.err[:2000]
    answer = millrace.run("check", "-", stdin=script.replace("id * 2", "it * 2"))
    assert answer.code == 3 and f"<stdin>:{script.count(chr(10))}:8" in answer.err, answer.err[:2000]
    assert len(answer.err) < 2000, len(answer.err)


def test_words_that_mean_nothing_are_refused():
    for words in (("worker", "extra"), ("list", "extra"), ("worker", "--memory", "1M"), ("worker", "--memory", "much")):
        answer = millrace.run(*words)
        assert answer.code == 2 and words[-1] in answer.err and f"millrace {words[0]} --help" in answer.err, answer


def test_a_name_that_is_no_file_may_be_that_of_a_job():
    for command in ("explain", "replay"):
        answer = millrace.run(command, "orders")
        assert answer.code == 1 and "--fleet" in answer.err, answer
    assert "--fleet" not in millrace.run("check", "orders").err
