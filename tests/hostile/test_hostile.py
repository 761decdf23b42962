"""Hostile and broken programs: none harms what is outside, none gets what it does not deserve, each gets a verdict.

Everything is judged from outside (oracles.py). That an oracle sees what it should is shown first: the same program,
run without a sandbox in the same surroundings, is caught.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import cage
import pytest
from conftest import ROOT, spec_of
from oracles import (
    Oracle,
    Traces,
    changed_a_file,
    gained_a_privilege,
    harm,
    harmed_the_victim,
    left_a_file,
    left_a_process,
    left_a_segment,
    reached_a_listener,
    told_a_secret,
)
from rich.console import Console
from world import World, address_of_this_machine, world

from grader.grading import grade
from grader.report.html import write_html
from grader.report.json_file import write_json
from grader.report.model import Isolation, Report, Verdict
from grader.report.terminal import print_report

HERE = Path(__file__).parent
_FIRST_PORT = 8100
PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
CHECKS = """
- {behaviour: echo, sizes: [5 B, 300 B], pieces: 0, pipelined: 0, points: 1}
- {behaviour: concurrent_clients, clients: 3, points: 1}
"""
STOPS = "- {behaviour: stops, within: 0.5 s, clients: 1, points: 1}"
LIMITS = {
    "memory": "64 MiB",
    "processes": 16,
    "files": 256,
    "startup": "2 s",
    "disk": "4 MiB",
    "cpu": "2 s",
    "time": "20 s",
    "output": "8 KiB",
}


@dataclass(frozen=True)
class Expected:
    """What is to come of a program under the grader.

    `verdict` is that of the last check (None where it depends on how fast the machine is), and `says` a pattern of
    its summary. Without a sandbox `caught_by` sees its harm; `caged`: even then it runs in namespaces of its own, for
    what it does is meant for a whole machine.
    """

    verdict: Verdict | None
    says: str = ""
    caught_by: Oracle | None = None
    caged: bool = False
    checks: str = CHECKS
    limits: tuple[tuple[str, str | int], ...] = ()
    build: str = ""
    root_only: bool = False


def harmless(caught_by: Oracle, *, caged: bool = False, root_only: bool = False) -> Expected:
    """It serves rightly besides, and that is what it is graded for."""
    return Expected(PASS, caught_by=caught_by, caged=caged, root_only=root_only)


def refused(says: str, verdict: Verdict = FAIL, checks: str = CHECKS, **limits: str | int) -> Expected:
    """It gets no points, and is told why."""
    return Expected(verdict, says, checks=checks, limits=tuple(limits.items()))


UNSERVED = "^not all of 3 connected clients were served"
PROGRAMS = {
    # Reading.
    "read_spec": harmless(told_a_secret),
    "read_neighbour": harmless(told_a_secret),
    "read_grader": harmless(told_a_secret),
    "read_environment": harmless(told_a_secret),
    "read_command_lines": harmless(told_a_secret),
    "read_memory": harmless(told_a_secret),
    "read_memory_by_call": harmless(told_a_secret),
    "read_descriptors": harmless(told_a_secret),
    "read_home": harmless(told_a_secret),
    "read_shared_memory_files": harmless(told_a_secret),
    "read_shared_memory_segment": harmless(told_a_secret),
    # Writing.
    "write_temporary_files": harmless(left_a_file),
    "write_home": harmless(changed_a_file),
    "write_own_folder": harmless(changed_a_file),
    "write_report": harmless(changed_a_file),
    "write_neighbour": harmless(changed_a_file),
    "write_through_links": harmless(changed_a_file),
    "write_pipes": harmless(changed_a_file),
    "write_shared_memory_segment": harmless(left_a_segment),
    "leave_processes": harmless(left_a_process),
    # The network.
    "connect_to_host": harmless(reached_a_listener),
    "send_to_host": harmless(reached_a_listener),
    "connect_to_address": harmless(reached_a_listener),
    "connect_to_abstract_socket": harmless(reached_a_listener),
    "connect_to_socket_file": harmless(reached_a_listener),
    "raw_sockets": harmless(gained_a_privilege, root_only=True),
    "sockets_of_machines": Expected(PASS),
    # Other processes.
    "kill_others": harmless(harmed_the_victim),
    "stop_others": harmless(harmed_the_victim),
    "kill_groups": harmless(harmed_the_victim),
    "kill_everybody": Expected(PASS),
    "trace_others": harmless(gained_a_privilege),
    "slow_others_down": harmless(harmed_the_victim),
    "type_for_the_grader": Expected(PASS),
    # Privileges.
    "nested_namespaces": harmless(gained_a_privilege, caged=True),
    "mount_something": harmless(gained_a_privilege, caged=True),
    "change_root": harmless(gained_a_privilege, caged=True),
    "become_root": harmless(gained_a_privilege, caged=True),
    "settings_of_the_kernel": harmless(gained_a_privilege, root_only=True),
    "secrets_of_the_kernel": harmless(gained_a_privilege, root_only=True),
    "real_time": harmless(gained_a_privilege, root_only=True),
    "escape_the_memory_killer": Expected(PASS),
    "device_nodes": harmless(gained_a_privilege, root_only=True),
    "probes_of_the_kernel": harmless(gained_a_privilege),
    # Forging.
    "forge_results": refused("ended with status 0"),
    "forge_in_the_exit_message": refused("ended with status 1"),
    "forge_in_names": refused("ended with status 1"),
    "print_bytes": Expected(PASS),
    "print_for_ever": Expected(None, limits=(("cpu", "5 s"), ("time", "8 s"))),
    "close_standard_descriptors": Expected(PASS),
    "write_on_its_input": Expected(PASS),
    # Hiding from observation.
    "serve_in_a_grandchild": Expected(PASS),
    "go_into_the_background": Expected(PASS),
    "wrong_in_the_background": refused(UNSERVED),
    "endless_generations": refused("did not come to listen"),
    "rename_as_runtime": refused(UNSERVED),
    "rename_as_helper": refused(UNSERVED),
    "delete_itself": refused(UNSERVED),
    "move_elsewhere": Expected(PASS),
    "wait_briefly_in_epoll": refused(UNSERVED),
    "wait_briefly_for_a_lock": refused(UNSERVED),
    "wait_briefly_by_timer": refused("longer than", verdict=OPEN, time="5 s"),
    "wait_for_a_late_timer": refused("longer than", verdict=OPEN, time="5 s"),
    "wait_beside_a_thread": refused(UNSERVED),
    "talk_to_itself": refused("longer than", verdict=OPEN, time="5 s"),
    # Taking too much.
    "many_descriptors": refused(UNSERVED),
    "many_threads": refused("stopped: it had", processes=6),
    "many_processes": refused("stopped: it had|did not come to listen"),
    "many_zombies": refused("stopped: it had"),
    "much_memory": refused("stopped: it held"),
    "much_shared_memory": refused("stopped: it wrote"),
    "much_memory_in_files": refused("stopped: it held"),
    "much_memory_in_segments": refused("stopped: it held"),
    "much_disk": refused("stopped: it wrote"),
    "many_files": Expected(PASS, limits=(("startup", "15 s"), ("cpu", "20 s"), ("time", "60 s"))),
    "much_time": refused("it used"),
    # Ends and standstills.
    "sleep_before_listening": refused("did not come to listen"),
    "sleep_in_pieces_before_listening": refused("did not come to listen"),
    "ignore_signals": refused("did not end on SIGTERM", checks=STOPS),
    "block_signals": refused("did not end on SIGTERM", checks=STOPS),
    "stop_itself": refused("stopped"),
    "stop_before_listening": refused("stopped"),
    "sleep_uninterruptibly": refused("longer than", verdict=OPEN, time="5 s"),
    "end_at_once": refused("ended with status 0"),
    "end_as_if_not_executable": refused("ended with status 126"),
    "end_as_if_not_found": refused("ended with status 127"),
    "kill_itself": refused("ended with status 137"),
    "crash": refused("ended with status 139"),
    "end_when_served": refused("ended with status 0"),
    # Listening and serving.
    "take_every_port": Expected(
        None,
        "longer than|Cannot assign|could not connect|stopped|without getting any further",
        limits=(("files", 8192), ("time", "8 s")),
    ),
    "share_its_port": refused(UNSERVED),
    "listen_on_many_ports": Expected(PASS),
    "listen_on_ipv6_only": Expected(PASS),
    "listen_on_another_loopback": Expected(PASS),
    "no_backlog": Expected(PASS),
    "accept_and_keep": refused(UNSERVED),
    "answer_unasked": refused("although nothing more was asked for|HELLO"),
    "speak_http": refused(UNSERVED),
    "close_at_once": refused("closed the connection|reset the connection"),
    "reset_at_once": refused("reset|has not been accepted"),
    "answer_slowly": refused("longer than", verdict=OPEN, time="5 s"),
    "answer_for_ever": refused("although nothing more was asked for"),
    # While it is built.
    "include_secrets": Expected(FAIL, "the build", told_a_secret, build="make"),
    "leave_something": Expected(PASS, "", changed_a_file, build="make"),
    "never_end": Expected(OPEN, "longer than", build="make", limits=(("time", "5 s"),)),
}
# At level `process`.
ENDED = "the grader's arena ended"
OTHERWISE = {
    "kill_others": refused(ENDED, verdict=OPEN),
    "kill_groups": refused(ENDED, verdict=OPEN),
    "kill_everybody": refused(ENDED, verdict=OPEN),
    "stop_others": refused("longer than", verdict=OPEN, time="5 s"),
    "read_shared_memory_segment": Expected(None),  # as another user it crashes, for it may not attach it
    "much_shared_memory": Expected(PASS),
    "much_memory_in_segments": Expected(PASS),
    "take_every_port": Expected(None, limits=PROGRAMS["take_every_port"].limits),
}
"""What is to come of programs there that is not what comes of them in namespaces."""
OURS = "as the grader's user"
ANY = "as any user"
NOT_CONTAINED = {
    "read_spec": ANY,
    "read_neighbour": ANY,
    "read_grader": ANY,
    "read_environment": OURS,
    "read_command_lines": ANY,
    "read_memory": OURS,
    "read_descriptors": OURS,
    "read_home": ANY,
    "read_shared_memory_files": ANY,
    "read_shared_memory_segment": OURS,
    "write_temporary_files": ANY,
    "write_home": OURS,
    "write_own_folder": OURS,
    "write_report": OURS,
    "write_neighbour": OURS,
    "write_through_links": OURS,
    "write_pipes": OURS,
    "write_shared_memory_segment": ANY,
    "connect_to_host": ANY,
    "send_to_host": ANY,
    "connect_to_address": ANY,
    "connect_to_abstract_socket": ANY,
    "connect_to_socket_file": OURS,
    "kill_others": OURS,
    "stop_others": OURS,
    "kill_groups": OURS,
    "kill_everybody": OURS,
    "nested_namespaces": ANY,
    "become_root": ANY,
    "secrets_of_the_kernel": ANY,
    "move_elsewhere": ANY,
    "much_shared_memory": ANY,
    "much_memory_in_segments": ANY,
    "many_files": ANY,
    "include_secrets": ANY,
    "leave_something": ANY,
}
"""Whose harm is seen there, and as whom the server runs then; SECURITY.md lists them."""
CAUGHT = {name: expected for name, expected in PROGRAMS.items() if expected.caught_by}


@pytest.fixture
def isolation(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Isolation]:
    """The level to grade at; at `process` the user `nobody`, too, can look into the surroundings."""
    level: Isolation = pytestconfig.getoption("--isolation")
    if level == "namespaces":
        yield level
        return
    assert cage.entered(), "at level process they are run by tests/hostile/run.py"
    for folder in (tmp_path, tmp_path.parent):
        folder.chmod(0o755)
    yield level
    cage.clear()


def is_contained(name: str, isolation: Isolation) -> bool:
    """Whether a program is to harm nothing at this level; servers of a grader that is root run as another user."""
    return isolation == "namespaces" or NOT_CONTAINED.get(name) not in ({ANY} if os.geteuid() == 0 else {ANY, OURS})


def program(name: str) -> Path:
    """Its file, or its folder if it is one that is built."""
    file = HERE / "programs" / f"{name}.py"
    return file if file.exists() else HERE / "builds" / name


# One browser serves a whole session, so its descriptors would be found by one of that scope.
@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """After all of them there is no process, mount, namespace, descriptor, segment or cgroup more than before."""
    before = Traces()
    yield
    assert Traces().differences(before) == []


def test_every_program_is_in_the_table() -> None:
    there = {path.stem for path in (HERE / "programs").glob("*.py")} | {p.name for p in (HERE / "builds").iterdir()}

    assert there == set(PROGRAMS)


def run_unprotected(name: str, around: World, *, caged: bool) -> str:
    """What it prints when it is run as any program; `caged` in namespaces, but with all privileges in there."""
    argv = ["make"] if PROGRAMS[name].build else [sys.executable, "server.py"]
    if caged:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        argv = ["unshare", *user, "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", *argv]
    names = {**os.environ, **around.environment(), "IN_TEST": "1", "TOKEN": around.secret}
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(
        argv, cwd=around.own, env=names, stdin=subprocess.DEVNULL, stdout=pipe, stderr=both, timeout=60, check=False
    )
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("name", CAUGHT)
def test_without_a_sandbox_it_is_caught(name: str, tmp_path: Path, isolation: Isolation) -> None:
    expected = CAUGHT[name]
    if isolation == "process":
        pytest.skip("without a sandbox there is no level")
    if expected.root_only and os.geteuid() != 0:
        pytest.skip("only root could do it without a sandbox")
    if name == "connect_to_address" and address_of_this_machine() is None:
        pytest.skip("this machine has no network")
    assert expected.caught_by
    with world(tmp_path, program(name)) as around:
        assert harm(around, "") == []
        output = run_unprotected(name, around, caged=expected.caged)

        assert expected.caught_by(around, output), output


@pytest.mark.parametrize("name", PROGRAMS)
def test_under_the_grader_it_harms_nobody_and_gets_what_it_deserves(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolation: Isolation
) -> None:
    expected = {**PROGRAMS, **(OTHERWISE if isolation == "process" else {})}[name]
    port = _FIRST_PORT + list(PROGRAMS).index(name)
    with world(tmp_path, program(name), port) as around:
        monkeypatch.setenv("TOKEN", around.secret)
        monkeypatch.chdir(tmp_path)
        limits = {**LIMITS, **dict(expected.limits)}
        build = PROGRAMS[name].build
        server = {"port": port, "env": around.environment(), **({"build": build} if build else {})}
        head = f"limits: {json.dumps(limits)}\nserver: {json.dumps(server)}"

        report = grade(around.own, spec_of(expected.checks, head), isolation=isolation)

        harmed = harm(around, report.output.text)
    harmed += cage.clear() if isolation == "process" else []
    check = report.checks[-1]
    told = (check.verdict, check.summary, report.notes, report.output.text)
    assert expected.verdict in (None, check.verdict), told
    assert re.search(expected.says, check.summary), told
    assert not any("grader failed" in note for note in report.notes), told
    assert not any("grader failed" in check.summary for check in report.checks), told
    assert (report.score == report.max_score) is (check.verdict is PASS)
    assert len(report.output.text) < 1 << 14
    assert bool(harmed) is not is_contained(name, isolation), harmed
    assert is_sound(report, tmp_path / "reports")


def test_what_is_not_contained_at_level_process_stands_in_the_page_on_security() -> None:
    lines = [
        f"| `{name}` | {purpose_of(name)} | {'not contained' if as_whom is ANY else 'contained'} |"
        for name, as_whom in NOT_CONTAINED.items()
    ]
    page = (ROOT / "SECURITY.md").read_text().splitlines()

    assert [line for line in page if line.startswith("| `") and "contained |" in line] == lines


def purpose_of(name: str) -> str:
    """The first sentence of the file in which a program says what it does."""
    path = program(name)
    first = (path / "Makefile" if path.is_dir() else path).read_text().splitlines()[0]
    return first.strip('#" ').rstrip(".")


def is_sound(report: Report, folder: Path) -> bool:
    """Whether the report is what the grader wrote, and nothing of a submission's acts in a page or on a terminal."""
    folder.mkdir()
    write_json(report, folder / "report.json")
    write_html(report, folder / "report.html")
    screen = StringIO()
    print_report(report, Console(file=screen, width=120))
    page = (folder / "report.html").read_text()
    harmful = re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page + screen.getvalue())
    same = Report.model_validate_json((folder / "report.json").read_bytes()) == report
    return same and not harmful and "<script" not in page and "<img" not in page
