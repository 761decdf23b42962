"""The step language of `scenario`: what each step may say, and what of it makes sense where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from grader.spec import Part, Percent, Size, Strings, WaitsIn, as_list, compiled, nearest
from grader.words import also, say

Path = tuple[str | int, ...]
Problem = tuple[Path, str, str]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_MOST_MEMBERS = 1000


class _Short(Part):
    """A part that may be written as one plain value in place of a mapping."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(core))
        field, kind = cls._short()
        short = {"type": kind, "description": f"the same as {field}"}
        return {"anyOf": [short, whole]}

    @classmethod
    def _short(cls) -> tuple[str, str]:
        raise NotImplementedError

    @model_validator(mode="before")
    @classmethod
    def _from_plain_value(cls, value: Any) -> Any:
        return value if isinstance(value, dict | cls) else {cls._short()[0]: value}


class Payload(_Short):
    """Bytes to send or to receive: text, or bytes in hexadecimal, or so many bytes of the protocol's requests."""

    text: str | None = Field(default=None, max_length=65536, description="UTF-8 text; {n} is a group member's number")
    hex: str | None = Field(default=None, pattern=r"^([0-9a-fA-F]{2}[ \t\r\n]*)+$", description="bytes in hexadecimal")
    size: Size | None = Field(default=None, ge=1, le=64 << 20, description="a request of this length, made up")

    @classmethod
    def _short(cls) -> tuple[str, str]:
        return "text", "string"

    @model_validator(mode="after")
    def _one_of_them(self) -> Payload:
        if len(self.model_fields_set) != 1:
            raise ValueError("write text, or one of hex and size")
        return self


class Amount(_Short):
    """A number, exactly or within bounds."""

    exactly: int | None = Field(default=None, ge=0, description="this many")
    at_least: int | None = Field(default=None, ge=0, description="not fewer")
    at_most: int | None = Field(default=None, ge=0, description="not more")

    @classmethod
    def _short(cls) -> tuple[str, str]:
        return "exactly", "integer"

    @model_validator(mode="after")
    def _something(self) -> Amount:
        if not self.model_fields_set:
            raise ValueError("write a number, or at_least and at_most")
        return self

    def allows(self, number: int) -> bool:
        """Whether a number is within the bounds."""
        if self.exactly is not None:
            return number == self.exactly
        return (self.at_least or 0) <= number and (self.at_most is None or number <= self.at_most)

    def __str__(self) -> str:
        return str(self.words)

    @property
    def words(self) -> str:
        """The bounds in words."""
        if self.exactly is not None:
            return str(self.exactly)
        least = [] if self.at_least is None else [say("at least {least}", least=self.at_least)]
        most = [] if self.at_most is None else [say("at most {most}", most=self.at_most)]
        return also([*least, *most])


def _groups(value: Any) -> Any:
    """`ann`, `[ann, bob]` and `{crowd: 20}` all say who comes and how many of them."""
    if isinstance(value, str):
        return {value: 1}
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return dict.fromkeys(value, 1)
    return value


