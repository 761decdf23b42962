"""The instructor's own story: steps that clients take, and what must be so in between."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Shown, Typed, clients, shown
from grader.behaviours.steps import Expect, ForEach, Payload, Quiet, Repeat, Step, numbered, problems_of
from grader.clients.personas import silent
from grader.judgement.expectations import Connected, Ended, Kernel
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.judgement.io_model import waits_of
from grader.judgement.outcome import How
from grader.judgement.protocols import Script, ScriptTranscript
from grader.report import people
from grader.report.model import Basis, StepResult, Verdict
from grader.spec import Spec
from grader.stage import Guest, Stage
from grader.words import also, either, listed, say, say_of

_PLAYED_BY_HAND = 4

Cast = dict[str, list[Guest]]


class Scenario(Behaviour):
    """Play a story of the instructor's, step by step.

    In each step all clients that it names act side by side. At the end of the story the server comes to rest, and no
    client to whom the story has last said what it receives may have received anything more.
    """

    name: ClassVar[str] = "scenario"
    default_title: ClassVar[str] = "The story goes as it should"
    behaviour: Literal["scenario"] = "scenario"
    steps: list[Step] = Field(min_length=1, max_length=100, description="what happens, in order")

    @property
    def waits_for_replies(self) -> bool:
        return False

    def problems(self, spec: Spec) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        one_reply = spec.protocol.reply != "broadcast" and not spec.protocol.suffix
        return problems_of(self.steps, exchanges=one_reply)

    def check(self, stage: Stage) -> Finding:
        stage.conversation = Script(stage.conversation)
        play = _Play(stage)
        try:
            play.steps(self.steps)
            play.nothing_more()
        except CheckFailed as failure:
            raise CheckFailed(self._with_steps(failure.finding, play)) from None
        count = len(self.steps)
        return passed(say_of(count, "its one step was taken", "all {count} steps were taken"), steps=count)

    def by_hand(self) -> Shown:
        """Those who say something are played by a person, each at a prompt; groups just come."""
        steps = [step for _, _, step in numbered(self.steps)]
        groups = {name: count for step in steps if step.connect for name, count in step.connect.items()}
        alone = [
            Typed(say("be {name}, and type what the story lets {name} say", name=name))
            for name in groups
            if groups[name] == 1
        ]
        many = [clients(silent, count) for count in groups.values() if count > 1]
        return shown(say("everybody receives what the story says"), *alone[:_PLAYED_BY_HAND], *many[:1])

    def _with_steps(self, finding: Finding, play: _Play) -> Finding:
        """The finding with how far every step got; it begins with the one that failed."""
        lines = list(numbered(self.steps))
        numbers = {path: number for path, number, _ in lines}
        failed = tuple(play.path)
        done = tuple(
            StepResult(number=number, text=str(step), state=_state(path, failed, play.taken))
            for path, number, step in lines
        )
        if failed:
            step = next(step for path, _, step in lines if path == failed)
            summary = say(
                "step {number} ({step}): {what}", number=numbers[failed], step=str(step), what=finding.summary
            )
            if times := play.time():
                summary = say(
                    "step {number}, {times} ({step}): {what}",
                    number=numbers[failed],
                    times=times,
                    step=str(step),
                    what=finding.summary,
                )
        else:
            summary = say("after the last step: {what}", what=finding.summary)
        return dataclasses.replace(finding, summary=summary, steps=done, doing="scenario")


def _state(
    path: tuple[int, ...], failed: tuple[int, ...], taken: set[tuple[int, ...]]
) -> Literal["done", "failed", "not reached"]:
    if failed and path == failed[: len(path)]:
        return "failed"
    # A step that holds others may fail when all of them have been taken.
    within = path[: len(failed)] == failed
    return "done" if not failed or (path in taken if within else path < failed) else "not reached"


class _Play:
    """One performance: who is on the stage under which name, which step it is, and which have been taken."""

    def __init__(self, stage: Stage) -> None:
        self.path: list[int] = []
        self.taken: set[tuple[int, ...]] = set()
        self._stage = stage
        self._cast: Cast = {}
        self._told: dict[str, bool] = {}
        self._rounds: list[str] = []
        self._together = False

    def time(self) -> str:
        """Which time of those that are repeated it is, "" where nothing is."""
        return listed(self._rounds)

    def steps(self, steps: list[Step]) -> None:
        for index, step in enumerate(steps):
            self.path.append(index)
            getattr(self, f"_{step.kind}")(step.value)
            self.taken.add(tuple(self.path))
            self.path.pop()

    def nothing_more(self) -> None:
        """Whoever was last told what to receive has received that and no more.

        Raises:
            CheckFailed: it has received more.
        """
        told = [guest for guest in self._everybody() if self._told.get(guest.name)]
        self._come_to_rest()
        for guest in told:
            if extra := bytes(_heard(guest)[len(guest.transcript.expected) :]):
                words = say(
                    "{client} received {what}, of which the story says nothing", client=guest.name, what=_shown(extra)
                )
                self._stage.fail_observed(words)

    def _everybody(self) -> list[Guest]:
        return [guest for group in self._cast.values() for guest in group]

    def _guests(self, names: list[str]) -> list[Guest]:
        return [guest for name in names for guest in self._cast[name]]

    def _said(self, said: Mapping[str, Payload]) -> Iterator[tuple[Guest, bytes]]:
        for name, payload in said.items():
            for number, guest in enumerate(self._cast[name], 1):
                yield guest, self._bytes(payload, number)

    def _bytes(self, payload: Payload, number: int) -> bytes:
        if payload.hex is not None:
            return bytes.fromhex(payload.hex)
        if payload.size is not None:
            return self._stage.request(number, payload.size)
        return (payload.text or "").replace("{n}", str(number)).encode()

    # Who is there.

    def _connect(self, groups: dict[str, int]) -> None:
        for name, count in groups.items():
            names = [name] if count == 1 else [f"{name} {number}" for number in range(1, count + 1)]
            self._stage.require_descriptors(len(self._everybody()) + count)
            if self._together:
                guests: list[Guest] = []
                while len(guests) < count:
                    guests += self._stage.dial(count - len(guests), names=names[len(guests) :])
            else:
                guests = self._stage.connect(count, names=names)
            self._cast[name] = guests

    def _shutdown(self, names: list[str]) -> None:
        for guest in self._guests(names):
            guest.finish()

    def _close(self, names: list[str]) -> None:
        for guest in self._guests(names):
            guest.close()
        self._gone(names)

    def _reset(self, names: list[str]) -> None:
        for guest in self._guests(names):
            guest.reset()
        self._gone(names)

    def _gone(self, names: list[str]) -> None:
        self._stage.forget(self._guests(names))
        for name in names:
            self._cast.pop(name, None)

    def _pause_reading(self, names: list[str]) -> None:
        for guest in self._guests(names):
            guest.client.pause()

    def _resume_reading(self, names: list[str]) -> None:
        for guest in self._guests(names):
            guest.client.resume()

    # What they say and hear.

    def _send(self, said: Mapping[str, Payload]) -> None:
        for guest, data in self._said(said):
            self._told[guest.name] = False
            _script(guest).sent(data)
            guest.client.send(data)

    def _receive(self, said: Mapping[str, Payload]) -> None:
        guests = []
        for guest, data in self._said(said):
            _script(guest).due(data)
            guests.append(guest)
        self._await(guests, say("what should have come did not"))

    def _exchange(self, said: Mapping[str, Payload]) -> None:
        guests = []
        for guest, data in self._said(said):
            guest.ask(self._stage.conversation.whole(data))
            guests.append(guest)
        self._await(guests, say("the reply did not come"))

    def _await(self, guests: list[Guest], otherwise: str) -> None:
        self._stage.answered(guests, otherwise)
        self._told |= {guest.name: True for guest in guests}

    def _end_of_stream(self, names: list[str]) -> None:
        guests = self._guests(names)
        self._stage.require(Ended(guests, "the end of the connections"), say("the connection was not ended"))

    def _receive_nothing_while(self, quiet: Quiet) -> None:
        # What was on its way before is none of what happens meanwhile.
        self._come_to_rest()
        guests = self._guests(quiet.clients)
        before = [len(_heard(guest)) for guest in guests]
        self.steps(quiet.steps)
        self._come_to_rest()
        for guest, start in zip(guests, before, strict=True):
            if came := bytes(_heard(guest)[start:]):
                words = say(
                    "{client} was to receive nothing, and received {what}", client=guest.name, what=_shown(came)
                )
                self._stage.fail_observed(words)

    # Together, and again.

    def _at_once(self, steps: list[Step]) -> None:
        self._together = True
        with self._stage.at_once():
            self.steps(steps)
        self._together = False
        coming = [guest for guest in self._everybody() if not guest.client.alive]
        self._stage.require(Connected(coming), say("who came in this step could not connect"))

    def _repeat(self, repeat: Repeat) -> None:
        for number in range(1, repeat.times + 1):
            with self._round(say("time {number} of {times}", number=number, times=repeat.times)):
                self.steps(repeat.steps)

    def _for_each(self, each: ForEach) -> None:
        for guest in self._cast[each.of]:
            self._cast[each.name] = [guest]
            with self._round(say("for {client}", client=guest.name)):
                self.steps(each.steps)
            self._cast.pop(each.name, None)
        here = {id(guest) for guest in self._stage.guests}
        self._cast[each.of] = [guest for guest in self._cast.pop(each.of) if id(guest) in here]

    @contextlib.contextmanager
    def _round(self, words: str) -> Iterator[None]:
        # Left as they are when a step fails: they say which round it was.
        self._rounds.append(words)
        yield
        self._rounds.pop()

    # What must be so.

    def _rest(self, _: bool) -> None:
        self._come_to_rest()

    def _come_to_rest(self) -> None:
        found = self._stage.rest()
        if found.how is How.ENDED:
            self._stage.fail(found, say("the server did not live on"), [])
        if found.starved:
            self._stage.fail(found, say("the server could not come to rest"), [])

    def _expect(self, expected: Expect) -> None:
        self._come_to_rest()
        stage = self._stage
        if _misfit(stage, expected):
            # By the clock it may still give something back, or end something: a server that is stuck will not.
            stage.settle(Kernel("the numbers that are expected", lambda: not _misfit(stage, expected)))
        if misfit := _misfit(stage, expected):
            words, seen = misfit
            stage.fail_observed(words, seen=seen)
        if expected.waits_in and set(waits := waits_of(stage.scene(watch=True))) - set(expected.waits_in):
            words = say("it waits in {seen}, and should in {right}", seen=also(waits), right=either(expected.waits_in))
            stage.fail_observed(words, waits_in=list(waits))
        if expected.memory and (held := stage.memory_held()) > expected.memory:
            most = people.size(expected.memory)
            words = say("it holds {held} of memory, {most} are allowed", held=people.size(held), most=most)
            stage.fail_observed(words, memory=held)
        if expected.output and not re.search(expected.output, printed := stage.printed()):
            words = say("it has not printed what matches {expression}", expression=repr(expected.output))
            stage.fail_observed(words, printed=printed[-200:])
        if expected.duty:
            self._quiet(expected.duty)

    def _quiet(self, ceiling: float) -> None:
        if (rest := self._stage.rest()).how is How.STUCK:
            return
        duty = self._stage.duty(ceiling, rest)
        if duty is None:
            words = say("this machine does not tell how busy the server is")
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words))
        if duty.share > ceiling:
            words = say("it is busy: duty {duty:.0%} of a core, {most:.0%} is allowed", duty=duty.share, most=ceiling)
            self._stage.fail_observed(words, duty=round(duty.share, 3))


def _misfit(stage: Stage, expected: Expect) -> tuple[str, int] | None:
    """The first number that is not as expected: in words, and itself."""
    counts = stage.counts()
    for words, amount, seen in (
        (say("threads"), expected.threads, stage.threads()),
        (say("processes"), expected.processes, counts.processes),
        (say("open sockets"), expected.open_sockets, counts.sockets),
    ):
        if amount and not amount.allows(seen):
            found = say("it has {seen} {what}, and should have {right}", seen=seen, what=words, right=amount.words)
            return found, seen
    return None


def _script(guest: Guest) -> ScriptTranscript:
    assert isinstance(guest.transcript, ScriptTranscript)  # noqa: S101 - everybody here came after the story began
    return guest.transcript


def _heard(guest: Guest) -> bytearray:
    return _script(guest).heard


def _shown(data: bytes) -> str:
    text = repr(data[:40])[1:]
    more = len(data) - 40  # as many as shown
    return text if more <= 0 else say("{bytes} and {more} bytes more", bytes=text, more=more)


BEHAVIOURS = (Scenario,)
