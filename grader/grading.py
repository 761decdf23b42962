"""`grade(submission, spec) -> Report`: the one core; the command line, batches and plugins are adapters around it."""

from __future__ import annotations

import datetime as dt
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grader
from grader.arena.beside import prepared
from grader.arena.ground import in_namespaces
from grader.arena.levels import Level, choose
from grader.arena.namespaces import ArenaUnavailableError, run_isolated, workspace
from grader.arena.process import run_beside
from grader.arena.sandbox import needed_paths
from grader.arena.submission import Submission, Wanted, open_submission, reworded, submission_place
from grader.examiner import Examiner, result_of
from grader.judgement.finding import Finding
from grader.launch import Launch
from grader.report import people
from grader.report.model import (
    ArenaInfo,
    Basis,
    CheckResult,
    Observed,
    Record,
    Report,
    Resources,
    Saying,
    ServerOutput,
    SpecInfo,
    SubmissionInfo,
    Verdict,
)
from grader.report.told import from_json, messages_in, messages_of, remembered, to_json
from grader.spec import Spec, is_entry, reference_server
from grader.words import Said, say

Progress = Callable[[CheckResult], None]
_BETWEEN_CALLS = 0.2


def grade(path: Path, spec: Spec, progress: Progress = lambda _: None, isolation: Level = "auto") -> Report:
    """Grade one submission; `progress` is told each check's result as soon as it is there.

    `isolation` is the level that is asked for; `auto` is the highest that this machine allows.

    Raises:
        SubmissionError: the submission cannot be graded as it was handed in.
        ArenaUnavailableError: this machine does not let us make an arena, or run such a submission in it.
    """
    work = open_submission(path, _wanted(spec))
    level, obstacle = choose(isolation)
    started, began = dt.datetime.now(dt.UTC), time.monotonic()
    if level == "namespaces":
        results, told = _in_namespaces(work, spec, _references(spec), progress)
    else:
        results, told = _beside(work, spec, obstacle, progress)
    packages = ", ".join(work.packages)
    left_out = say("Left out of the submission, as packages are no part of it: {packages}.", packages=packages)
    results += _unfinished(spec, results, told.get("late", ""))
    report = Report(
        grader=grader.__version__,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 3),
        spec=spec_info(spec),
        submission=SubmissionInfo(name=work.name, entry=work.entry, language=work.language.name, sha256=work.sha256),
        score=round(sum(result.points for result in results), 4),
        max_score=spec.max_score,
        observed=Observed.model_validate(told.get("observed", {})),
        arena=ArenaInfo.model_validate(told.get("arena", {"isolation": level})),
        checks=results,
        resources=[Resources.model_validate(stretch) for stretch in told.get("resources", [])],
        output=ServerOutput.model_validate(told.get("output", {})),
        notes=([left_out] if work.packages else []) + told.get("notes", []),
    )
    # What the arena said is plain text by now; how it was composed came with it.
    return report.model_copy(update={"messages": {**told.get("messages", {}), **messages_of(report)}})


def ungraded(path: Path, spec: Spec, why: str) -> Report:
    """The report of a submission of which nothing is known, through no fault of its own."""
    name = submission_place(path, spec.server.entry)[-1]
    report = Report(
        grader=grader.__version__,
        started=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        spec=spec_info(spec),
        submission=SubmissionInfo(name=name, entry="", language="", sha256=""),
        score=0.0,
        max_score=spec.max_score,
        checks=_unfinished(spec, [], why),
    )
    return report.model_copy(update={"messages": messages_of(report)})


def fingerprint_of(path: Path, spec: Spec) -> str:
    """The fingerprint that the report on a submission would bear: of all its files, as they would be graded.

    Raises:
        SubmissionError: the submission cannot be graded as it was handed in.
        ArenaUnavailableError: this machine could not read it.
    """
    return open_submission(path, _wanted(spec)).sha256


def spec_info(spec: Spec) -> SpecInfo:
    """What a report says of the spec that was applied."""
    return SpecInfo(id=spec.spec, title=spec.title, sha256=spec.sha256)


def _wanted(spec: Spec) -> Wanted:
    server = spec.server
    return Wanted(server.entry, server.port, server.build, server.run, server.args, spec.limits.memory)


def _references(spec: Spec) -> dict[str, Submission]:
    return {name: _reference(name, spec) for check in spec.checks for name in check.references}


def _reference(name: str, spec: Spec) -> Submission:
    folder = reference_server(name, spec.folder)
    if folder is None:
        words = say("the reference server {name} of the spec is not there any more", name=repr(name))
        raise ArenaUnavailableError(words)
    entries = sorted(file.name for file in folder.iterdir() if is_entry(file))
    return open_submission(folder, Wanted(entries, spec.server.port, memory=spec.limits.memory))


Tell = Callable[[dict[str, Any]], None]
Told = tuple[list[CheckResult], dict[str, Any]]


