"""What few jobs need is loaded by them alone (connectors/late): of a build without sanitizers."""

import os
import subprocess

import millrace

JOB = """CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json',
  'properties.bootstrap.servers' = '127.0.0.1:1', 'scan.startup.mode' = 'earliest-offset');
SELECT id FROM t;
"""

OIDC = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc", "sasl.oauthbearer.client.id": "a",
        "sasl.oauthbearer.client.secret": "b",
        "sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:1/token"}


def program():
    """Sanitizers bring all libraries with them, so a build without them is looked at."""
    built = millrace.TOP / "build/release/millrace"
    if not built.exists():
        subprocess.run([millrace.TOP / ".ci/build", "release", "millrace"], check=True)
    return str(built)


def run(*words, stdin=""):
    return subprocess.run([program(), *words], input=stdin, text=True, capture_output=True,
                          env={**os.environ, "LD_DEBUG": "files"}, timeout=300, check=False)


def loaded(answer):
    """Names of the libraries that the loader told of."""
    return {line.rsplit("/", 1)[-1].split(" ")[0].split(";")[0] for line in answer.stderr.splitlines()
            if "calling init" in line}


def test_a_start_loads_neither_curl_nor_the_plugins_of_sasl():
    names = loaded(run("version"))
    assert any(name.startswith("libc.so") for name in names), names
    answer = run("run", "-", stdin=JOB)
    assert "no broker answers at 127.0.0.1:1" in answer.stderr, answer.stderr[-500:]
    names |= loaded(answer)
    assert not any(name.startswith(("libcurl", "libscram", "libldap")) for name in names), names


def test_the_first_request_loads_curl():
    words = [word for pair in OIDC.items() for word in ("-X", "=".join(pair))]
    answer = run("run", "-", *words, stdin=JOB)
    assert "Failed to connect to 127.0.0.1 port 1" in answer.stderr, answer.stderr[-500:]
    assert any(name.startswith("libcurl") for name in loaded(answer)), loaded(answer)
