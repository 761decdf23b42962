"""What is asked of a server that has just failed a check, while it still stands there: where, why, and what then."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import chain

from grader.arena.files import Files
from grader.arena.submission import source_lines
from grader.evidence.records import ClientPhase, Frame, Pass, Stack, ThreadSample
from grader.judgement import picture, raw, source
from grader.judgement.diagnosis import Case, Misheard, diagnose
from grader.judgement.duty import PLAINLY_BUSY
from grader.judgement.explain import named, standings, thread_names
from grader.judgement.finding import Finding
from grader.judgement.transcript import Transcript
from grader.report.model import Basis, Diagnosis, Excerpt, Stood, Verdict
from grader.spec import Protocol
from grader.stage import Guest, Stage
from grader.words import mark, say

Thread = tuple[int, int]

_AROUND = 4
_MORE_SPIN_SAMPLES, _MORE_LOOKS = 5, 3
_MOST_STOOD = 4
_FIRST = 1 << 17
_MOST_IMPORTED = 1 << 18
_DECIDED = {
    Basis.PROOF: mark("proved: nothing more can happen"),
    Basis.OBSERVATION: mark("seen"),
    Basis.BUDGET: mark("budget spent"),
}


def inquire(stage: Stage, finding: Finding, files: Files, seconds: float, protocol: Protocol) -> dict[str, object]:
    """The parts of a check's result that explain it: diagnosis, where the server stood, raw evidence, timeline."""
    decided_ns = stage.began_ns + int(seconds * 1e9)
    look = finding.evidence.second if finding.evidence else stage.look()[0]
    stacks = finding.stacks or (() if finding.ended else stage.stacks(look))
    spinning = finding.basis is not Basis.PROOF and not finding.ended and _spins(finding, look, stage)
    if spinning:
        stacks += () if finding.stacks else stage.python_stacks(look, _MORE_SPIN_SAMPLES)
        # If all were seen asleep at once, then only for a moment between two turns.
        finding = replace(finding, evidence=None)
    case = replace(_case(stage, finding, files, stacks, spinning=spinning), protocol=protocol)
    diagnosis = diagnose(case) if finding.verdict is Verdict.FAIL else None
    frames, running = _own_frames(stacks), _running(look, stage) if spinning else set()
    if spinning and diagnosis and diagnosis.file and diagnosis.line:
        # A thread that spins is at many lines in turn; the one to look at is that of the mistake.
        lines = case.sources.get(diagnosis.file, [])
        function = source.function_at(lines, diagnosis.line)
        frames |= dict.fromkeys(running, Frame(function, diagnosis.file, diagnosis.line, own=True))
    stood = _stood(finding, look, frames, files, running, told=stage.abilities.calls)
    if diagnosis and diagnosis.file and diagnosis.line:
        if not stood:
            stood = [_crashed(diagnosis, case, files)]
        elif (diagnosis.file, diagnosis.line) not in {(s.file, s.line) for s in stood}:
            shown = excerpt(files, diagnosis.file, diagnosis.line)
            diagnosis = diagnosis.model_copy(update={"excerpt": shown})
    # Of a server that has ended only the picture still knows the threads.
    stretches = stage.lifelines.stretches()
    timeline = picture.draw(
        stage.journal.entries,
        stretches,
        thread_names(look.threads) or named((stretch.pid, stretch.tid) for stretch in stretches),
        stage.began_ns,
        min(decided_ns, time.monotonic_ns()),
        _DECIDED[finding.basis],
        stage.journal.dropped,
        {} if finding.ended else _standing(look, frames),
    )
    lines = raw.evidence_lines(finding.evidence) if finding.evidence else raw.look_lines(look)
    return {"diagnosis": diagnosis, "stood": stood, "evidence": lines, "timeline": timeline}


def _spins(finding: Finding, look: Pass, stage: Stage) -> bool:
    """Whether the server runs without pause: as the check has measured it, or else over some time from now on."""
    duty = finding.facts.get("duty")
    if isinstance(duty, float) and duty >= PLAINLY_BUSY:
        return True
    return _runs(look, stage) and stage.spins()


def _runs(look: Pass, stage: Stage) -> bool:
    """Whether some thread is on the CPU or wants to be; further looks catch one that was between two rounds."""
    looks = chain([look], (stage.look()[0] for _ in range(_MORE_LOOKS)))
    return any(sample.call is None for one in looks for sample in one.threads)


def _case(stage: Stage, finding: Finding, files: Files, stacks: tuple[Stack, ...], *, spinning: bool) -> Case:
    stage.server.output.drain()
    sockets = stage.table.read()
    output, inside = stage.server.output, stage.server.inside
    printed = source.last_traceback(output.text, inside)
    traceback = None
    if finding.ended:
        traceback = printed
    elif "workers_lost" in finding.facts:
        # Others may have ended since, each in a line of its own; whose end came last is luck.
        traceback = source.first_traceback(output.since(stage.printed_before), inside)
    named = {frame.file for stack in stacks for frame in stack.frames if frame.own}
    if traceback and traceback.file:
        named.add(traceback.file)
    if not named:
        named = {name for name in files if name.endswith(".py")}
        named = named if len(named) == 1 else set()
    return Case(
        doing=finding.doing,
        summary=finding.summary,
        ended=finding.ended,
        spinning=spinning,
        evidence=finding.evidence,
        sockets=sockets,
        stacks=stacks,
        sources=_with_imports(named, files),
        traceback=traceback,
        workers=str(finding.facts.get("workers", "")),
        workers_asked=tuple(stage.allowed.get("workers", ())),
        model=stage.model_name,
        unserved=finding.unserved,
        facts=finding.facts,
        processes=() if finding.ended else stage.reader.processes(sockets),
        wrong=tuple(wrong for guest in stage.guests if (wrong := _misheard(guest.transcript))),
        turned_away=tuple(guest.name for guest in stage.guests if _is_turned_away(guest)),
        complained=printed is not None,
        status=stage.server.poll() if finding.ended else None,
        processes_seen=len({stretch.pid for stretch in stage.lifelines.stretches()}),
    )


