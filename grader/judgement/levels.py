"""What follows from how a server is isolated and from what the kernel tells of it: said in every report."""

from __future__ import annotations

from grader.evidence.abilities import Abilities
from grader.report.model import ArenaInfo, Isolation, Telling
from grader.words import say

_NO_PROOF = say("proofs: the network is shared with others on this machine, so stuck servers are found by budget")


def evidence_of(seen: Abilities) -> Telling:
    """How much the kernel tells: what threads wait for, or only what is told to everybody."""
    return "kernel" if seen.kernel else "portable"


def arena_info(
    isolation: Isolation, seen: Abilities, *, schedstat: bool, obstacle: str = "", kept_root: str = ""
) -> ArenaInfo:
    """What a report says of the arena; `obstacle` is what stood in the way of namespaces.

    `kept_root` says why a grader that runs as root could not run the server as another user.
    """
    said: list[str] = []
    if isolation == "process":
        why = obstacle or say("isolation process was asked for")
        said.append(say("namespaces: {why}", why=why))
        said.append(_NO_PROOF)
    if kept_root:
        said.append(say("another user to run the server as: {why}", why=kept_root))
    if not seen.calls:
        words = say("system calls: the kernel does not tell what a thread of the server waits in (/proc/PID/syscall)")
        said.append(words)
    if not seen.memory:
        said.append(say("memory: what a system call's arguments point to cannot be read (process_vm_readv)"))
    if not seen.sockets:
        said.append(say("socket options: time limits of recv() and accept() cannot be read (pidfd_getfd)"))
    if not schedstat:
        said.append(say("schedstat: this kernel does not tell the CPU time of a thread"))
    return ArenaInfo(isolation=isolation, evidence=evidence_of(seen), missing=said)
