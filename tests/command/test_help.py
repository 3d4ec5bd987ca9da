"""
Goal: the help of a command is its whole manual page, and says what is so.
Method: the pages of all commands, cut into their sections; every option of any page goes to every command,
which must know it where its page has it, and only there; exit codes that can be had without a broker.
"""

import re

from millrace import run, write

SECTIONS = ["Usage", "Arguments", "Options", "Exit codes", "Environment", "Files and topics", "Examples", "See also"]
COLUMNS_MAX = 100
NAMED_VALUE = re.compile(r"^  (-{1,2}[A-Za-z][a-z-]*)(?:, (--?[a-z]+))?(?: ([A-Z=:|a-z]+))?(?:  .*)?$")


def commands():
    listed = re.findall(r"^  [A-Z ][a-z ]{6} ([a-z-]+) ", run("--help").out, re.M)
    found = [name for name in listed if name not in ("help", "--version")]
    assert len(found) >= 20, found
    return found


def page_of(command):
    """The head, and the lines of each section by its name, in their order."""
    answer = run(command, "--help")
    assert answer.code == 0 and answer.err == "", (command, answer)
    sections, lines = {}, []
    head = lines
    for line in answer.out.splitlines():
        assert len(line) <= COLUMNS_MAX, f"{command}: {line}"
        if line in SECTIONS:
            assert line not in sections, f"{command}: twice {line}"
            sections[line] = lines = []
        elif line:
            lines.append(line)
    return head, sections


def options_of(command):
    """What its page says: name (and the other spelling) -> whether a value stands behind it."""
    found = {}
    for line in page_of(command)[1]["Options"]:
        option = NAMED_VALUE.match(line)
        assert option or line.startswith(" " * 10), f"{command}: {line}"
        if option:
            for name in option.groups()[:2]:
                if name:
                    found[name] = option.group(3) is not None
    return found


def test_every_command_has_every_section_in_one_order():
    for command in commands():
        head, sections = page_of(command)
        assert list(sections) == SECTIONS, f"{command}: {list(sections)}"
        for name, lines in sections.items():
            assert lines, f"{command}: nothing under {name}"
        assert head[0].startswith(f"millrace {command}") and " - " in head[0], head
        assert len(head) > 1, f"{command}: it does not say what it does"
        assert any(f"millrace {command}" in line for line in sections["Examples"]), f"{command}: no example of it"


def test_help_by_either_name_is_one_page():
    for command in commands():
        assert run("help", command).out == run(command, "--help").out == run(command, "-h").out, command


def test_what_a_page_points_to_is_there():
    known = set(commands()) | {"--help"}
    for command in commands():
        for name in re.findall(r"millrace ([a-z-]+)", " ".join(page_of(command)[1]["See also"])):
            assert name in known and name != command, f"{command}: see also {name}"


def test_arguments_of_the_usage_are_explained():
    for command in commands():
        head, sections = page_of(command)
        usage = head[0].split(" - ")[0]
        for name in re.findall(r"\b[A-Z]{3,}\b", usage):
            assert any(re.match(rf"  {name}\b", line) for line in sections["Arguments"]), f"{command}: {name}"


def is_known(command, option, takes_value):
    """Parsers stop at the first word that they do not know: the last one here is always such a word."""
    words = [command, option] + (["a=1"] if takes_value else []) + ["--no-such-option"]
    answer = run(*words)
    assert answer.code == 2, (words, answer)
    assert "no-such-option" in answer.err or option.lstrip("-") in answer.err, (words, answer)
    return not re.search(rf"(unknown|unrecognized|invalid) option.*{option.lstrip('-')}\b", answer.err)


def test_options_of_a_page_are_those_of_the_parser():
    pages = {command: options_of(command) for command in commands()}
    every = {}
    for options in pages.values():
        every.update(options)
    assert {"--fleet", "-X", "-o", "--speed", "--help", "--all"} <= set(every), sorted(every)
    for command, options in pages.items():
        for option in sorted(every):
            if option in ("--help", "-h"):
                continue
            if command == "checkpoints":  # it knows one option, behind `delete`
                assert (option in options) == (option == "--all"), option
                continue
            known = is_known(command, option, every[option])
            assert known == (option in options), f"{command} {option}: parser {known}, page {option in options}"


def codes_of(command):
    return {int(line.split()[0]) for line in page_of(command)[1]["Exit codes"] if re.match(r"  \d  ", line)}


def test_exit_codes_are_among_those_of_the_page():
    wrong = write("wrong.sql", "SELEKT 1;\n")
    away = ["--kafka", "127.0.0.1:1"]
    for command in commands():
        codes = codes_of(command)
        assert codes >= {0, 2}, f"{command}: {codes}"
        head = page_of(command)[0][0]
        assert run(command, "--no-such-option").code == 2
        file = {"diff": ["job", wrong], "upgrade": ["job", wrong], "rewind": [wrong, "--to", "1"],
                "fork": [wrong, "--as", "other"]}.get(command, [wrong])
        if "FILE" in head and command not in ("diff", "upgrade"):
            found = run(command, *(["dump"] if command == "config" else []), *file).code
            assert found == 3 and found in codes, f"{command}: {found}, {codes}"
            found = run(command, *(["dump"] if command == "config" else []),
                        *[word.replace("wrong.sql", "missing.sql") for word in file]).code
            assert found == 1 and found in codes, f"{command}: {found}, {codes}"
        if "JOB" in head or command in ("list", "worker"):
            assert 4 in codes, f"{command}: {codes}"
    assert run("list", *away).code == 4


def test_variables_of_all_pages_are_known_to_the_program():
    """Each has its section's word for what it does; one that no page names is not used by any command."""
    named = set()
    for command in commands():
        named |= set(re.findall(r"\b[A-Z][A-Z_]{3,}[A-Z]\b", "\n".join(page_of(command)[1]["Environment"])))
    assert {"NO_COLOR", "TMPDIR", "TZDIR", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN"} <= named, named
