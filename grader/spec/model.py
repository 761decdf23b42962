"""What a spec holds, typed: from these definitions come validation, messages, and the JSON Schema for editors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

from grader.spec.facets import MODELS, Facets
from grader.spec.parts import FileName, Part, Slug, Strings, as_list, compiled
from grader.spec.units import Duration, Size
from grader.words import say

_TELLING = ("how", "when")


class CheckFields(Part):
    """What every check may have, whatever its behaviour."""

    name: ClassVar[str] = ""
    default_title: ClassVar[str] = ""

    behaviour: str = Field(description="what the server must do: the name of a behaviour")
    id: Slug = Field(default="", validate_default=False, description="short name, unique in the spec")
    title: str = Field(default="", description="one line that a student reads")
    points: float = Field(default=0, ge=0, le=1e6, allow_inf_nan=False, description="what it is worth")
    needs: Strings = Field(default_factory=list, description="ids of earlier checks without which it is skipped")
    hidden: bool = Field(default=False, description="whether students see only the verdict")
    hint: str = Field(default="", description="said to a student whose server fails it")

    @property
    def full_name(self) -> str:
        """The behaviour and the variant of it that is asked for: "echo", "disconnect fin", "cpu_ceiling idle"."""
        return " ".join([self.behaviour, *(str(getattr(self, name)) for name in _TELLING if hasattr(self, name))])

    @property
    def descriptors(self) -> int:
        """How many descriptors the server needs for the check's clients, where they are many; 0 where they are few."""
        return 0

    @property
    def pool(self) -> int:
        """How many workers it allows a pool, 0 where it says nothing of that."""
        return 0

    @property
    def waits_for_replies(self) -> bool:
        """Whether it needs a server that replies to the one who asks."""
        return True

    @property
    def references(self) -> tuple[str, ...]:
        """The reference servers that the check runs beside the submission, by name."""
        return ()

    def problems(self, spec: Spec) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """What is wrong with this check in this spec: where below the check, what, and what would be right."""
        if self.waits_for_replies and spec.protocol.reply == "broadcast":
            message = f"{self.behaviour} waits for replies, and where the reply is broadcast nobody gets one"
            yield ("behaviour",), message, "ask for the behaviour 'broadcast'"


_USUAL_POOL = 16
SPARE_DESCRIPTORS = 64
"""How many descriptors a server may have besides those for its clients."""


class Server(Part):
    """How the submission becomes a running server."""

    entry: Annotated[list[FileName], BeforeValidator(as_list)] = Field(
        default=["server.py"],
        min_length=1,
        description="the file that starts it; of several the first that is there",
    )
    build: str | None = Field(default=None, description="command that builds it; by default from the language")
    run: str | None = Field(default=None, description="command that runs it; by default from the language")
    env: dict[str, str] = Field(default_factory=dict, description="environment variables")
    args: list[str] = Field(default_factory=list, description="further arguments")
    port: int = Field(
        default=8080, ge=1, le=65535, description="offered as argument and PORT; the real one is observed"
    )


class Exchange(Part):
    """One row of a table of requests and replies."""

    request: str = Field(min_length=1, description="a regular expression that the whole line must match")
    reply: str = Field(description=r"the line that answers it; \1 or \g<name> stands for a group of the request")
    example: str = Field(min_length=1, description="such a request, for the grader to send; {n} stands for a number")

    @model_validator(mode="after")
    def _fits_together(self) -> Exchange:
        try:
            match = compiled(self.request).fullmatch(self.example.replace("{n}", "1"))
            if match:
                match.expand(self.reply)
        except (re.error, ValueError, IndexError, OverflowError) as error:
            raise ValueError(f"the regular expression or its reply is not right: {error}") from None
        if not match:
            raise ValueError(f"the example {self.example!r} does not match the request {self.request!r}")
        if "\n" in self.reply + self.example:
            raise ValueError("a request and a reply are one line each, written without its end")
        return self


_MEANT = {
    "suffix": ("upper", "echo"),
    "table": ("table",),
    "otherwise": ("table",),
    "to_sender": ("broadcast",),
}
"""Keys of a protocol that have a meaning only for some kinds of reply."""


def _conditions() -> list[dict[str, Any]]:
    """The same in JSON Schema: who writes such a key, and something in it, says which reply."""
    found: list[dict[str, Any]] = [
        {
            "if": {"properties": {name: {"enum": ["", [], False]}}},
            "else": {"properties": {"reply": {"enum": list(kinds)}}}
            if "upper" in kinds
            else {"required": ["reply"], "properties": {"reply": {"enum": list(kinds)}}},
        }
        for name, kinds in _MEANT.items()
    ]
    table = {"required": ["table"], "properties": {"table": {"minItems": 1}}}
    return [*found, {"if": {"required": ["reply"], "properties": {"reply": {"const": "table"}}}, "then": table}]


