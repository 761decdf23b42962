"""What a spec holds, typed: from these definitions come validation, messages, and the JSON Schema for editors."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from grader.spec.facets import MODELS, Facets
from grader.spec.parts import FileName, Part, Slug, Strings, as_list
from grader.spec.units import Duration, Size


class CheckFields(Part):
    """What every check may have, whatever its behaviour."""

    default_title: ClassVar[str] = ""

    behaviour: str = Field(description="what the server must do: the name of a behaviour")
    id: Slug = Field(default="", validate_default=False, description="short name, unique in the spec")
    title: str = Field(default="", description="one line that a student reads")
    points: float = Field(default=0, ge=0, le=1e6, allow_inf_nan=False, description="what it is worth")
    needs: Strings = Field(default_factory=list, description="ids of earlier checks without which it is skipped")
    hidden: bool = Field(default=False, description="whether students see only the verdict")
    hint: str = Field(default="", description="said to a student whose server fails it")

    @property
    def descriptors(self) -> int:
        """How many descriptors the server needs for the check's clients, where they are many; 0 where they are few."""
        return 0


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


class Protocol(Part):
    """What a right reply is."""

    reply: Literal["upper", "echo"] = Field(default="upper", description="the request in upper case, or as it came")
    suffix: str = Field(
        default="", max_length=16, description="what the server adds to the reply for each chunk that it receives"
    )


class Limits(Part):
    """What the server may use before it is stopped."""

    memory: Size = Field(
        default=256 << 20, ge=16 << 20, le=64 << 30, description="resident memory of all its processes"
    )
    processes: int = Field(default=64, ge=1, le=65536, description="processes and threads")
    files: int = Field(default=4096, ge=16, le=1 << 20, description="open descriptors of each process")
    startup: Duration = Field(default=10.0, gt=0, le=600, description="until it listens, at the very most")
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
    checks: list[SerializeAsAny[CheckFields]] = Field(min_length=1, description="what is checked, in this order")
    sha256: str = Field(default="", exclude=True)

    @property
    def max_score(self) -> float:
        """The sum of all points."""
        return round(sum(check.points for check in self.checks), 4)

    @property
    def model_name(self) -> str:
        """The model in words."""
        return self.model if isinstance(self.model, str) else "required"

    def facets(self) -> dict[str, list[str]]:
        """The allowed values of each facet; an empty list allows any."""
        found = MODELS[self.model] if isinstance(self.model, str) else self.model or Facets()
        return found.model_dump()
