"""Starts the program and says what it said."""

import collections
import os
import pathlib
import pty
import select
import signal
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("MILLRACE", str(TOP / "build/release/millrace"))

Answer = collections.namedtuple("Answer", "code out err")


def write(name, text):
    pathlib.Path(name).write_text(text)
    return name


def environment(more):
    return {**os.environ, **(more or {})}


def run(*words, stdin="", env=None, seconds=300):
    """The program with these words, its input a pipe that holds `stdin`."""
    done = subprocess.run([PROGRAM, *words], input=stdin.encode() if isinstance(stdin, str) else stdin,
                          capture_output=True, env=environment(env), timeout=seconds, check=False)
    return Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def read_until(master, is_enough, seconds, got=""):
    end = time.monotonic() + seconds
    while not is_enough(got):
        left = end - time.monotonic()
        if left <= 0 or not select.select([master], [], [], left)[0]:
            raise AssertionError(f"not within {seconds} s; so far: {got!r}")
        try:
            got += os.read(master, 65536).decode(errors="replace")
        except OSError:  # the program has closed its end
            return got
    return got


def run_on_terminal(*words, is_enough, seconds=300):
    """Both outputs on a terminal until `is_enough(text)`; then SIGTERM. Gives exit code and all of the text."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(PROGRAM, [PROGRAM, *words])
    try:
        text = read_until(master, is_enough, seconds)
        os.kill(pid, signal.SIGTERM)
        text = read_until(master, lambda _: False, seconds, text)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text