def _or_shorter(*forms: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Tells the JSON Schema of a field in which shorter forms it may be written."""

    def extend(schema: dict[str, Any]) -> None:
        one = {key: schema.pop(key) for key in ("type", "items", "minItems") if key in schema}
        schema["anyOf"] = [*forms, *schema.get("anyOf", [one])]

    return extend


def _without_null(schema: dict[str, Any]) -> None:
    """The JSON Schema of a step: one key, and something behind it."""
    for described in schema["properties"].values():
        described.pop("default", None)
        described["anyOf"] = [form for form in described.get("anyOf", ()) if form != {"type": "null"}]
    schema |= {"minProperties": 1, "maxProperties": 1}


_WORD: dict[str, Any] = {"type": "string"}
_WORDS: dict[str, Any] = {"type": "array", "items": _WORD, "minItems": 1}

Groups = Annotated[
    dict[str, Annotated[int, Field(ge=1, le=_MOST_MEMBERS)]], BeforeValidator(_groups), Field(min_length=1)
]
Said = Annotated[dict[str, Payload], Field(min_length=1)]
Names = Annotated[Strings, Field(min_length=1)]


class Expect(Part):
    """What must be so when the server has come to rest."""

    duty: Percent | None = Field(default=None, gt=0, le=1, description="at most this share of a core")
    threads: Amount | None = Field(default=None, description="threads of all its processes")
    processes: Amount | None = Field(default=None, description="processes")
    open_sockets: Amount | None = Field(default=None, description="TCP sockets that it holds, the listener included")
    waits_in: Annotated[list[WaitsIn], BeforeValidator(as_list)] = Field(
        default_factory=list,
        description="the calls in which it may wait for the network",
        json_schema_extra=_or_shorter({"enum": list(get_args(WaitsIn))}),
    )
    memory: Size | None = Field(default=None, ge=1, description="at most this much resident memory")
    output: str = Field(default="", description="a regular expression that is found in what it has printed")

    @model_validator(mode="after")
    def _right(self) -> Expect:
        if not self.model_fields_set:
            raise ValueError(f"say what is expected: {', '.join(Expect.model_fields)}")
        try:
            compiled(self.output)
        except ValueError as error:
            raise ValueError(f"the regular expression of output is not right: {error}") from None
        return self


class Quiet(Part):
    """Steps during which some clients must receive nothing."""

    clients: Names = Field(description="who must receive nothing", json_schema_extra=_or_shorter(_WORD))
    steps: list[Step] = Field(min_length=1, max_length=100, description="what happens meanwhile")


class Repeat(Part):
    """Steps again and again."""

    times: int = Field(ge=1, le=1000, description="how often")
    steps: list[Step] = Field(min_length=1, max_length=100, description="what is done each time")


class ForEach(Part):
    """Steps for each client of a group, one after the other."""

    of: str = Field(description="the group")
    name: str = Field(default="one", description="what the client whose turn it is is called in the steps")
    steps: list[Step] = Field(min_length=1, max_length=100, description="what each of them does")


class Step(Part):
    """One step: a mapping with one key, which says what is done."""

    model_config = ConfigDict(json_schema_extra=_without_null)

    connect: Groups | None = Field(
        default=None,
        description="these connect, and the greeting is due to them; {crowd: 20} is a group",
        json_schema_extra=_or_shorter(_WORD, _WORDS),
    )
    send: Said | None = Field(default=None, description="each sends this; nothing is awaited")
    receive: Said | None = Field(default=None, description="each receives exactly this next")
    exchange: Said | None = Field(default=None, description="each asks this, and receives the protocol's reply")
    receive_nothing_while: Quiet | None = Field(default=None, description="some receive nothing during some steps")
    shutdown: Names | None = Field(
        default=None, description="these send no more (half-close)", json_schema_extra=_or_shorter(_WORD)
    )
    close: Names | None = Field(default=None, description="these leave", json_schema_extra=_or_shorter(_WORD))
    reset: Names | None = Field(
        default=None, description="these leave with a reset", json_schema_extra=_or_shorter(_WORD)
    )
    pause_reading: Names | None = Field(
        default=None, description="these do not read any more", json_schema_extra=_or_shorter(_WORD)
    )
    resume_reading: Names | None = Field(
        default=None, description="these read again", json_schema_extra=_or_shorter(_WORD)
    )
    end_of_stream: Names | None = Field(
        default=None, description="the server ends the connections of these", json_schema_extra=_or_shorter(_WORD)
    )
    rest: Literal[True] | None = Field(default=None, description="the server comes to rest")
    expect: Expect | None = Field(default=None, description="the server comes to rest, and this is so")
    at_once: list[Step] | None = Field(
        default=None, min_length=1, max_length=100, description="the server sees all of this at one moment"
    )
    repeat: Repeat | None = Field(default=None, description="steps again and again")
    for_each: ForEach | None = Field(default=None, description="steps for each client of a group")

    @model_validator(mode="after")
    def _one_key(self) -> Step:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"a step says one thing: {', '.join(Step.model_fields)}")
        if self.value is None:
            raise ValueError(f"there is nothing behind {self.kind!r}")
        return self

    @property
    def kind(self) -> str:
        """Its one key."""
        return next(iter(self.model_fields_set))

    @property
    def value(self) -> Any:
        """What stands behind its key."""
        return getattr(self, self.kind)

    @property
    def inner(self) -> list[Step]:
        """The steps within it."""
        value = self.value
        return value if self.kind == "at_once" else getattr(value, "steps", [])

    def __str__(self) -> str:
        shown = "" if self.kind == "at_once" else _shown(self.model_dump(mode="json", exclude_unset=True)[self.kind])
        return f"{self.kind}: {shown}" if shown else self.kind


_WITHOUT_WAITING = ("connect", "send", "shutdown", "close", "reset")
_ABOUT_THE_SERVER = ("rest", "expect")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        if len(value) == 1 and (key := next(iter(value))) in ("text", "exactly"):
            return _shown(value[key])
        if all(item == 1 and item is not True for item in value.values()):
            return _shown(list(value))
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items() if key != "steps") + "}"
    if isinstance(value, list) and len(value) == 1:
        return _shown(value[0])
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return {True: "true"}.get(value, str(value)) if isinstance(value, bool) else _line(str(value))


def _line(text: str) -> str:
    return text if text.isprintable() else repr(text)


def numbered(steps: list[Step], path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], str, Step]]:
    """Every step in the order in which they are written, those within others too: its path, "3.1" and itself."""
    for index, step in enumerate(steps):
        here = (*path, index)
        yield here, ".".join(str(number + 1) for number in here), step
        yield from numbered(step.inner, here)


def problems_of(steps: list[Step], *, exchanges: bool) -> Iterator[Problem]:
    """What makes no sense in a list of steps: who is named without being there, what waits where nobody can.

    `exchanges`: whether the protocol has one reply to what one client says.
    """
    yield from _Reader(exchanges=exchanges).read(steps, ("steps",))


class _Reader:
    """Follows the story as it is written: who is there, who reads, who may still speak."""

    def __init__(self, *, exchanges: bool) -> None:
        self._exchanges = exchanges
        self._present: set[str] = set()
        self._paused: set[str] = set()
        self._finished: set[str] = set()
        self._listening: set[str] = set()
        self._together = False

    def read(self, steps: list[Step], path: Path) -> Iterator[Problem]:
        for index, step in enumerate(steps):
            here = (*path, index)
            if self._together and step.kind not in _WITHOUT_WAITING:
                words = f"{step.kind} waits for the server, which does not run here"
                yield here, words, f"choose one of {', '.join(_WITHOUT_WAITING)}"
            elif step.kind not in _ABOUT_THE_SERVER:
                yield from getattr(self, f"_{step.kind}")(step.value, (*here, step.kind))

    # Who is there.

    def _connect(self, groups: dict[str, int], path: Path) -> Iterator[Problem]:
        for name in groups:
            if not _NAME.fullmatch(name):
                yield (*path, name), f"{name!r} is no name", "write a word of letters and digits"
            elif name in self._present:
                yield (*path, name), f"{name!r} is connected already", "give everybody a name of their own"
        self._present |= set(groups)

    def _there(self, names: Iterable[str], path: Path) -> Iterator[Problem]:
        for index, name in enumerate(names):
            if name not in self._present:
                where = (*path, name) if isinstance(names, dict) else (*path, index)
                yield where, f"nobody called {name!r} is connected", nearest(name, sorted(self._present))

    def _close(self, names: list[str], path: Path) -> Iterator[Problem]:
        yield from self._there(names, path)
        for those in (self._present, self._paused, self._finished):
            those.difference_update(names)

    _reset = _close

    def _shutdown(self, names: list[str], path: Path) -> Iterator[Problem]:
        yield from self._there(names, path)
        self._finished |= set(names)

    def _pause_reading(self, names: list[str], path: Path) -> Iterator[Problem]:
        yield from self._there(names, path)
        self._paused |= set(names)

    def _resume_reading(self, names: list[str], path: Path) -> Iterator[Problem]:
        yield from self._there(names, path)
        self._paused -= set(names)

    # What they say and hear.

    def _send(self, said: dict[str, Payload], path: Path) -> Iterator[Problem]:
        yield from self._there(said, path)
        for name in self._finished & set(said):
            yield (*path, name), f"{name!r} has shut its side down and can send no more", ""

    def _receive(self, said: dict[str, Payload], path: Path) -> Iterator[Problem]:
        yield from self._hears(said, path)
        for name, payload in said.items():
            if payload.size is not None:
                yield (*path, name), "what is to be received must be written out", "write the text, or hex"

    def _exchange(self, said: dict[str, Payload], path: Path) -> Iterator[Problem]:
        yield from self._send(said, path)
        yield from self._hears({name: None for name in said if name in self._present}, path)
        if not self._exchanges:
            yield path, "the protocol has no one reply to what one client says", "write send and receive"

    def _end_of_stream(self, names: list[str], path: Path) -> Iterator[Problem]:
        yield from self._hears(names, path)

    def _hears(self, names: Iterable[str], path: Path) -> Iterator[Problem]:
        yield from self._there(names, path)
        for index, name in enumerate(names):
            where = (*path, name) if isinstance(names, dict) else (*path, index)
            if name in self._paused:
                yield where, f"{name!r} does not read", "let it read again with resume_reading"
            if name in self._listening and path[-1] != "end_of_stream":
                yield where, f"{name!r} is to receive nothing during these steps", ""

    def _receive_nothing_while(self, quiet: Quiet, path: Path) -> Iterator[Problem]:
        yield from self._hears(quiet.clients, (*path, "clients"))
        before, self._listening = self._listening, self._listening | set(quiet.clients)
        yield from self.read(quiet.steps, (*path, "steps"))
        self._listening = before

    # Together, and again.

    def _at_once(self, steps: list[Step], path: Path) -> Iterator[Problem]:
        self._together = True
        yield from self.read(steps, path)
        self._together = False

    def _repeat(self, repeat: Repeat, path: Path) -> Iterator[Problem]:
        before = set(self._present)
        yield from self.read(repeat.steps, (*path, "steps"))
        if repeat.times > 1 and before != self._present:
            yield path, "who comes in steps that are repeated leaves in them, and who leaves comes in them", ""

    def _for_each(self, each: ForEach, path: Path) -> Iterator[Problem]:
        yield from self._there([each.of], (*path, "of"))
        if each.name in self._present:
            yield (*path, "name"), f"{each.name!r} is the name of a client", "choose another one"
        before = set(self._present)
        self._present.add(each.name)
        yield from self.read(each.steps, (*path, "steps"))
        if new := self._present - before - {each.name}:
            yield path, f"{min(new)!r} comes once for each, and must leave each time", ""
        if each.name not in self._present:
            before.discard(each.of)
        self._present = before
        self._paused &= before
        self._finished &= before
