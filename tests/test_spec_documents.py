"""Whole documents made at random of what a spec may hold and what it may not: each is a spec or located problems.

Every problem must stand at a place that is in the text, as an editor counts lines and columns.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from grader.behaviours import catalogue
from grader.behaviours.steps import Expect, ForEach, Payload, Quiet, Repeat, Step
from grader.spec import MODELS, Exchange, Facets, Protocol, Spec, SpecError, explain, parse_spec
from grader.spec.model import CheckFields, Limits, Server

OWN = '''
from typing import ClassVar, Literal
from grader.behaviours import Behaviour, Finding, Stage, passed

class Greets(Behaviour):
    """Answer at once."""
    name: ClassVar[str] = "greets"
    behaviour: Literal["greets"] = "greets"
    clients: int = 3
    def check(self, stage: Stage) -> Finding:
        return passed("yes")
'''
FILES = {
    "greets.py": OWN,
    "more/other.py": OWN.replace("greets", "other"),
    "nothing.py": "x = 1\n",
    "broken.py": "x = 1 / 0\n",
    "words.py": "def f(:\n",
    "null.py": "a\0b\n",
    "latin.py": "x = '\xff'\n",
}
ENTRIES = [
    *FILES,
    "missing.py",
    "folder.py",
    "loop.py",
    "../greets.py",
    "greets.txt",
    "",
    "/",
    ".py",
    "a\0.py",
    "x" * 5000 + ".py",
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Python files that a spec may name, right and wrong ones."""
    found = tmp_path_factory.mktemp("assignment")
    for name, text in FILES.items():
        (found / name).parent.mkdir(exist_ok=True)
        (found / name).write_bytes(text.encode("latin-1"))
    (found / "folder.py").mkdir()
    (found / "loop.py").symlink_to(found / "loop.py")
    return found


PARTS: tuple[type[BaseModel], ...] = (
    Spec,
    CheckFields,
    Server,
    Protocol,
    Exchange,
    Limits,
    Facets,
    Step,
    Quiet,
    Repeat,
    ForEach,
    Payload,
    Expect,
)
KEYS = sorted({name for part in (*PARTS, *catalogue().values()) for name in part.model_fields})
NAMES = ["ann", "bob", "crowd", "one"]
ODD = [
    *["", " ", "~", "<<", "=", "*a", "&a", "!x", "- a", "a: b", "# a", "%", "null", "\t", "a\rb\r\nc\n", "x" * 5000],
    *["\0", "\x7f", "\x85", "a\u2028b", "\u2029", "\ufeff", "\u202e", "\ue000", "\ufffe", "e\u0301", "\u0661"],
    *["\U0001f600", "\U0010ffff"],
]
PATTERNS = [
    "PING",
    "(",
    "[[a]",
    "(a)(?P<b>b)",
    "a{99999999999999999999}",
    "(" * 2000,
    "(?P<a",
    r"\g",
    "(?i)x",
    "a(?i)b",
    "[a--b]",
]
REPLIES = [r"\1", r"\g<b>", r"\g<", r"\99", r"\g<99999999999999999999>", "a\nb", "\\", r"\q", "PONG"]
NUMBERS = [0, 1, -1, 3, 5, 100, 65536, 10**9, 2**64, 10**300, 10**4000, float("nan"), float("inf"), -0.0, 1e-320, 0.5]
UNITS = [
    "5%",
    "0%",
    "101%",
    "10 s",
    "0 s",
    "1 h",
    "16 MiB",
    "1 KiB",
    "0 B",
    "9999999 GiB",
    "9" * 400 + " s",
    "5 m",
    "\u0665%",
]
WORDS = [
    *catalogue(),
    *MODELS,
    *NAMES,
    "greets",
    "fin",
    "idle",
    "upper",
    "table",
    "broadcast",
    "\n",
    "\r\n",
    "61 62",
    "61\u00a062",
    "server.py",
]
SCALARS = st.one_of(*(st.sampled_from(some) for some in (ODD, PATTERNS, REPLIES, NUMBERS, UNITS, WORDS)))
SCALARS |= st.none() | st.booleans() | st.text(max_size=5) | st.dates() | st.binary(max_size=3)
ANY_KEY = st.sampled_from([*KEYS, *NAMES]) | SCALARS
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_KEY, inner, max_size=3), max_leaves=8
)


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is right nearly always, and now and then anything."""
    return st.integers(0, 24).flatmap(lambda number: TREES if number == 24 else right)


def some_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: mostly(value) for name, value in fields.items()})


def one_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping of one key."""
    return st.sampled_from(sorted(fields)).flatmap(lambda name: st.fixed_dictionaries({name: mostly(fields[name])}))