def _in_namespaces(work: Submission, spec: Spec, references: Mapping[str, Submission], progress: Progress) -> Told:
    needed = [Path(grader.__file__).parent, *needed_paths()]
    for each in (work, *references.values()):
        needed += each.toolchain.shown

    def fork(tell: Tell) -> int:
        return run_isolated(
            lambda: _examine(Launch(spec, work, in_namespaces(workspace(needed)), references=references), tell),
            needed,
            lambda reason: tell(_unavailable(reason)),
        )

    return _in_arena(fork, spec, progress)


def _beside(work: Submission, spec: Spec, obstacle: str, progress: Progress) -> Told:
    """At the lower level: on a port that is ours alone, and in a folder that is removed."""
    packages = [Path(grader.__file__).parent]
    with prepared(spec.server.port, obstacle, packages) as (ground, user, port):
        server = spec.server.model_copy(update={"port": port})
        offered = spec.model_copy(update={"server": server})
        there, references = reworded(work, _wanted(offered)), _references(offered)

        def fork(tell: Tell) -> int:
            return run_beside(
                lambda: _examine(Launch(offered, there, ground, references=references), tell),
                ground.workspace,
                lambda reason: tell(_unavailable(reason)),
                user,
            )

        return _in_arena(fork, spec, progress)


def _in_arena(fork: Callable[[Tell], int], spec: Spec, progress: Progress) -> Told:
    """Fork the arena and read what it tells, a JSON line for each check and others for the rest."""
    listening, telling = os.pipe()

    def tell(message: dict[str, Any]) -> None:
        os.write(telling, (json.dumps(message) + "\n").encode())

    child = fork(tell)
    os.close(telling)
    results: list[CheckResult] = []
    messages: dict[str, Saying] = {}
    rest: dict[str, Any] = {"messages": messages}
    try:
        with os.fdopen(listening, "rb") as arena:
            for line in lines_until(arena.fileno(), time.monotonic() + spec.limits.time):
                if line is None:
                    most = people.seconds(spec.limits.time)
                    rest["late"] = say("the whole grading took longer than {most}", most=most)
                    break
                told = json.loads(line)
                messages |= from_json(told.pop("messages"))
                if "check" in told:
                    results.append(CheckResult.model_validate(told["check"]))
                    progress(results[-1])
                elif "unavailable" in told:
                    raise ArenaUnavailableError(remembered(messages)(told["unavailable"]))
                else:
                    rest |= told
                if told.get("done"):
                    break  # and not only at the end of the stream, which whoever stops the keeper could put off
    finally:
        _end(child)
    return results, rest


def lines_until(fd: int, deadline: float) -> Iterator[bytes | None]:
    """The lines that come from a descriptor; None, and no more, when `deadline` (of the monotonic clock) has passed."""
    begun = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            yield None
            return
        data = os.read(fd, 1 << 16)
        if not data:
            return
        *lines, begun = (begun + data).split(b"\n")
        yield from lines


def _end(child: int) -> None:
    """However we got here, Ctrl-C included: the arena and everything in it ends now, and has ended on return."""
    try:
        os.kill(child, signal.SIGTERM)
    except ProcessLookupError:
        return
    ended = os.pidfd_open(child)
    try:
        while not select.select([ended], [], [], _BETWEEN_CALLS)[0]:
            # At level `process` a submission of the same user may have stopped it (SIGSTOP).
            os.kill(child, signal.SIGCONT)
    finally:
        os.close(ended)
    os.waitpid(child, 0)


def _examine(launch: Launch, tell: Callable[[dict[str, Any]], None]) -> None:
    tell(_with_messages("arena", launch.arena))
    examiner = Examiner(launch.spec, launch, lambda result: tell(_with_messages("check", result)))
    try:
        examiner.examine()
    except ArenaUnavailableError as error:
        tell(_unavailable(error.told))
        return
    rest = {"observed": examiner.observed.model_dump(), "output": launch.output.model_dump()}
    resources = [stretch.model_dump() for stretch in launch.usage.stretches()]
    notes = launch.notes + examiner.notes
    messages = to_json(messages_in(notes))
    tell({**rest, "resources": resources, "notes": notes, "messages": messages, "done": True})


def _with_messages(name: str, record: Record) -> dict[str, Any]:
    return {name: record.model_dump(mode="json"), "messages": to_json(messages_of(record))}


def _unavailable(reason: Said) -> dict[str, Any]:
    return {"unavailable": reason, "messages": to_json(messages_in([reason]))}


def _unfinished(spec: Spec, results: list[CheckResult], late: str) -> list[CheckResult]:
    """Checks that the arena did not live to tell, or had no time for (`late` says so): nothing is known of them."""
    done = {result.id for result in results}
    summary = late or say("the grader's arena ended before this check was decided")
    finding = Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, summary)
    return [result_of(check, finding, 0.0) for check in spec.checks if check.id not in done]
