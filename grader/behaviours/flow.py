"""Flow: messages larger than any buffer, and clients who do not read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour, message
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How
from grader.spec import Size
from grader.stage import Guest, Stage

_SMALL_BUFFER = 4096


def stall(stage: Stage, guest: Guest, request: bytes, doing: str) -> None:
    """Let a client ask for a lot and read nothing, until all has come to rest with replies held back by it."""
    guest.client.pause()
    guest.ask(request)
    rest = stage.rest()
    if rest.how is How.ENDED:
        stage.fail(rest, f"the server did not live through a client who does not read {doing}", [guest], doing=doing)


class LargeMessage(Behaviour):
    """Send back a message larger than every buffer on the way, without losing or changing a byte.

    Twice: once the client reads while it sends; once it reads only after everything has come to a standstill,
    which is when a `send()` takes less than it was given.
    """

    name: ClassVar[str] = "large_message"
    default_title: ClassVar[str] = "A large message comes back whole"
    behaviour: Literal["large_message"] = "large_message"
    size: Size = Field(default=1 << 20, ge=1024, le=64 << 20, description="how long the message is")

    def check(self, stage: Stage) -> Finding:
        request = message(1, self.size)
        (reading,) = stage.connect()
        reading.ask(request)
        stage.answered([reading], f"{self.size} bytes did not come back whole", doing="large", size=self.size)
        stage.dismiss([reading])
        (stalled,) = stage.connect(receive_buffer=_SMALL_BUFFER)
        stall(stage, stalled, request, "at first")
        stalled.client.resume()
        otherwise = f"{self.size} bytes did not come back whole to a client who read them late"
        stage.answered([stalled], otherwise, doing="large", size=self.size)
        return passed(f"{self.size} bytes came back whole, twice", size=self.size)


class SlowReader(Behaviour):
    """Serve the others while one client asks for much and does not read.

    When it reads at last, every byte must be there.
    """

    name: ClassVar[str] = "slow_reader"
    default_title: ClassVar[str] = "A client who does not read holds up nobody"
    behaviour: Literal["slow_reader"] = "slow_reader"
    size: Size = Field(default=4 << 20, ge=1 << 16, le=64 << 20, description="how much it asks for")
    others: int = Field(default=3, ge=1, le=100, description="how many others are to be served meanwhile")

    def check(self, stage: Stage) -> Finding:
        others = stage.connect(self.others)
        (slow,) = stage.connect(receive_buffer=_SMALL_BUFFER)
        stall(stage, slow, message(1, self.size), "slow_reader")
        for number, guest in enumerate(others):
            guest.ask(message(number))
        stage.answered(others, f"{slow.name} did not read, and others were not served meanwhile", doing="slow_reader")
        slow.client.resume()
        stage.answered([slow], f"{slow.name} read late, and not every byte was there", doing="slow_reader")
        return passed(f"{self.others} others were served while {slow.name} did not read", others=self.others)


BEHAVIOURS = (LargeMessage, SlowReader)
