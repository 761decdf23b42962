"""Every behaviour, asked of every model solution to which it applies: none of them may be accused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, require_language, spec_of

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.model import CheckResult, Verdict

SOLUTIONS = sorted(file.parent for file in (ROOT / "reference" / "servers").glob("*/expected.yaml"))
ONE_AT_A_TIME = {"blocking", "socketserver"}
POOLS = {"thread_pool", "prefork"}
ONE_THREAD = {"select", "poll", "epoll", "selectors", "asyncio", "io_uring", "event_loop", "nonblocking"}
# Asked elsewhere: a scenario is what its author makes of it, and broadcast is for another protocol.
NOT_HERE = {"scenario", "broadcast"}


def checks(model: str) -> Iterator[str]:
    """Every behaviour that a server of this model owes, with as many clients as it serves at once."""
    at_once = 1 if model in ONE_AT_A_TIME else 3 if model in POOLS else 10
    yield from ("starts", "echo, binary: true", "sequential_clients", "queued_clients", "large_message")
    yield from ("memory_ceiling", f"descriptor_leak, clients: {at_once}", f"restarts, clients: {min(at_once, 3)}")
    yield from ("stops, on: SIGTERM", "stops, on: SIGINT", "io_model", f"throughput, at_least: 1%, clients: {at_once}")
    for when in ("idle", "idle_clients", "after_disconnect"):
        yield f"cpu_ceiling, when: {when}, at_most: 10%"
    alone = ", staying: false" if model in ONE_AT_A_TIME else ""
    for how in ("fin", "reset", "half_close", "mid_message", "while_replying", "before_accept", "storm"):
        yield f"disconnect, how: {how}, clients: 3{alone}"
    if model not in ONE_AT_A_TIME:
        yield from (f"concurrent_clients, clients: {at_once}", f"isolation, clients: {at_once}")
        yield from (f"churn, present: {at_once}, clients: 100", "slow_reader, others: 2")
    if model in ONE_THREAD:
        # asyncio keeps a thread from when it looked up its host's name.
        yield from (f"thread_ceiling, at_most: {2 if model == 'asyncio' else 1}", "capacity, clients: 900")
    if model in POOLS:
        yield "pool_limit"


def accusations(folder: Path, only: Collection[str] = ()) -> list[CheckResult]:
    """What a model solution is said to lack: to be empty. Asked is every behaviour, or `only` those of these names."""
    model = yaml.safe_load((folder / "expected.yaml").read_text())["spec"]
    asked = [check for check in checks(model) if not only or check.partition(",")[0] in only]
    listed = "\n".join(f"- {{behaviour: {check}}}" for check in asked)
    spec = spec_of(
        listed, f"model: {model}\nserver: {{entry: {require_language(folder)}}}\nlimits: {{memory: 512 MiB}}"
    )
    return [check for check in grade(folder, spec).checks if check.verdict is not Verdict.PASS]


@pytest.mark.parametrize("folder", SOLUTIONS, ids=lambda folder: folder.name)
def test_a_model_solution_passes_every_behaviour_that_applies_to_it(folder: Path) -> None:
    assert {check.id: check.summary for check in accusations(folder)} == {}


def test_no_behaviour_is_left_out() -> None:
    models = ONE_AT_A_TIME | POOLS | ONE_THREAD
    asked = {check.partition(",")[0] for model in models for check in checks(model)}

    assert asked | NOT_HERE == set(catalogue())