def _with_imports(names: set[str], files: Files) -> dict[str, list[str]]:
    """The lines of these files, and of what they import of the submission, whether or not it was seen there.

    What is imported counts only as far as a person can have written it all.
    """
    found = {name: source_lines(files, name) for name in sorted(names)}
    waiting, room = list(found), _MOST_IMPORTED
    while waiting and room > 0:
        name = waiting.pop(0)
        for more in sorted(source.imported(found[name], name, files) - found.keys()):
            found[more] = source_lines(files, more)
            room -= sum(map(len, found[more])) + len(found[more]) + 1
            waiting.append(more)
    return found


def _is_turned_away(guest: Guest) -> bool:
    waits = guest.transcript.missing and not guest.transcript.mismatch
    return bool(guest.ending and waits and guest.client.state().phase is ClientPhase.OPEN)


def _misheard(transcript: Transcript) -> Misheard | None:
    if transcript.mismatch is None:
        return None
    return Misheard(transcript.mismatch, bytes(transcript.expected[:_FIRST]))


def _own_frames(stacks: tuple[Stack, ...]) -> dict[Thread, Frame]:
    """Where each thread was seen first in the student's own files."""
    return {(stack.pid, stack.tid): frame for stack in reversed(stacks) if (frame := stack.own_frame)}


def _running(look: Pass, stage: Stage) -> set[Thread]:
    """The threads that ran at that look, or have used the CPU since: those that spin, of a server that does."""
    before = {(s.pid, s.tid): s for s in look.students}
    ran = {key for key, sample in before.items() if sample.call is None}
    for sample in stage.look()[0].students:
        earlier = before.get((sample.pid, sample.tid), sample)
        if sample.counters.cpu_ns != earlier.counters.cpu_ns:
            ran.add((sample.pid, sample.tid))
    return ran


def _stood(
    finding: Finding, look: Pass, frames: dict[Thread, Frame], files: Files, running: set[Thread], *, told: bool
) -> list[Stood]:
    """Where the threads stood, those at one line together, and first those that spin.

    `told`: the kernel tells what call a thread is in.
    """
    if finding.evidence:
        where = [((s.pid, s.tid), s.thread, s.call, s.waits_for) for s in standings(finding.evidence)]
    else:
        names = thread_names(look.threads)
        calls = {(s.pid, s.tid): _call(s, told=told) for s in look.students}
        spin = [(key, names[key], say("running"), "") for key in calls if key in running]
        where = spin + [(key, names[key], call, "") for key, call in calls.items() if key not in running]
    together: dict[object, list[Stood]] = {}
    for key, thread, call, waits_for in where:
        stood = Stood(thread=thread, call=call, waits_for=waits_for)
        if frame := frames.get(key):
            stood = stood.model_copy(update={"function": frame.function, "file": frame.file, "line": frame.line})
        alike = (frame.file, frame.line, key in running) if frame else key
        together.setdefault(alike, []).append(stood)
    return [_one_of(those, files) for those in list(together.values())[:_MOST_STOOD]]


def _standing(look: Pass, frames: dict[Thread, Frame]) -> dict[Thread, int | None]:
    """The threads that are there, each with the line at which it stands, where it is known."""
    at = {key: frame.line for key, frame in frames.items()}
    return {(sample.pid, sample.tid): at.get((sample.pid, sample.tid)) for sample in look.threads}


def _call(sample: ThreadSample, *, told: bool) -> str:
    if sample.call:
        return sample.call.name
    return say("running") if told else say("a call that this machine does not tell")


def _one_of(alike: list[Stood], files: Files) -> Stood:
    first, more = alike[0], len(alike) - 1
    name = first.thread
    if more:
        name = say("{thread} (and {more} more at the same line)", thread=name, more=more)
    shown = excerpt(files, first.file, first.line) if first.file and first.line else None
    return first.model_copy(update={"thread": name, "excerpt": shown})


def _crashed(diagnosis: Diagnosis, case: Case, files: Files) -> Stood:
    file, line = diagnosis.file or "", diagnosis.line or 0
    how = say("ended with {exception}", exception=case.traceback.kind) if case.traceback else say("ended")
    return Stood(thread=say("main thread"), call=how, file=file, line=line, excerpt=excerpt(files, file, line))


def excerpt(files: Files, file: str, line: int) -> Excerpt | None:
    """The lines around `line` of a file of the submission, or None if it has no such line."""
    lines = source_lines(files, file)
    if not 1 <= line <= len(lines):
        return None
    first = max(line - _AROUND, 1)
    return Excerpt(file=file, first_line=first, lines=lines[first - 1 : line + _AROUND], marked=line)
