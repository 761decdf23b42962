"""What follows from what a machine offers, and the command that tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT

from grader.arena.machine import quota
from grader.evidence.abilities import Abilities
from grader.evidence.machine import Machine
from grader.judgement.health import judge
from grader.judgement.levels import arena_info

DOCTOR = [sys.executable, "-c", "from grader.cli import grader_command; grader_command()", "doctor"]
REFUSING = [sys.executable, str(ROOT / "tests" / "like_a_container.py")]
ORDINARY = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
REFUSED = "this machine does not let the grader make namespaces"
NOTHING = Abilities(descriptors=False, calls=False, memory=False, sockets=False)


@pytest.mark.parametrize(
    ("machine", "level", "status"),
    [
        (Machine(), ("namespaces", "kernel"), 0),
        (Machine(root=True, kept_root="only root can read it"), ("namespaces", "kernel"), 0),
        (Machine(py_spy="", quota=0.5, files=1024, tools={"go": ""}), ("namespaces", "kernel"), 0),
        (Machine(schedstat=False), ("namespaces", "kernel"), 1),
        (Machine(abilities=Abilities(sockets=False)), ("namespaces", "kernel"), 1),
        (Machine(abilities=Abilities(calls=False)), ("namespaces", "portable"), 1),
        (Machine(obstacle=REFUSED), ("process", "kernel"), 1),
        (Machine(obstacle=REFUSED, abilities=Abilities(memory=False)), ("process", "portable"), 1),
        (Machine(obstacle=REFUSED, root=True, kept_root="only root can read it"), (None, None), 3),
        (Machine(abilities=NOTHING), (None, None), 3),
        (Machine(socket_table=False), (None, None), 3),
    ],
)
def test_the_level_follows_from_what_was_found(
    machine: Machine, level: tuple[str | None, str | None], status: int
) -> None:
    health = judge(machine)

    assert (health.isolation, health.evidence) == level
    assert health.status == status
    assert bool(health.reason) == (status == 3)


@pytest.mark.parametrize(
    ("machine", "remedy"),
    [
        (Machine(), "kernel.unprivileged_userns_clone=1"),
        (Machine(namespaces_allowed=0), "user.max_user_namespaces=15000"),
        (Machine(apparmor=True), "kernel.apparmor_restrict_unprivileged_userns=0"),
        (Machine(place="github", apparmor=True), "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        (Machine(place="container"), "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"),
        (Machine(place="gradescope"), "level process it is"),
        (Machine(bubblewrap=""), "install what the next lines name"),
    ],
)
def test_how_to_get_namespaces_depends_on_the_place(machine: Machine, remedy: str) -> None:
    line = judge(replace(machine, obstacle=REFUSED)).lines[0]

    assert not line.ok
    assert remedy in line.remedy


def test_everything_that_is_missing_has_a_remedy_and_a_purpose() -> None:
    nothing = Machine("container", REFUSED, True, 0, "", "", "", "", NOTHING, False, False, False, True, "why", 0.1, 64,
                      {"python": "", "cc": ""})  # fmt: skip

    lines = judge(nothing).lines

    assert not any(line.ok for line in lines)
    assert all(line.remedy and line.needed_for and line.found for line in lines)


@pytest.mark.parametrize("missing", ["calls", "memory", "sockets"])
def test_what_cannot_be_read_is_said_in_every_report(missing: str) -> None:
    seen = replace(Abilities(), **{missing: False})

    info = arena_info("namespaces", seen, schedstat=True)

    assert info.evidence == ("kernel" if missing == "sockets" else "portable")
    assert len(info.missing) == 1
    assert not info.full


def test_at_the_lower_level_it_is_said_that_nothing_is_proved() -> None:
    info = arena_info("process", Abilities(), schedstat=False, obstacle=REFUSED, kept_root="no other user")

    assert [what.split(":")[0] for what in info.missing] == [
        "namespaces",
        "proofs",
        "another user to run the server as",
        "schedstat",
    ]
    assert arena_info("namespaces", Abilities(), schedstat=True).full


def test_a_quota_is_read_in_cores(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")

    assert quota(tmp_path) == 0.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert quota(tmp_path) is None
    assert quota(tmp_path / "nowhere") is None


def test_the_command_tells_every_line_and_the_level() -> None:
    done = subprocess.run(DOCTOR, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "isolation namespaces, evidence kernel: the full level"
    assert all(line.startswith(("ok ", "missing ")) for line in done.stdout.splitlines()[:-1])


def test_on_a_machine_that_allows_less_it_says_how_to_get_more() -> None:
    argv = [*ORDINARY, *REFUSING, "unshare", *DOCTOR, "--format", "json"]

    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["isolation"], found["evidence"], found["status"]) == ("process", "kernel", 1)
    namespaces = found["lines"][0]
    assert namespaces["name"] == "namespaces"
    assert not namespaces["ok"]
    assert namespaces["remedy"]
