"""Flow: messages larger than any buffer, and clients who do not read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Look, Shown, clients, shown
from grader.clients.personas import polite, talking, unreading
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How
from grader.report import people
from grader.spec import Size
from grader.stage import SMALL_BUFFER, Guest, Stage
from grader.words import clauses, say, together

_MOST_ASKED, _LEAST_KEPT = 64 << 20, 1 << 18
_TAKEN_WHOLE = 1 << 15
_ASKED_AT_A_TIME = 1 << 20
_TIMES_BY_HAND = 4
_COPIES = 4
"""So many times over a server may hold what it keeps for a client: as it came, as it goes out, and room to grow."""


def one_to_hold_back(stage: Stage) -> tuple[Guest, int]:
    """Connect a client who will not read for a while, and how much the server is to be left with that it reads for it.

    One that naps or polls may take long to fill the kernel's buffers, and whether it loses something may depend on
    when its naps end. So to such a server comes a client for whom the kernel takes little, and it is left with much.
    """
    if stage.rest().how is How.SPENT:
        return stage.connect_narrow(), _LEAST_KEPT
    (guest,) = stage.connect(receive_buffer=SMALL_BUFFER)
    return guest, 0


def hold_back(stage: Stage, guest: Guest, size: int, kept: int, doing: str) -> None:
    """Let a client ask again and again without reading, until what the server has for it fills every buffer."""
    rest = stage.stall([guest], stage.request(1, size), most=max(_MOST_ASKED, size), kept=kept)
    if rest.how is How.ENDED:
        words = say(
            "the server did not live through a client who asks for {size} bytes and does not read",
            size=guest.transcript.missing,
        )
        stage.fail(rest, words, [guest], doing=doing)


class LargeMessage(Behaviour):
    """Send back messages larger than every buffer on the way, without losing or changing a byte.

    First the client reads while it sends. Then it asks again and begins to read only when the server can send no
    more: that is when a `send()` takes less than it is given, whatever the size of the kernel's buffers.
    """

    name: ClassVar[str] = "large_message"
    default_title: ClassVar[str] = "A large message comes back whole"
    behaviour: Literal["large_message"] = "large_message"
    size: Size = Field(default=1 << 20, ge=1024, le=64 << 20, description="how long the message is")

    def check(self, stage: Stage) -> Finding:
        # The same client twice: another one, or one that leaves, would be the subject of other checks.
        guest, kept = one_to_hold_back(stage)
        size = min(self.size, _TAKEN_WHOLE) if kept else self.size
        guest.ask(stage.request(1, size))
        otherwise = say("{size} bytes did not come back whole", size=size)
        stage.answered([guest], otherwise, doing="large", size=size)
        before = len(guest.transcript.expected)
        hold_back(stage, guest, self.size, kept, "large")
        late = len(guest.transcript.expected) - before
        guest.client.resume()
        otherwise = say("{size} bytes did not come back whole to a client who read them late", size=late)
        stage.answered([guest], otherwise, doing="large", size=late)
        summary = say(
            "{size} bytes came back whole, and then {late} to a client who read them late", size=size, late=late
        )
        return passed(summary, size=size, late=late)

    def by_hand(self) -> Shown:
        late = clients(talking, size=self.size * _TIMES_BY_HAND, read_after=2)
        right = say("both get back every byte, the one who reads late too")
        return shown(right, clients(talking, size=self.size), late)


class SlowReader(Behaviour):
    """Serve the others while one client asks for more than every buffer holds, and does not read.

    When it reads at last, every byte must be there.
    """

    name: ClassVar[str] = "slow_reader"
    default_title: ClassVar[str] = "A client who does not read holds up nobody"
    behaviour: Literal["slow_reader"] = "slow_reader"
    size: Size = Field(default=1 << 20, ge=1 << 16, le=64 << 20, description="how much it asks for at a time")
    others: int = Field(default=3, ge=1, le=100, description="how many others are to be served meanwhile")

    def check(self, stage: Stage) -> Finding:
        others = stage.connect(self.others)
        slow, kept = one_to_hold_back(stage)
        hold_back(stage, slow, self.size, kept, "slow_reader")
        for number, guest in enumerate(others):
            guest.ask(stage.request(number))
        unserved = say("{client} did not read, and others were not served meanwhile", client=slow.name)
        stage.answered(others, unserved, doing="slow_reader")
        slow.client.resume()
        incomplete = say("{client} read late, and not every byte was there", client=slow.name)
        stage.answered([slow], incomplete, doing="slow_reader")
        summary = say("{others} others were served while {client} did not read", others=self.others, client=slow.name)
        return passed(summary, others=self.others)

    def by_hand(self) -> Shown:
        right = say("the others are answered while the first does not read")
        return shown(right, clients(unreading), clients(polite, self.others))


class MemoryCeiling(Behaviour):
    """Hold only so much for a client who asks and asks and does not read.

    The client asks until the server takes no more from it, or until it has asked for all that is stated. What the
    server's processes hold then, beyond what they held before, must stay below the ceiling: a server that keeps
    whatever it cannot send can be filled up by anybody. Where next to nothing of it is kept for that client, the
    memory has grown for another reason (a runtime that clears up late), which is none of this check's.
    """

    name: ClassVar[str] = "memory_ceiling"
    default_title: ClassVar[str] = "A client who does not read does not fill the memory"
    behaviour: Literal["memory_ceiling"] = "memory_ceiling"
    asked: Size = Field(default=64 << 20, ge=1 << 20, le=4 << 30, description="how much the client asks for at most")
    at_most: Size = Field(default=16 << 20, ge=1 << 16, le=4 << 30, description="how much more memory may be held")

    def check(self, stage: Stage) -> Finding:
        (guest,) = stage.connect(receive_buffer=SMALL_BUFFER)
        guest.ask(stage.request(0))
        stage.answered([guest], say("not even the first message was answered"), doing="memory")
        stage.rest()
        before, request = stage.memory_held(), stage.request(1, _ASKED_AT_A_TIME)
        guest.client.pause()
        asked = 0
        while asked < self.asked and not guest.client.wants_to_write:
            guest.ask(request)
            asked += len(request)
            if (rest := stage.rest()).how is How.ENDED:
                words = say("the server did not live through {asked} bytes asked by one client", asked=asked)
                stage.fail(rest, words, [guest])
        held = max(stage.memory_held() - before, 0)
        taken, kept = guest.client.sent, stage.kept_for(guest)
        summary: str = say(
            "of a client who does not read it took {taken} and holds {held} more than before",
            taken=people.size(taken),
            held=people.size(held),
        )
        if held > self.at_most and kept * _COPIES > self.at_most:
            summary = together([summary, say("{most} are allowed", most=people.size(self.at_most))])
            stage.fail_observed(summary, doing="memory", asked=asked, taken=taken, held=held, kept=kept)
        if held > self.at_most:
            summary = clauses([summary, say("{kept} of that for this client", kept=people.size(kept))])
        return passed(summary, asked=asked, taken=taken, held=held, kept=kept)

    def by_hand(self) -> Shown:
        right = say("it holds at most {most} more than before", most=people.size(self.at_most))
        return shown(right, Look.MEMORY, clients(unreading, size=self.asked), Look.MEMORY)


BEHAVIOURS = (LargeMessage, SlowReader, MemoryCeiling)
