"""Where compiled servers stand: the stack of a blocked thread, the line of the call, and files made to confuse."""

from __future__ import annotations

import os
import platform
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Grade, spec_of
from hypothesis import given
from hypothesis import strategies as st
from processes import asleep_in

from grader.arena import symbols
from grader.arena.levels import Level
from grader.behaviours import catalogue
from grader.evidence.native import Mapping, call_in, mappings
from grader.evidence.records import Frame
from grader.grading import grade
from grader.report.model import Basis, Verdict
from grader.spec import load_spec

READS_AND_SELECTS = {"0", "23", "270"} if platform.machine() == "x86_64" else {"63", "72"}
ASLEEP = """\
#include <pthread.h>
#include <sys/select.h>
#include <unistd.h>

static int ends[2];

static void *reader(void *nothing) {
    char byte;
    read(ends[0], &byte, 1);  /* one thread stands here */
    return nothing;
}

static void deeper(int count) {
    fd_set set;
    if (count)
        deeper(count - 1);
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    select(ends[0] + 1, &set, NULL, NULL, NULL);  /* and one here */
}

int main(int argc, char **argv) {
    pthread_t thread;
    pipe(ends);
    if (argc > 1)
        for (;;)
            ;
    pthread_create(&thread, NULL, reader, NULL);
    deeper(3);
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "asleep.c").write_text(ASLEEP)
    argv = ["cc", "-O1", "-g", "-w", "-pthread", "-o", "asleep", "asleep.c"]
    subprocess.run(argv, cwd=folder, check=True)
    return folder / "asleep"


@pytest.fixture
def process(program: Path) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([program])
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def line_of(source: str, text: str) -> int:
    return next(number for number, line in enumerate(source.splitlines(), 1) if text in line)


def test_each_blocked_thread_is_found_at_the_call_that_it_made(process: subprocess.Popen[bytes], program: Path) -> None:
    threads = asleep_in(process.pid, READS_AND_SELECTS, threads=2)
    calls = [call_in(process.pid, tid, str(program.parent)) for tid in threads]

    assert all(call and call[0] == str(program) for call in calls)
    argv = symbols.asking(str(program), [call[1] for call in calls if call])
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    frames = symbols.frames(told, [str(program.parent)])
    assert {one[0] for one in frames} == {
        Frame("reader", "asleep.c", line_of(ASLEEP, "one thread stands here"), own=True),
        Frame("deeper", "asleep.c", line_of(ASLEEP, "and one here"), own=True),
    }


def test_of_a_thread_that_runs_nothing_is_told(program: Path) -> None:
    running = subprocess.Popen([program, "spin"])
    try:
        assert call_in(running.pid, running.pid, str(program.parent)) is None
    finally:
        running.kill()
        running.wait()


def test_of_a_program_that_lies_elsewhere_nothing_is_told(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (tid, *_) = asleep_in(process.pid, READS_AND_SELECTS, threads=2)

    assert call_in(process.pid, tid, str(tmp_path)) is None


def test_of_a_thread_that_is_gone_nothing_is_told(program: Path) -> None:
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()

    assert call_in(ended.pid, ended.pid, str(program.parent)) is None


# Files that are made to confuse whoever reads them.


def header(**changes: int) -> bytes:
    """The header of a program with one segment, which begins right after it."""
    numbers = {"at": 64, "size": 56, "count": 1, "offset": 0x1000, "address": 0x401000, "length": 0x500} | changes
    head = b"\x7fELF\2\1" + bytes(26) + struct.pack("<Q", numbers["at"]) + bytes(14)
    head += struct.pack("<HH", numbers["size"], numbers["count"]) + bytes(6)
    segment = struct.pack("<I4xQQ8xQ16x", 1, numbers["offset"], numbers["address"], numbers["length"])
    return head + segment


def mapped(file: Path) -> Mapping:
    return Mapping(0x7000_1000, 0x7000_2000, 0x1000, "00:00", file.stat().st_ino, str(file))


def test_an_address_is_told_as_the_file_numbers_it(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_bytes(header())

    assert mapped(file).address(0x7000_1234, str(file)) == 0x401234


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n" + bytes(100),
        header(size=1),
        header(count=0),
        header(at=1 << 40),
        header(length=0),
        header(offset=1 << 60),
        header(count=65535) + bytes(1 << 16),
    ],
    ids=range(9),
)
def test_a_file_that_is_not_what_is_mapped_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_bytes(content)

    if content.startswith(header(count=65535)):
        assert mapped(file).address(0x7000_1234, str(file)) == 0x401234  # no more than 64 segments are looked at
        return
    with pytest.raises(LookupError):
        mapped(file).address(0x7000_1234, str(file))


def test_another_file_or_a_pipe_in_its_place_is_not_read(tmp_path: Path) -> None:
    file, other, pipe = tmp_path / "program", tmp_path / "other", tmp_path / "pipe"
    file.write_bytes(header())
    other.write_bytes(header())
    os.mkfifo(pipe)

    for place in (other, pipe):
        with pytest.raises(LookupError):
            mapped(file).address(0x7000_1234, str(place))


MAPS = """\
7f0010000000-7f0010001000 r--p 00000000 fe:00 77 /usr/lib/libc.so.6
7f0010001000-7f0010002000 r-xp 00001000 fe:00 77 /usr/lib/libc.so.6
7f0010002000-7f0010003000 r-xp 00000000 00:00 0 [vdso]
7f0010003000-7f0010004000 rwxp 00000000 00:00 0
7f0010004000-7f0010005000 r-xp 00000000 00:2a 9                          /submission/a b\\012c (deleted)
"""


def test_only_executable_parts_of_files_are_read_from_the_list_of_mappings() -> None:
    assert mappings(MAPS) == (
        Mapping(0x7F0010001000, 0x7F0010002000, 0x1000, "fe:00", 77, "/usr/lib/libc.so.6"),
        Mapping(0x7F0010004000, 0x7F0010005000, 0, "00:2a", 9, "/submission/a b\\012c (deleted)"),
    )


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))
def test_any_name_of_a_mapped_file_is_read_as_it_is(name: str) -> None:
    (found,) = mappings(f"1000-2000 r-xp 00000000 00:2a 9 /{name}\n")

    assert found.path == f"/{name}"


@given(st.text())
def test_whatever_addr2line_prints_is_read(output: str) -> None:
    for found in symbols.frames(output, ["/submission"]):
        assert all(frame.line > 0 for frame in found)


def test_inlined_functions_come_first_and_what_is_not_known_is_left_out() -> None:
    told = (
        "0x000000000000115c\nanswer\n/submission/server.c:12 (discriminator 3)\nmain\n/submission/server.c:40\n"
        "0x0000000000002000\n??\n??:0\n"
        "0x0000000000003000\nstart_thread\n/build/glibc/pthread_create.c:444\n"
    )

    assert symbols.frames(told, ["/submission"]) == [
        (Frame("answer", "server.c", 12, own=True), Frame("main", "server.c", 40, own=True)),
        (),
        (Frame("start_thread", "/build/glibc/pthread_create.c", 444, own=False),),
    ]


# In a report.

ONE_AT_A_TIME = """\
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(int client) {
    char data[4096];
    ssize_t count;
    while ((count = recv(client, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            data[i] = toupper(data[i]);
        send(client, data, count, 0);
    }
    close(client);
}

int main(int argc, char **argv) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    bind(listener, (struct sockaddr *)&here, sizeof here);
    listen(listener, 50);
    for (;;)
        serve(accept(listener, NULL, NULL));
}
"""


@pytest.mark.parametrize("level", ["namespaces", "process"])
def test_a_server_in_c_is_shown_the_line_that_it_is_stuck_on(level: Level, tmp_path: Path) -> None:
    (tmp_path / "server.c").write_text(ONE_AT_A_TIME)
    spec = spec_of("- {behaviour: concurrent_clients, clients: 3}", "server: {entry: server.c}")

    (check,) = grade(tmp_path, spec, isolation=level).checks

    assert check.verdict is Verdict.FAIL
    assert check.basis is (Basis.PROOF if level == "namespaces" else Basis.BUDGET)
    assert check.diagnosis
    assert check.diagnosis.id == "recv-in-accept-loop"
    assert (check.diagnosis.file, check.diagnosis.line) == ("server.c", line_of(ONE_AT_A_TIME, "recv("))
    (stood,) = check.stood
    assert (stood.file, stood.line, stood.function) == ("server.c", line_of(ONE_AT_A_TIME, "recv("), "serve")
    assert stood.excerpt
    assert stood.excerpt.marked == stood.line


OWN = """
from typing import ClassVar, Literal
from grader.behaviours.base import Behaviour
from grader.judgement.finding import Finding, passed
from grader.stage import Stage

class Asked(Behaviour):
    '''Look where a server stands, twice, and then ask it something.'''
    name: ClassVar[str] = "asked"
    default_title: ClassVar[str] = "Asked"
    behaviour: Literal["asked"] = "asked"

    def check(self, stage: Stage) -> Finding:
        stage.rest()
        places = [stack.own_frame.line for _ in range(2) for stack in stage.stacks(stage.look()[0]) if stack.own_frame]
        (guest,) = stage.connect()
        guest.ask(stage.request(1))
        stage.answered([guest], "it was not served")
        return passed(f"it stood at {places}")
"""


def test_a_server_lives_on_when_it_has_been_looked_at(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "spec.yaml").write_text(
        "spec: own\ntitle: Own\nmodel: select\nserver: {entry: server.c}\nbehaviours: [own.py]\nchecks:\n"
        "- behaviour: asked\n"
    )
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "server.c").write_text(ONE_AT_A_TIME)

    (check,) = grade(tmp_path / "submission", load_spec(tmp_path / "spec.yaml", catalogue())).checks

    line = line_of(ONE_AT_A_TIME, "accept(")
    assert check.summary == f"it stood at [{line}, {line}]"


def test_a_server_in_c_with_very_many_clients_is_shown_its_line_too(grade_source: Grade) -> None:
    source = ONE_AT_A_TIME.replace("listen(listener, 50)", "listen(listener, 4000)")
    head = "server: {entry: server.c}\nlimits: {files: 4096}"

    (check,) = grade_source(source, "- {behaviour: capacity, clients: 1100}", name="server.c", head=head).checks

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)
    assert [stood.line for stood in check.stood] == [line_of(source, "recv(")]


HIDES = {
    "deletes its program": 'unlink("server");',
    "puts a pipe where its program was": 'unlink("server"); mkfifo("server (deleted)", 0666);',
    "puts a pipe in the place of its program": 'rename("server", "other"); mkfifo("server", 0666);',
    "takes its program away from everybody": 'chmod("server", 0);',
}


@pytest.mark.parametrize("how", HIDES)
def test_a_program_that_hides_itself_is_judged_all_the_same(how: str, grade_source: Grade) -> None:
    source = ONE_AT_A_TIME.replace("int listener", f"{HIDES[how]}\n    int listener")
    source = "#include <sys/stat.h>\n#include <stdio.h>\n" + source
    checks = "- {behaviour: concurrent_clients, clients: 3}"

    (check,) = grade_source(source, checks, name="server.c", head="server: {entry: server.c}").checks

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)
    assert all(stood.line in (None, line_of(source, "recv(")) for stood in check.stood)
