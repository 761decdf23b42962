"""How a reference client is run by hand: its script, its options, and the command that a person types.

The parser of the scripts and the commands that reports show are both made from `Options`, so they cannot differ.
"""

from __future__ import annotations

import argparse
import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from grader.clients.personas import Persona
from grader.words import said, say

PROGRAM = ".venv/bin/python reference/clients"
"""What every command begins with, in the grader's folder."""

Part = Persona | Callable[[int], Persona]
"""A persona, or what makes one of a number: of pieces, of times."""


def _option(default: Any, words: str) -> Any:
    return field(default=default, metadata={"help": words})


@dataclass(frozen=True, slots=True)
class Options:
    """By how many, how often and with what a persona is played; every field is an option of the scripts."""

    clients: int = _option(1, "how many clients at once")
    rounds: int = _option(1, "how often, each time with new clients when those before have left")
    size: int = _option(0, "how many bytes the message is to have, by repeating it; 0 for the message as it is")
    reply: int = _option(0, "bytes of the reply to a message, where they are not as many as those of the message")
    greeting: int = _option(0, "bytes that the server says first")
    read_after: float = _option(0.0, "seconds for which nothing is read")

    def words(self) -> list[str]:
        """Those that are not as they are by default, as a command line has them."""
        given = {each.name: value for each in fields(self) if (value := getattr(self, each.name)) != each.default}
        return [word for name, value in given.items() for word in (_flag(name), _written(value))]

    @classmethod
    def declare(cls, parser: argparse.ArgumentParser) -> None:
        """Let a parser know them all."""
        for each in fields(cls):
            kind, words = type(each.default), each.metadata["help"]
            parser.add_argument(_flag(each.name), type=kind, default=each.default, metavar="N", help=words)

    @classmethod
    def parsed(cls, chosen: argparse.Namespace) -> Options:
        """Those that a parser has read."""
        return cls(**{each.name: getattr(chosen, each.name) for each in fields(cls)})


def _written(value: float) -> str:
    return f"{value:.15g}"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def number_of(part: Part) -> str:
    """The name of the number that a persona is made of, "" where it is one already: "pieces", "times"."""
    (first, *_) = inspect.signature(part).parameters
    return first if first in ("pieces", "times") else ""


def told_of(part: Part) -> str:
    """What a persona does, as a message: the first sentence of its docstring, with {number} for that it is made of."""
    words = " ".join((inspect.getdoc(part) or "").split()).partition(". ")[0].rstrip(".")
    words = words.replace(f"`{number_of(part)}`", "{number}")
    return words[:1].lower() + words[1:]


def described(part: Part, number: int = 0) -> str:
    """What a persona does: "asks, waits for the reply, and closes"."""
    return say(told_of(part), number=number) if number_of(part) else said(told_of(part))


@dataclass(frozen=True, slots=True)
class Hand:
    """One reference client as a person runs it: `number` where the persona is made of one, `message` unless its own."""

    part: Part
    options: Options = Options()
    number: int = 0
    message: str = ""

    @property
    def words(self) -> str:
        """Who does what."""
        clients, rounds = self.options.clients, self.options.rounds
        does = described(self.part, self.number)
        if clients == rounds == 1:
            return say("a client {does}", does=does)
        if clients == 1:
            return say("{rounds:,} clients, one after the other; each {does}", rounds=rounds, does=does)
        at_once = say("{clients:,} clients at once; each {does}", clients=clients, does=does)
        return say("{rounds:,} times {what}", rounds=rounds, what=at_once) if rounds > 1 else at_once

    def command(self, host: str, port: int) -> str:
        """The command that a person types."""
        number = [_flag(number_of(self.part)), str(self.number)] if self.number else []
        said = [self.message.encode("unicode_escape").decode()] if self.message else []
        words = [host, str(port), *said, *number, *self.options.words()]
        return f"{PROGRAM}/{self.part.__name__}.py {shlex.join(words)}"


def sized(message: str, size: int) -> str:
    """A message of `size` bytes, by repeating it so that it ends as it did; as it is if `size` is 0."""
    return (message * (size // len(message) + 1))[-size:] if size and message else message