WHO = st.sampled_from(NAMES)
SAID = st.dictionaries(
    WHO,
    st.sampled_from(["a", "x{n}", {"hex": "61 62"}, {"hex": "61\u00a062"}, {"size": "1 KiB"}]),
    min_size=1,
    max_size=2,
)
COUNT = st.integers(0, 3) | some_of(at_least=st.integers(0, 3), at_most=st.integers(0, 3), exactly=st.integers(0, 3))
EXPECTED = some_of(
    duty=st.sampled_from(["5%", "0%"]),
    threads=COUNT,
    open_sockets=COUNT,
    waits_in=st.sampled_from(["select", ["poll", "epoll"]]),
    memory=st.sampled_from(["1 MiB", "0 B"]),
    output=st.sampled_from(PATTERNS),
)


def steps(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return one_of(
        at_once=several,
        repeat=st.fixed_dictionaries({"times": mostly(st.integers(1, 3)), "steps": several}),
        for_each=st.fixed_dictionaries({"of": mostly(WHO), "steps": several}),
        receive_nothing_while=st.fixed_dictionaries({"clients": mostly(WHO), "steps": several}),
    )


SIMPLE = one_of(
    connect=WHO | st.lists(WHO, max_size=3) | st.dictionaries(WHO, st.integers(0, 1001), max_size=2),
    send=SAID,
    receive=SAID,
    exchange=SAID,
    shutdown=WHO,
    close=WHO | st.lists(WHO, max_size=3),
    reset=WHO,
    pause_reading=WHO,
    resume_reading=WHO,
    end_of_stream=WHO,
    rest=st.just(True),
    expect=EXPECTED,
)
STEP = mostly(st.recursive(SIMPLE, steps, max_leaves=6))


@st.composite
def checks(draw: st.DrawFn) -> Any:
    """A check of any behaviour, with some of its parameters, as they are if left out or as they may not be."""
    known = catalogue()
    name = draw(st.sampled_from([*known, "scenario", "scenario", "scenario", "greets"]))
    found: dict[Any, Any] = {"behaviour": name}
    if name == "scenario":
        found["steps"] = draw(mostly(st.lists(STEP, min_size=1, max_size=6)))
    kind: type[BaseModel] = known.get(name, Facets)
    written = kind.model_construct().model_dump(mode="json", warnings=False)
    for field in draw(st.lists(st.sampled_from([*written, "id", "needs", "points"]), max_size=3)):
        default = st.just(written.get(field, 1))
        found[field] = draw(mostly({"id": st.sampled_from("abc"), "needs": st.sampled_from("abc")}.get(field, default)))
    return found


ROW = st.fixed_dictionaries(
    {
        name: mostly(st.sampled_from(some))
        for name, some in (("request", PATTERNS), ("reply", REPLIES), ("example", PATTERNS))
    }
)
PROTOCOL = some_of(
    reply=st.sampled_from(["upper", "echo", "lines", "table", "broadcast"]),
    suffix=st.sampled_from(["_SB", "", "\U0001f600" * 16]),
    greeting=st.sampled_from(["hi\n", "hi", "\r\n"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    table=st.lists(ROW, max_size=3),
    otherwise=st.sampled_from(["WHAT", "a\nb"]),
    to_sender=st.booleans(),
)
SMALL_PARTS = {
    "spec": st.just("made"),
    "title": st.just("Made at random"),
    "model": st.sampled_from([*MODELS, {"waits": ["select", "poll"]}, {"workers": "single"}]),
    "server": some_of(
        entry=st.sampled_from(["server.py", ["a", "b"]]), port=st.integers(0, 70000), args=st.just(["-v"])
    ),
    "limits": some_of(memory=st.sampled_from(UNITS), files=st.integers(0, 2000), startup=st.sampled_from(UNITS)),
    "points": st.integers(0, 3),
}


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """The text of a document; what stands in it twice is an anchor and its aliases."""
    found: Any = {
        name: draw(mostly(part))
        for name, part in SMALL_PARTS.items()
        if name in ("spec", "title") or draw(st.booleans())
    }
    if draw(st.booleans()):
        found["protocol"] = draw(mostly(PROTOCOL))
    if draw(st.integers(0, 3)) == 0:
        found["behaviours"] = draw(
            mostly(st.sampled_from(["greets.py"]) | st.lists(st.sampled_from(ENTRIES), max_size=2))
        )
    found["checks"] = draw(mostly(st.lists(mostly(checks()), min_size=1, max_size=4)))
    if draw(st.integers(0, 9)) == 0:
        found[draw(ANY_KEY)] = draw(TREES)
    twice = draw(st.sampled_from([None, "checks", "protocol", "model"]))
    if twice in found:
        found[draw(st.sampled_from(["checks", "server", "title", "x"]))] = found[twice]
        if isinstance(found[twice], list) and found[twice]:
            found[twice].append(draw(st.sampled_from([found[twice][0], found[twice]])))
    text = yaml.safe_dump(
        found,
        default_flow_style=draw(st.sampled_from([None, False, True])),
        allow_unicode=draw(st.booleans()),
        width=draw(st.sampled_from([20, 80, 1000])),
        line_break=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        sort_keys=False,
    )
    depth = draw(st.sampled_from([0, 0, 0, 0, 10, 45, 49, 50, 60, 300]))
    if depth:
        deep = draw(st.sampled_from(["[", "{a: ", "[{steps: ", "[{at_once: ", "[{repeat: {times: 1, steps: "]))
        closing = "".join({"[": "]", "{": "}"}.get(sign, "") for sign in reversed(deep))
        text = f"{text.rstrip()}\nx: {deep * depth}{closing * depth}\n" if text[0] != "{" else deep * depth
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig"]))
    return text.encode(encoding, "surrogatepass")


def lines(text: bytes) -> list[str]:
    """As an editor counts them."""
    return re.split(r"\r\n|\r|\n", text.decode("utf-8-sig", "replace"))


def judged(text: bytes, folder: Path) -> Spec | None:
    """A spec that can be told, or None; then every problem says what is wrong, and where in the text."""
    spec, problems, there = None, [], lines(text)
    try:
        spec = parse_spec(text, "x.yaml", catalogue(), str(folder))
    except SpecError as error:
        problems = error.problems
    assert problems or (spec and explain(spec, text))
    for problem in problems:
        assert problem.message
        assert problem.file == "x.yaml"
        assert problem.place
        assert 1 <= problem.place.line <= len(there)
        assert 1 <= problem.place.column <= len(there[problem.place.line - 1]) + 1
    return spec


patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@patiently
@given(text=documents())
def test_a_document_of_plausible_parts_is_a_spec_or_located_problems(folder: Path, text: bytes) -> None:
    event("a spec" if judged(text, folder) else "problems")


@patiently
@given(
    text=documents(),
    at=st.integers(0),
    length=st.integers(0, 3),
    put=st.sampled_from([*ODD, "{", "]", "'", '"', "\xff"]),
)
@example(text=b'a: "\xe2\x80\xa8"\nb: [}\n', at=0, length=0, put="")
def test_a_damaged_document_is_a_spec_or_located_problems(
    folder: Path, text: bytes, at: int, length: int, put: str
) -> None:
    at %= len(text) + 1

    judged(text[:at] + put.encode("latin-1", "ignore") + text[at + length :], folder)
    judged(text[:at] + put.encode() + text[at + length :], folder)


@patiently
@given(text=documents())
def test_what_loads_once_loads_the_same_again(folder: Path, text: bytes) -> None:
    if first := judged(text, folder):
        assert judged(text, folder) == first
        assert judged(b"# a comment\n" + text.removeprefix(b"\xef\xbb\xbf"), folder)
