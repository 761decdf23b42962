"""Runs a persona from the command line against any server, telling each step as it happens."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from grader.clients.client import Client
from grader.clients.crowd import Crowd
from grader.clients.hands import Options, Part, number_of, sized
from grader.clients.journal import Entry, Journal
from grader.clients.personas import Persona, Steps, Until
from grader.clients.speaker import ClientSpeaker
from grader.evidence.records import ClientPhase
from grader.evidence.sock_diag import SocketTable

_WORDS = {
    "connect": "connects",
    "connected": "is connected",
    "refused": "was refused",
    "send": "sends",
    "receive": "receives",
    "shutdown": "sends no more (FIN)",
    "close": "closes",
    "reset": "resets",
    "end_of_stream": "sees the end of the stream (FIN)",
    "reset_received": "sees a reset (RST)",
    "pause": "stops reading",
    "resume": "reads again",
}
_PATIENCE, _SOON = 0.5, 0.01
_FEW = 12
_SPARE = 64


@dataclass
class Talk(ClientSpeaker):
    """A speaker for people to watch: `due` bytes are to come, as many for each message as `reply`, or as itself has.

    `table` shows what the server has read, where it runs on the same machine.
    """

    table: SocketTable
    reply: int = 0
    due: int = 0

    def announce(self, message: bytes) -> None:
        """Count on a reply to a request that will be sent in pieces."""
        self.due += self.reply or len(message)

    def so(self, until: Until) -> bool:
        """Whether what a persona waits for has come."""
        match until:
            case Until.ANSWERED:
                return bool(self.client.ending) or self.client.received >= self.due
            case Until.ENDED:
                return bool(self.client.ending)
            case Until.TAKEN:
                return bool(self.client.ending) or (not self.client.wants_to_write and self._read())

    def _read(self) -> bool:
        sides = {(entry.local_port, entry.remote_port): entry for entry in self.table.read()}
        side = sides.get(self.client.ports)
        return side is None or (side.receive_queue == 0 and side.received >= self.client.sent)


class Narrator(Journal):
    """A journal that prints what it is told; of a crowd, only what should not happen."""

    def __init__(self, *, crowded: bool) -> None:
        super().__init__()
        self._crowded = crowded
        self._began_ns = time.monotonic_ns()

    def note(self, client: str, kind: str, data: bytes = b"", detail: str = "") -> None:
        """Write down an event, and say it."""
        super().note(client, kind, data, detail)
        if not self._crowded:
            entry = (self._last or self._first)[-1]
            self.say(_line(entry), entry.at_ns)

    def say(self, words: str, at_ns: int = 0) -> None:
        """Print a line with its time."""
        click.echo(f"{((at_ns or time.monotonic_ns()) - self._began_ns) / 1e6:9.1f} ms  {words}")


def _line(entry: Entry) -> str:
    size = f", {entry.size} bytes" if entry.size else ""
    detail = f" {entry.detail}" if entry.detail else ""
    return f"{entry.client} {_WORDS.get(entry.kind, entry.kind)}{detail}{size}"


@dataclass
class _Player:
    """One client in its part: what it waits for now, until it stays or is over."""

    talk: Talk
    steps: Steps
    until: Until | None = None
    begun: bool = False
    stays: bool = field(default=False, init=False)

    @property
    def client(self) -> Client:
        return self.talk.client

    @property
    def over(self) -> bool:
        """Whether it has left, or the server has ended its connection and it has nothing more to do."""
        return bool(self.client.refused) or (self.stays and (self.client.fileno() < 0 or bool(self.client.ending)))

    @property
    def waits(self) -> bool:
        """Whether it waits for something that the server should do."""
        return not self.stays and not self.client.refused

    def go_on(self) -> bool:
        """Play on as far as it goes; whether anything was done."""
        if not self.waits or self.client.phase is ClientPhase.CONNECTING:
            return False
        moved = False
        while not self.stays and (not self.begun or self.until is None or self.talk.so(self.until)):
            self.begun = moved = True
            self.until = next(self.steps, None)
            self.stays = self.until is None
        return moved


def run(part: Part, about: str | None, message: str = "hello\n", number: int = 0) -> None:
    """Parse HOST PORT [MESSAGE] and options, play the persona, and stay connected until it or the server has left.

    `number` is that of which the persona is made by default, where it is made of one.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("message", nargs="?", default=message, help=r"what it says; \n is a line end, {n} its number")
    if name := number_of(part):
        parser.add_argument(f"--{name}", type=int, default=number, help=f"how many {name}")
    Options.declare(parser)
    chosen = parser.parse_args()
    persona: Persona = part(getattr(chosen, name)) if name else part  # type: ignore[assignment,call-arg]
    options = Options.parsed(chosen)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = options.clients + _SPARE
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
    play = _Performance(persona, options, sized(_unescaped(chosen.message), options.size))
    done = [play.round(chosen.host, chosen.port) for _ in range(options.rounds)]
    sys.exit(0 if all(done) else 1)


