"""No secret is printed, whatever is wrong with a job and wherever the secret came from."""

import millrace

SECRET = "geheim-7f3a"

TABLE = """CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'FORMAT',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset'MORE);
SELECT QUERY FROM t;
"""


def script(form="json", more="", query="id"):
    return TABLE.replace("FORMAT", form).replace("MORE", more).replace("QUERY", query)


def refused(text, *words, env=None, shown=()):
    """The job is refused, the secret not shown, but all of `shown`."""
    answer = millrace.run("check", "-", *words, stdin=text, env=env)
    assert answer.code == 3, answer
    assert SECRET not in answer.out + answer.err, answer.err
    for part in shown:
        assert part in answer.err, (part, answer.err)


def test_comments_beside_an_error_are_not_shown():
    for comment in (f"-- {SECRET}", f"-- 'sasl.password' = '{SECRET}'", f"/* {SECRET} */", f"/* a\n {SECRET}\n*/",
                    f"-- -- {SECRET}", f"/* */ -- {SECRET}"):
        refused(script(query=f"idd {comment}\n"), shown=("no column `idd`",))
        refused(f"{comment} SELECT\n" + script(query="idd") if comment[1] == "*" else script(query=f"{comment}\n idd"))
    refused(script(query=f"/* {SECRET}"), shown=("this comment has no end",))
    refused(script(more=f",\n 'topik' = 'x' -- was '{SECRET}'\n"), shown=("did you mean",))


def test_the_value_of_a_property_on_the_command_line_is_not_shown():
    for name in ("security.protocol", "sasl.pasword", "debug", "nonsense", "linger.ms", "max.poll.records", "enable.idempotence"):
        refused(script(), "-X", f"{name}={SECRET}", shown=(name,))
    refused(script(), "-X", "sasl.pasword=x", shown=("did you mean `sasl.password`?",))
    refused(script(), "-X", "bootstrap.server=x", shown=("did you mean `bootstrap.servers`?",))


def test_what_the_environment_put_in_is_not_shown_default_or_not():
    for reference in ("${MR_SECRET}", "${MR_SECRET:json}"):
        refused(script(form=reference), env={"MR_SECRET": SECRET}, shown=("format",))
        refused(script(more=f", 'errors.mode' = '{reference}'"), env={"MR_SECRET": SECRET})
        refused(script(more=f", 'properties.security.protocol' = '{reference}'"), env={"MR_SECRET": SECRET})
        refused(script(more=f", 'scan.watermark.idle-timeout' = '{reference}'"), env={"MR_SECRET": SECRET})


def test_a_default_of_the_script_is_shown():
    answer = millrace.run("check", "-", stdin=script(form="${MR_NOBODY_SETS_THIS:jsn}"))
    assert answer.code == 3 and "jsn" in answer.err, answer


def test_a_dump_of_the_settings_masks_them():
    millrace.write("job.sql", script(more=", 'properties.sasl.password' = '${MR_SECRET:x}', 'properties.ssl.ca.location' = '${MR_SECRET:x}'"))
    answer = millrace.run("config", "dump", "job.sql", "-X", f"sasl.oauthbearer.config=secret={SECRET}", env={"MR_SECRET": SECRET})
    assert answer.code == 0 and SECRET not in answer.out + answer.err and "******" in answer.out, answer


def test_a_broker_that_is_away_is_named_and_nothing_else():
    millrace.write("job.sql", script(more=f", 'properties.sasl.password' = '{SECRET}', 'properties.socket.connection.setup.timeout.ms' = '1000'")
                   .replace("'h:1'", "'127.0.0.1:1'"))
    answer = millrace.run("run", "job.sql", "-v")
    assert answer.code == 4 and "kafka admin" in answer.err and SECRET not in answer.out + answer.err, answer
    answer = millrace.run("run", "job.sql")
    assert answer.code == 4 and len(answer.err.splitlines()) == 1, answer.err  # the library's own lines are for -v
    assert answer.err.startswith("error[MR5001]: no broker answers at 127.0.0.1:1") and SECRET not in answer.err, answer
