"""The filter of system calls: what no server needs is refused, and what servers need is not."""

from __future__ import annotations

import ast
import os
import platform
import struct
from collections.abc import Iterator

import pytest
from conftest import Grade
from servers import RIGHT

from grader.arena.seccomp import filter_program
from grader.report.model import Verdict

X86, ARM = 0xC000003E, 0xC00000B7
ALLOWED, EPERM, EAFNOSUPPORT, KILLED, DONE_FOR_SHOW = 0x7FFF0000, 0x00050001, 0x00050061, 0x80000000, 0x00050000


def decided(machine: str, arch: int, number: int, argument: int = 0) -> int:
    """What the program answers to one call: a small machine for the few instructions that it is made of."""
    program = filter_program(machine)
    assert program is not None
    steps = list(struct.iter_unpack("<HBBI", program))
    data = struct.pack("<IIQQ", number, arch, 0, argument)
    value = at = 0
    while True:
        code, when_true, when_false, operand = steps[at]
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                at += when_true if value == operand else when_false
            case 0x35:
                at += when_true if value >= operand else when_false
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


@pytest.mark.parametrize(
    ("machine", "arch", "number", "answer"),
    [
        ("x86_64", X86, 0, ALLOWED),  # read
        ("x86_64", X86, 101, EPERM),  # ptrace
        ("x86_64", X86, 165, EPERM),  # mount
        ("x86_64", X86, 425, ALLOWED),  # io_uring_setup
        ("x86_64", X86, 101 | 0x40000000, KILLED),  # ptrace as x32 calls it
        ("x86_64", 0x40000003, 26, KILLED),  # ptrace as 32-bit programs call it
        ("x86_64", X86, 203, DONE_FOR_SHOW),  # sched_setaffinity
        ("aarch64", ARM, 122, DONE_FOR_SHOW),  # the same
        ("aarch64", ARM, 63, ALLOWED),  # read
        ("aarch64", ARM, 117, EPERM),  # ptrace
        ("aarch64", ARM, 101, ALLOWED),  # nanosleep, which is ptrace elsewhere
        ("aarch64", X86, 0, KILLED),
    ],
)
def test_the_filter_answers_by_machine_and_call(machine: str, arch: int, number: int, answer: int) -> None:
    assert decided(machine, arch, number) == answer


@pytest.mark.parametrize(("machine", "arch", "number"), [("x86_64", X86, 41), ("aarch64", ARM, 198)])
def test_only_families_that_a_network_namespace_holds_have_sockets(machine: str, arch: int, number: int) -> None:
    allowed = {family for family in range(64) if decided(machine, arch, number, family) == ALLOWED}

    assert allowed == {1, 2, 10, 16}
    assert decided(machine, arch, number, 40) == EAFNOSUPPORT


def test_on_another_machine_there_is_no_filter() -> None:
    assert filter_program("riscv64") is None


ATTEMPTS = """
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    libc.syscall(*arguments)
    return errno.errorcode.get(ctypes.get_errno(), 'done')
def family(number):
    try:
        socket.socket(number, socket.SOCK_STREAM).close()
        return 'done'
    except OSError as error:
        return errno.errorcode[error.errno]
calls = [call(NUMBERS[name], 0, 0, 0, 0, 0) for name in NUMBERS]
print(calls, [family(number) for number in (40, 38, 1, 2)], flush=True)
"""
NUMBERS = {"ptrace": (101, 117), "bpf": (321, 280), "keyctl": (250, 219), "unshare": (272, 97), "syslog": (103, 116)}


BOUND = """
import os
before = os.sched_getaffinity(0)
os.sched_setaffinity(0, {max(before)})
print(sorted(before), sorted(os.sched_getaffinity(0)), flush=True)
"""


def test_who_binds_itself_to_a_core_stays_where_it_was_and_is_not_refused(grade_source: Grade) -> None:
    report = grade_source(f"{BOUND}\n{RIGHT}")

    assert report.checks[0].verdict is Verdict.PASS
    ours = sorted(os.sched_getaffinity(0))
    assert report.output.text.splitlines()[0] == f"{ours} {ours}"


def said(output: str) -> Iterator[list[str]]:
    first, second = output.splitlines()[0].split("] [")
    yield from (ast.literal_eval(f"{first}]"), ast.literal_eval(f"[{second}"))


def test_in_a_sandbox_they_fail_and_a_right_server_does_not_notice(grade_source: Grade) -> None:
    column = 0 if platform.machine() == "x86_64" else 1
    numbers = {name: both[column] for name, both in NUMBERS.items()}

    report = grade_source(f"NUMBERS = {numbers}\n{ATTEMPTS}\n{RIGHT}")

    assert report.checks[0].verdict is Verdict.PASS
    calls, families = said(report.output.text)
    assert calls == ["EPERM"] * len(NUMBERS)
    assert families == ["EAFNOSUPPORT", "EAFNOSUPPORT", "done", "done"]