def _unescaped(text: str) -> str:
    return text.replace(r"\r", "\r").replace(r"\n", "\n")


class _Performance:
    """A persona played by some clients side by side, as often as is asked for."""

    def __init__(self, persona: Persona, options: Options, message: str) -> None:
        self._persona, self._options, self._message = persona, options, message
        self._narrator = Narrator(crowded=options.clients > _FEW)
        self._table = SocketTable()
        self._said = ""
        self._came = 0

    def round(self, host: str, port: int) -> bool:
        """Let new clients play until all have left; whether none was refused."""
        crowd = Crowd()
        players = [self._connect(crowd, host, port) for _ in range(self._options.clients)]
        try:
            self._play(crowd, players)
        except KeyboardInterrupt:
            for player in players:
                player.client.close()
        refused = sum(bool(player.client.refused) for player in players)
        if self._options.clients > _FEW:
            self._say(players)
        return not refused

    def _connect(self, crowd: Crowd, host: str, port: int) -> _Player:
        self._came += 1
        several = self._options.clients * self._options.rounds > 1
        name = f"{self._persona.__name__} {self._came}" if several else self._persona.__name__
        client = Client(name, self._narrator, crowd=crowd)
        if self._options.read_after:
            client.reads = False
        client.connect(host, port)
        talk = Talk(client, self._table, self._options.reply, self._options.greeting)
        message = self._message.replace("{n}", str(self._came)).encode()
        return _Player(talk, self._persona(talk, message))

    def _play(self, crowd: Crowd, players: Sequence[_Player]) -> None:
        began = heard = time.monotonic()
        late, told, before = self._options.read_after, False, -1
        while not all(player.over for player in players):
            crowd.wait(_SOON if any(player.until is Until.TAKEN for player in players) else _PATIENCE / 5)
            crowd.pump()
            moved = [player.go_on() for player in players]
            now, moves = time.monotonic(), sum(player.client.received + player.client.sent for player in players)
            if late and now - began >= late:
                late = 0.0
                for player in players:
                    player.client.resume()
            if any(moved) or moves != before:
                heard, before = now, moves
            elif now - heard >= _PATIENCE:
                heard = now
                self._say_who_waits(players)
            if not told and not any(player.waits for player in players):
                told = True
                self._say_who_stays(players)

    def _say_who_stays(self, players: Sequence[_Player]) -> None:
        if staying := sum(not player.over for player in players):
            click.echo(f"{'it stays' if staying == 1 else f'{staying} stay'} connected; Ctrl-C to leave")

    def _say_who_waits(self, players: Sequence[_Player]) -> None:
        if any(player.waits for player in players):
            self._say(players)

    def _say(self, players: Sequence[_Player]) -> None:
        counts = {
            "answered": sum(0 < player.talk.due <= player.client.received for player in players),
            "still waiting for a reply": sum(player.waits and player.until is not Until.TAKEN for player in players),
            "still waiting to be read": sum(player.waits and player.until is Until.TAKEN for player in players),
            "refused": sum(bool(player.client.refused) for player in players),
            "ended by the server": sum(bool(player.client.ending) for player in players),
        }
        words = ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "answered")
        if words != self._said:
            self._said = words
            self._narrator.say(f"of {len(players)} clients: {words}")
