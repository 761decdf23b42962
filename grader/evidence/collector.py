"""Puts the readers together: one pass, then all that lies between, then the second pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.evidence.procfs import ProcReader
from grader.evidence.records import ClientState, Evidence, Pass, Process
from grader.evidence.sock_diag import SocketTable
from grader.evidence.waits import read_wait


@dataclass
class Collector:
    """Reads one server's tree and its network; `clients` tells the state of our own connections."""

    reader: ProcReader
    table: SocketTable
    clients: Callable[[], tuple[ClientState, ...]]

    def look(self) -> Pass:
        """One pass over the threads: cheap, and enough to see that something still moves."""
        return self.reader.look()

    def processes(self) -> tuple[Process, ...]:
        """The live processes of the tree with their descriptors."""
        return self.reader.processes(self.table.read())

    def queued(self, local_port: int, remote_port: int) -> int:
        """How many bytes one side has handed to the kernel for the other, and the other's kernel has not taken."""
        ours = (e for e in self.table.read() if (e.local_port, e.remote_port) == (local_port, remote_port))
        return sum(entry.send_queue for entry in ours)

    def complete(self, first: Pass) -> Evidence:
        """All that a proof asks for, around what lies between `first` and a second pass made last."""
        sockets = self.table.read()
        clients = self.clients()
        waits = tuple(wait for sample in first.threads if (wait := read_wait(sample)))
        processes = self.reader.processes(sockets, flags=False)
        return Evidence(
            first=first,
            second=self.reader.look(),
            processes=processes,
            waits=waits,
            sockets=sockets,
            clients=clients,
            main=self.reader.main,
        )
