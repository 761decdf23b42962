"""A spec is tried on servers of which it is known whether they are right, before a class meets it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Literal

import grader
from grader.batch import Done, Job, grade_all
from grader.collection import KnownServer, why_not_bundled
from grader.grading import spec_info
from grader.judgement.trial import remarks, tried_checks
from grader.report.model import Verdict
from grader.report.told import remembered
from grader.report.trial import Remark, Trial, TriedServer, Weight
from grader.spec import Spec
from grader.words import said, say

Progress = Callable[[TriedServer], None]


def try_spec(
    spec: Spec,
    file: Path,
    servers: Sequence[KnownServer],
    executor: Executor,
    at_once: int,
    progress: Progress = lambda _: None,
) -> Trial:
    """Grade every server under the spec in `file`, and say what that means for the spec.

    `at_once` of them are in the executor's hands; `progress` is told of each server as soon as it is graded.
    """
    started, began = dt.datetime.now(dt.UTC), time.monotonic()
    by_name = {server.name: server for server in servers}
    jobs = (Job(server.folder, file.resolve(), server.name, server.entry) for server in servers)
    found: dict[str, TriedServer] = {}
    for done in grade_all(jobs, executor, at_once):
        server = by_name[done.job.name]
        found[server.name] = tried(server, done)
        progress(found[server.name])
    in_order = [found[server.name] for server in servers]
    wanted = {server.name: server.catchers for server in servers}
    return Trial(
        grader=grader.__version__,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 3),
        spec=spec_info(spec),
        max_score=spec.max_score,
        checks=tried_checks(spec.checks, in_order),
        servers=in_order,
        remarks=[*remarks(spec, in_order, wanted), *_not_used(spec)],
    )


def tried(server: KnownServer, done: Done) -> TriedServer:
    """One server together with what became of it."""
    role: Literal["right", "wrong", "alike"] = "alike" if server.alike else "wrong"
    about = TriedServer(name=server.name, role="right" if server.right else role, own=server.own, why=server.alike)
    if done.report is None:
        return about.model_copy(update={"failed": done.failed})
    again, checks = remembered(done.report.messages), done.report.checks
    return about.model_copy(
        update={
            "score": done.report.score,
            "seconds": done.report.seconds,
            "verdicts": {check.id: check.verdict for check in checks},
            "summaries": {check.id: again(check.summary) for check in checks if check.verdict is not Verdict.PASS},
        }
    )


def _not_used(spec: Spec) -> list[Remark]:
    why = why_not_bundled(spec)
    if why is None:
        return []
    return [
        Remark(
            kind="not-used",
            weight=Weight.NOTE,
            message=say("only servers of your own were tried: {why}", why=said(why)),
        )
    ]