class Protocol(Part):
    """What a right reply is."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(allOf=_conditions()))

    reply: Literal["upper", "echo", "lines", "table", "broadcast"] = Field(
        default="upper",
        description="the request in upper case, or as it came; each whole line in upper case (lines), or as a table "
        "says; or to all other clients each whole line as it came (broadcast)",
    )
    suffix: str = Field(
        default="",
        max_length=16,
        description="what the server adds to the reply for each chunk that it receives (upper and echo)",
    )
    greeting: str = Field(default="", max_length=4096, description="what the server says first to each new client")
    line_end: Literal["\n", "\r\n"] = Field(default="\n", description="how lines end, where the reply is by lines")
    table: list[Exchange] = Field(
        default_factory=list, max_length=200, description="requests and their replies; the first that matches counts"
    )
    otherwise: str = Field(default="", description="the reply to a line that no request of the table matches")
    to_sender: bool = Field(default=False, description="whether who speaks hears it too (broadcast)")

    @model_validator(mode="after")
    def _fits_together(self) -> Protocol:
        kind = self.reply
        for name, kinds in _MEANT.items():
            if getattr(self, name) and kind not in kinds:
                raise ValueError(f"{name} has no meaning where the reply is {kind}")
        if kind == "table" and not self.table:
            raise ValueError("where the reply is a table, the table must be there, and not empty")
        if self.suffix and self.greeting:
            raise ValueError("a suffix and a greeting cannot be together")
        if kind in ("lines", "table", "broadcast") and self.greeting and not self.greeting.endswith(self.line_end):
            raise ValueError("the greeting ends with the end of a line")
        return self


class Limits(Part):
    """What the server may use before it is stopped."""

    memory: Size = Field(
        default=256 << 20, ge=16 << 20, le=64 << 30, description="resident memory of all its processes"
    )
    processes: int = Field(default=64, ge=1, le=65536, description="processes and threads")
    files: int = Field(default=4096, ge=16, le=1 << 20, description="open descriptors of each process")
    startup: Duration = Field(default=10.0, gt=0, le=600, description="until it listens, at the very most")
    disk: Size = Field(default=64 << 20, ge=1 << 20, le=256 << 20, description="all files that it writes")
    cpu: Duration = Field(default=300.0, ge=1, le=86400, description="CPU time of one run of it, on all cores")
    time: Duration = Field(default=900.0, ge=5, le=86400, description="the whole grading, at the very most")
    output: Size = Field(default=64 << 10, ge=1024, le=64 << 20, description="how much of its output is kept")


class Spec(Part):
    """One assignment: what is handed in, and what it must do."""

    spec: Slug = Field(description="the spec's own short name")
    title: str = Field(min_length=1, description="one line: what the server is")
    description: str = Field(default="", description="the assignment in a few sentences")
    picture: str = Field(default="", description="the model's idea, drawn with characters")
    model: str | Facets | None = Field(default=None, description="a known IO model, or its facets; read by io_model")
    server: Server = Field(default_factory=Server)
    protocol: Protocol = Field(default_factory=Protocol)
    limits: Limits = Field(default_factory=Limits)
    behaviours: Strings = Field(
        default_factory=list, description="Python files beside the spec that define behaviours of its own"
    )
    points: float | None = Field(
        default=None, gt=0, le=1e9, allow_inf_nan=False, description="what all checks together are to be worth"
    )
    checks: list[SerializeAsAny[CheckFields]] = Field(min_length=1, description="what is checked, in this order")
    sha256: str = Field(default="", exclude=True)
    folder: str = Field(default="", exclude=True)

    @property
    def max_score(self) -> float:
        """The sum of all points."""
        return round(sum(check.points for check in self.checks), 4)

    @property
    def model_name(self) -> str:
        """The model in words."""
        return self.model if isinstance(self.model, str) else say("required")

    @property
    def pool(self) -> int:
        """How many workers the pool may have that the spec asks for, 0 where it asks for none."""
        usual = _USUAL_POOL if self.facets()["workers"] == ["pool"] else 0
        return max(check.pool for check in self.checks) or usual

    def facets(self) -> dict[str, list[str]]:
        """The allowed values of each facet; an empty list allows any."""
        found = MODELS[self.model] if isinstance(self.model, str) else self.model or Facets()
        return found.model_dump()
