"""Servers that are not what they claim to be, or not where they should be."""

from __future__ import annotations

from grader.judgement.diagnosis.case import (
    ONE_THREAD,
    POOLS,
    Answer,
    Case,
    Place,
    Rule,
    only_call,
    place_of,
)

_MAKING_WORKERS = {"Thread", "start_new_thread", "fork", "Process"}
_BINDING = {"bind", "create_server", "TCPServer", "start_server"}


def threads_instead_of_one(case: Case) -> Answer | None:
    """The spec asks for one thread that serves all, and every client gets its own."""
    if case.doing != "io_model" or case.model not in ONE_THREAD or case.workers not in ("threads", "processes"):
        return None
    stacks = sorted(case.stacks, key=lambda stack: stack.pid == stack.tid)
    frame = next((frame for stack in stacks if (frame := stack.own_frame)), None)
    name = f"{case.workers}-not-select" if case.model == "select" else f"{case.workers}-not-one"
    return name, Place(frame.file, frame.line) if frame else Place()


def pool_without_bound(case: Case) -> Answer | None:
    """The spec asks for a pool, and every client brings a worker of its own."""
    if case.doing != "io_model" or case.model not in POOLS or case.workers not in ("threads", "processes"):
        return None
    return "pool-without-bound", only_call(case, _MAKING_WORKERS)


def workers_end_with_clients(case: Case) -> Answer | None:
    """The spec asks for a pool, and no worker outlives its client."""
    if case.doing != "io_model" or case.workers != "pool" or "its workers end when" not in case.summary:
        return None
    return "workers-end-with-clients", only_call(case, _MAKING_WORKERS)


def more_workers_than_allowed(case: Case) -> Answer | None:
    """More clients are served at once than a pool of the size that was asked for could."""
    served = case.doing == "pool" and "more than a pool" in case.summary
    return ("more-workers-than-allowed", Place()) if served else None


def waits_in_another_call(case: Case) -> Answer | None:
    """One thread, as it should be, but the call in which it waits for the network is that of another model."""
    if case.doing != "io_model" or case.workers != "single" or "it waits for the network in" not in case.summary:
        return None
    return "waits-in-another-call", _where_it_sleeps(case)


def one_thread_for_all(case: Case) -> Answer | None:
    """The spec asks for several workers, and one thread serves everybody."""
    several = case.workers_asked and "single" not in case.workers_asked
    if case.doing != "io_model" or case.workers != "single" or not several:
        return None
    return "one-thread-for-all", _where_it_sleeps(case)


def _where_it_sleeps(case: Case) -> Place:
    for_good = case.evidence is not None and all(wait.limit is None for wait in case.evidence.waits)
    return place_of(case) if for_good else Place()


def several_threads_per_client(case: Case) -> Answer | None:
    """There are at least twice as many threads, beside the first, as clients."""
    threads, clients = case.facts.get("threads"), case.facts.get("clients")
    if case.doing != "threads" or not isinstance(threads, int) or not isinstance(clients, int):
        return None
    if not clients or threads - 1 < 2 * clients:
        return None
    return "several-threads-per-client", Place()


def bound_to_loopback(case: Case) -> Answer | None:
    """It listens where only programs on the same machine can connect."""
    local = case.doing == "starts" and "only programs on the same machine" in case.summary
    return ("bound-to-loopback", only_call(case, _BINDING)) if local else None


def wrong_port(case: Case) -> Answer | None:
    """It listens, but on another port."""
    other = case.doing == "starts" and "not on port" in case.summary
    return ("wrong-port", only_call(case, _BINDING)) if other else None


RULES: tuple[Rule, ...] = (
    threads_instead_of_one,
    pool_without_bound,
    workers_end_with_clients,
    more_workers_than_allowed,
    one_thread_for_all,
    waits_in_another_call,
    several_threads_per_client,
    bound_to_loopback,
    wrong_port,
)
