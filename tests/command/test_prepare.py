"""`.ci/prepare` and `.ci/build` on a machine that lacks packages: as root, with sudo, with a sudo that refuses, and with neither.

The machine is a PATH of its own: real tools by name, and stand-ins for what would change or ask the system."""

import os
import pathlib
import shutil
import subprocess

import millrace

TOOLS = "sh sed cat rm mktemp dirname env grep".split()
COMMAND = "    apt-get update && apt-get install -y --no-install-recommends "


def stand_in(name, text):
    path = pathlib.Path("bin", name)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def machine(uid, installed="", sudo=None):
    """A machine whose user is `uid`; `installed`: lines of dpkg-query."""
    os.mkdir("bin")
    for tool in TOOLS:
        os.symlink(shutil.which(tool), f"bin/{tool}")
    log = os.path.abspath("log")
    pathlib.Path("log").write_text("")
    stand_in("id", f"echo {uid}\n")
    stand_in("dpkg-query", f"printf '{installed}'\n")
    stand_in("apt-get", f'echo "apt-get $* DEBIAN_FRONTEND=$DEBIAN_FRONTEND" >>{log}\n')
    stand_in("pkg-config", "exit 0\n")
    if sudo:
        stand_in("sudo", sudo.replace("LOG", log))


def prepare(goal="build"):
    done = subprocess.run([str(millrace.TOP / ".ci/prepare"), goal], capture_output=True, text=True, check=False, timeout=300,
                          env={"PATH": os.path.abspath("bin"), "HOME": os.getcwd(), "XDG_CACHE_HOME": os.getcwd()})
    return done.returncode, done.stderr, pathlib.Path("log").read_text()


def test_root_installs_and_is_asked_nothing():
    machine(0)
    code, said, log = prepare()
    assert code == 0 and "millrace: installing with apt: gcc " in said, (code, said, log)
    update, install = log.splitlines()
    assert update.startswith("apt-get -qq update") and "noninteractive" in update, log
    assert install.startswith("apt-get -qq install -y --no-install-recommends gcc ") and "librocksdb-dev" in install, log


def test_only_what_is_missing_is_installed():
    machine(0, "gcc:installed\\nninja-build:installed\\ncmake:config-files\\n")
    _, said, log = prepare()
    install = log.splitlines()[1].split()
    assert "gcc" not in install and "ninja-build" not in install and "cmake" in install, log


def test_with_sudo_it_is_used():
    machine(1000, sudo='echo "sudo $*" >>LOG\nexec env "$@"\n')
    code, said, log = prepare()
    assert code == 0, (said, log)
    lines = log.splitlines()
    assert lines[0] == "sudo DEBIAN_FRONTEND=noninteractive apt-get -qq update", log
    assert lines[1].startswith("apt-get -qq update DEBIAN_FRONTEND=noninteractive"), log
    assert lines[2].startswith("sudo DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends gcc "), log


def expect_the_command(goal):
    code, said, log = prepare(goal)
    assert code == 1 and "apt-get" not in log, (code, said, log)
    lines = [line for line in said.splitlines() if line.startswith(COMMAND)]
    assert len(lines) == 1, said
    assert lines[0].split()[7:8] == ["gcc"] and "librocksdb-dev" in lines[0].split(), said


def test_without_root_or_sudo_the_exact_command_is_printed():
    machine(1000)
    expect_the_command("build")


def test_a_sudo_that_refuses_prints_the_command_too():
    machine(1000, sudo='echo "sudo: a password is required" >&2\nexit 1\n')
    expect_the_command("test")


def test_an_apt_that_fails_says_why():
    machine(0)
    stand_in("apt-get", 'echo "E: Unable to locate package" >&2\nexit 100\n')
    code, said, _ = prepare()
    assert code == 1 and "E: Unable to locate package" in said, said


def machine_that_has_all():
    """All that is asked for is there."""
    machine(1000)
    stand_in("dpkg-query", 'for word in "$@"; do case $word in -*) ;; *) echo "$word:installed" ;; esac; done\n')


def test_with_nothing_to_do_nothing_is_said():
    machine_that_has_all()
    code, said, _ = prepare()
    assert (code, said) == (0, ""), said


def build(*targets):
    """`.ci/build release` in a scratch copy, with a CMake that remembers what it was asked."""
    done = subprocess.run(["tree/.ci/build", "release", *targets], capture_output=True, text=True, check=False, timeout=300,
                          env={"PATH": os.path.abspath("bin"), "HOME": os.getcwd()})
    assert done.returncode == 0, done.stderr
    log = pathlib.Path("log").read_text()
    pathlib.Path("log").write_text("")
    return log.split()


def test_the_program_is_built_without_the_libraries_of_the_tests_and_the_tests_with_them():
    machine(0)
    for tool in ("bash", "tee", "touch", "mkdir"):
        os.symlink(shutil.which(tool), f"bin/{tool}")
    os.makedirs("tree/.ci")
    shutil.copy(millrace.TOP / ".ci/build", "tree/.ci/build")
    log = os.path.abspath("log")
    stand_in("cmake", 'for last; do :; done\nmkdir -p build/release\ntouch build/release/build.ninja\n'
             f'echo "MR_TESTS:BOOL=${{last#*=}}" >build/release/CMakeCache.txt\necho "$last" >>{log}\n')
    stand_in("ninja", "exit 0\n")
    stand_in("pkg-config", "exit 1\n")
    assert build("millrace") == ["-DMR_TESTS=OFF"]
    assert build("millrace") == []
    assert build() == ["-DMR_TESTS=ON"], "the tests, where the program alone was built before"
    assert build() == [] and build("millrace") == [] and build("sim_crash") == []
