"""The tree of a server without a process namespace, and its part of a network that it shares."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.evidence.shared_table import SharedTable
from grader.evidence.tree import TreeReader, children, descendants, socket_inodes

FAMILY = """
import os, signal
if os.fork() == 0:
    if os.fork() == 0:
        print("ready", flush=True)
    signal.pause()
signal.pause()
"""


@contextmanager
def family() -> Iterator[int]:
    """A process with a child and a grandchild, in a session of their own."""
    argv = [sys.executable, "-c", FAMILY]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as program:
        assert program.stdout
        assert program.stdout.readline() == b"ready\n"
        yield program.pid
        os.killpg(program.pid, signal.SIGKILL)


def test_the_tree_is_all_that_descends_and_nobody_else() -> None:
    with family() as first, family() as other:
        (child,) = children(first)
        (grandchild,) = children(child)

        assert list(descendants(first)) == [child, grandchild]
        pids = TreeReader(first=first).pids()
        assert {first, child, grandchild, other} <= set(pids)
        assert os.getpid() not in pids
        assert os.getppid() not in pids


def test_where_the_kernel_lists_no_children_they_are_found_by_their_parent(tmp_path: Path) -> None:
    for pid, parent in ((10, 1), (11, 10), (12, 10), (13, 12)):
        (tmp_path / str(pid) / "task" / str(pid)).mkdir(parents=True)
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) b) S {parent} 0 0")

    assert sorted(descendants(10, str(tmp_path))) == [11, 12, 13]


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    with family() as first:
        pass

    assert children(first) == []
    assert socket_inodes(first) == set()


@pytest.fixture
def table() -> Iterator[SharedTable]:
    found = SharedTable()
    yield found
    found.close()


def test_only_listeners_that_the_tree_holds_are_shown(table: SharedTable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours, socket.create_server(("127.0.0.1", 0)):
        inode = os.fstat(ours.fileno()).st_ino
        table.belongs_to(lambda: {inode})

        assert [entry.inode for entry in table.read_listeners()] == [inode]


def test_listeners_that_come_later_are_shown_too_and_each_is_looked_up_once(table: SharedTable) -> None:
    asked: list[int] = []

    def held() -> set[int]:
        asked.append(1)
        return {os.fstat(server.fileno()).st_ino for server in servers}

    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)),
        socket.socket() as later,
    ):
        servers = [first, later]
        table.belongs_to(held)
        assert len(table.read_listeners()) == 1
        later.listen()

        assert {entry.inode for entry in table.read_listeners()} == held()
        asked.clear()
        table.read_listeners()
        assert not asked


def test_every_connection_with_a_port_of_the_server_is_shown_once(table: SharedTable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours, socket.create_server(("127.0.0.1", 0)) as other:
        table.belongs_to(lambda: {os.fstat(ours.fileno()).st_ino})
        with socket.create_connection(ours.getsockname()) as client, socket.create_connection(other.getsockname()):
            table.read_listeners()

            assert table.connections() == {(ours.getsockname()[1], client.getsockname()[1])}
