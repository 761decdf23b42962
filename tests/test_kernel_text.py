"""What is parsed from the kernel, whatever a submission puts into it: names, memory, descriptors, stacks."""

from __future__ import annotations

import ctypes
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence import kernel, sock_diag
from grader.evidence.procfs import ProcReader, parse_call, parse_counters, parse_status
from grader.evidence.records import Counters, SystemCall, ThreadSample
from grader.evidence.stacks import _stack
from grader.evidence.unmapped import parse_segments
from grader.evidence.waits import read_wait

_STATUS = """Name:\t{name}
Umask:\t0022
State:\tS (sleeping)
Tgid:\t7
PPid:\t1
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000000
SigCgt:\t0000000000004002
voluntary_ctxt_switches:\t5
nonvoluntary_ctxt_switches:\t2
"""
_FIELDS = {line.split(":\t")[0] for line in _STATUS.splitlines()} - {"Name"}
_NAMES = st.one_of(
    st.binary(min_size=1, max_size=15),
    st.sampled_from([b"\x0bState:\tZ", b"\rPPid:\t9", b"\x1cTgid:\t4", b"x\nState:\tR", b"a:\tb", b"\\n"]),
)


def as_the_kernel_tells(name: bytes) -> str:
    """A thread's name in `status`: line feeds and backslashes are escaped, and nothing else (fs/proc/array.c)."""
    return name.replace(b"\0", b"").replace(b"\\", rb"\\").replace(b"\n", rb"\n").decode(errors="replace")


@given(_NAMES)
def test_a_name_cannot_change_what_is_read_of_a_thread(name: bytes) -> None:
    status = parse_status(_STATUS.format(name=as_the_kernel_tells(name)))

    plain = parse_status(_STATUS.format(name="server"))
    assert {key: status[key] for key in _FIELDS} == {key: plain[key] for key in _FIELDS}
    assert parse_counters(status, "1 2 3") == Counters(7, 1, 2, 3, 2)


@pytest.mark.parametrize(
    "name", [b"\x0bState:\tZ", b"\rState:\tX", b"\x1dPPid:\t9", b"\xc2\x85Tgid:\t4", b"\nState:\tZ"]
)
def test_a_thread_of_that_name_is_read_as_it_is(name: bytes) -> None:
    libc, before = ctypes.CDLL(None), ctypes.create_string_buffer(16)
    libc.prctl(16, before)
    libc.prctl(15, name)
    try:
        status = parse_status(Path(f"/proc/self/task/{os.getpid()}/status").read_bytes().decode(errors="replace"))
    finally:
        libc.prctl(15, before)

    assert status["State"].startswith("R")
    assert (status["PPid"], status["Tgid"]) == (str(os.getppid()), str(os.getpid()))


@given(st.text())
def test_any_text_is_a_call_or_none(text: str) -> None:
    try:
        call, outside = parse_call(text)
    except ValueError:
        return  # as it is caught where it is read
    assert call is None or isinstance(call, SystemCall)
    assert isinstance(outside, bool)


_MACHINE_WORD = st.integers(0, (1 << 64) - 1)
_CALLS = st.sampled_from(
    ["select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "recvfrom", "read", "futex"]
)
_MORE = st.sampled_from(["accept4", "sendto", "nanosleep", "clock_nanosleep", "rt_sigtimedwait", "io_uring_enter"])


@given(
    name=_CALLS | _MORE, arguments=st.tuples(*[_MACHINE_WORD | st.integers(0, 64)] * 6), memory=st.binary(max_size=256)
)
def test_a_wait_with_any_arguments_and_memory_is_read_or_told_to_be_unreadable(
    name: str, arguments: tuple[int, ...], memory: bytes
) -> None:
    sample = ThreadSample(os.getpid(), os.getpid(), "server", "S", SystemCall(name, arguments), Counters(1, 1, 1, 1), 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "read_memory", lambda _pid, address, size: _of(memory, address, size))
        wait = read_wait(sample)

    assert wait is not None
    assert wait.limit is None or wait.limit >= 0 or wait.unreadable


def _of(memory: bytes, address: int, size: int) -> bytes:
    """That many bytes of a process whose memory is small and repeats itself; none of page zero."""
    if address < 4096 or not memory:
        raise OSError("nothing is there")
    return (memory * (size // len(memory) + 1))[:size]


@given(st.binary(min_size=sock_diag._MESSAGE.size, max_size=600))
def test_any_message_about_a_socket_is_read(body: bytes) -> None:
    with_family = struct.pack("=B", 2) + body[1:]

    entry = sock_diag._parse(with_family)

    assert 0 <= entry.local_port < 1 << 16
    assert entry.receive_queue >= 0


@given(st.lists(st.lists(st.integers(0, 1 << 40), min_size=16, max_size=16), max_size=5))
def test_segments_are_added_up(rows: list[list[int]]) -> None:
    text = "header\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows)

    assert parse_segments(text) == sum(row[14] + row[15] for row in rows)


_TEXTS = st.none() | st.text(max_size=60)
_FRAMES = st.fixed_dictionaries({"name": _TEXTS, "filename": _TEXTS, "line": st.none() | st.integers(-1, 1 << 40)})
_ENTRIES = st.fixed_dictionaries(
    {
        "os_thread_id": st.none() | st.integers(0, 1 << 40),
        "thread_name": _TEXTS,
        "frames": st.none() | st.lists(_FRAMES),
    }
)


@given(_ENTRIES)
def test_a_stack_of_any_names_is_read(entry: dict[str, Any]) -> None:
    stack = _stack(7, json.loads(json.dumps(entry)), {}, "/submission")

    assert len(stack.frames) == len(entry["frames"] or ())
    assert all(not frame.file.startswith("/submission/") for frame in stack.frames)


@pytest.mark.parametrize(
    "name", ["socket:[1]", "pipe:[1]", "anon_inode:[eventpoll]", "\x0bflags:\t04000", "a (deleted)"]
)
def test_a_file_is_a_file_whatever_its_name(name: str, tmp_path: Path) -> None:
    fd = os.open(tmp_path / name, os.O_CREAT | os.O_RDWR)
    try:
        found = ProcReader()._descriptor(os.getpid(), fd, {}, flags=True)
    finally:
        os.close(fd)

    assert (found.kind, found.inode, found.watches) == ("other", 0, ())
