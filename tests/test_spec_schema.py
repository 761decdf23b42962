"""What a spec may be, said twice: loader and JSON Schema agree; and no text at all brings the loader down."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import ROOT
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from test_spec import BUNDLED, GOOD, SELECT, changed, parse

from grader.behaviours import catalogue
from grader.spec import MODELS, CheckFields, SpecError, spec_schema
from grader.spec.model import Limits, Protocol, Server

SCHEMA = spec_schema(catalogue())
CHECKS = GOOD[GOOD.index("checks:") :]


def fits(text: str | bytes) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text))


def loads(text: str | bytes) -> bool:
    try:
        parse(text)
    except SpecError:
        return False
    return True


def test_the_schema_is_valid_itself_and_can_be_written_as_json() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_the_schema_knows_every_behaviour_and_model_and_says_what_each_key_is() -> None:
    variants = [variant["$ref"] for variant in SCHEMA["properties"]["checks"]["items"]["oneOf"]]

    assert variants == [f"#/$defs/{name}" for name in catalogue()]
    assert SCHEMA["properties"]["model"]["anyOf"][0]["enum"] == sorted(MODELS)
    for name, kind in catalogue().items():
        properties = SCHEMA["$defs"][name]["properties"]
        assert set(properties) == set(kind.model_fields)
        assert all(found["description"] for found in properties.values())
        assert properties["behaviour"]["const"] == name


def test_the_schema_follows_the_catalogue_that_it_is_given() -> None:
    class Juggle(CheckFields):
        """Keep three balls in the air.

        For long.
        """

        balls: int = 3

    schema = spec_schema({"juggle": Juggle})

    found = schema["$defs"]["juggle"]["properties"]["behaviour"]
    assert found == {"const": "juggle", "description": "Keep three balls in the air."}
    document = {"spec": "a", "title": "b", "checks": [{"behaviour": "juggle", "balls": 4}]}
    assert jsonschema.Draft202012Validator(schema).is_valid(document)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


def test_what_only_the_loader_fills_in_is_no_key_of_the_schema() -> None:
    assert "sha256" not in SCHEMA["properties"]
    assert "CheckFields" not in SCHEMA["$defs"]


@pytest.mark.parametrize("name", BUNDLED)
def test_the_schema_accepts_what_is_bundled(name: str) -> None:
    assert fits((ROOT / "specs" / f"{name}.yaml").read_bytes())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("spec: made\n", ""),
        ("spec: made", "spec: Made!"),
        ("spec: made", "spec: 7"),
        ("title: Made for a test\n", ""),
        ("title: Made for a test", "title: ''"),
        ("title: Made for a test", "titel: Made for a test"),
        ("title: Made for a test", "title: a\ntitel: b"),
        ("title: Made for a test", "title: a\nsha256: b"),
        ("title: Made for a test", "title: a\ndescription: [b]"),
        ("model: select", "model: selekt"),
        ("model: select", "model: [select]"),
        ("model: select", "model: {waits: pole}"),
        ("model: select", "model: {workers: [single, many]}"),
        ("model: select", "model: {wait: poll}"),
        ("{entry: server.py}", "server.py"),
        ("{entry: server.py}", "{entry: []}"),
        ("{entry: server.py}", "{entry: 7}"),
        ("{entry: server.py}", "{port: 0}"),
        ("{entry: server.py}", "{port: 70000}"),
        ("{entry: server.py}", "{prot: 80}"),
        ("{entry: server.py}", "{env: {A: 1}}"),
        ("{entry: server.py}", "{args: -v}"),
        ("256 MiB", "256"),
        ("256 MiB", "256 MeB"),
        ("256 MiB", "-1 MiB"),
        ("memory: 256 MiB", "startup: 10"),
        ("memory: 256 MiB", "files: 15"),
        ("limits:", "protocol: {reply: lower}\nlimits:"),
        ("limits:", "protocol: {suffix: a longer one than 16}\nlimits:"),
        ("behaviour: echo", "behaviour: ecko"),
        ("behaviour: echo", "title: nothing to do"),
        ("points: 10", "points: -1"),
        ("points: 10", "points: 1000001"),
        ("points: 10", "points: ten"),
        ("points: 10", "clients: 5"),
        ("points: 10", "sizes: []"),
        ("points: 10", "sizes: [5]"),
        ("points: 10", "sizes: 5 B"),
        ("points: 10", "hidden: 1"),
        ("id: first", "id: First"),
        ("id: first", "id: ''"),
        ("how: fin", "how: fins"),
        ("clients: 3", "clients: 0"),
        ("clients: 3", "clients: 501"),
        ("clients: 3", "clients: three"),
        ("clients: 3", "clients: 2.5"),
        ("clients: 3", "clients: true"),
        ("clients: 3", "client: 3"),
        ("5%", "5"),
        ("5%", "0.05"),
        ("5%", "5 ms"),
        ("needs: first", "needs: 1"),
        ("needs: first", "needs: [1]"),
        (CHECKS, ""),
        (CHECKS, "checks: []"),
        (CHECKS, "checks: [echo]"),
        (CHECKS, "checks: {behaviour: echo}"),
        (GOOD, "- spec: a\n"),
        (GOOD, "just words"),
    ],
)
def test_loader_and_schema_refuse_alike(old: str, new: str) -> None:
    assert not fits(changed(old, new))
    assert not loads(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("spec: made", "spec: 7-of_9"),
        ("model: select\n", ""),
        ("model: select", "model: {}"),
        ("model: select", "model: {workers: single, waits: [select, poll], library: none}"),
        ("server: {entry: server.py}\n", ""),
        ("{entry: server.py}", "{entry: [server.py, src/server.c]}"),
        ("{entry: server.py}", "{run: null, build: make, args: [-v], env: {A: b}, port: 65535}"),
        ("256 MiB", "1.5GiB"),
        ("memory: 256 MiB", "startup: 1 min, output: 64 kB, processes: 1"),
        ("limits:", "protocol: {reply: echo, suffix: _SB}\nlimits:"),
        ("limits:", "picture: |\n  one\n  two\nlimits:"),
        ("points: 10", "points: 0.5"),
        ("points: 10", "sizes: [5 B, 64 KiB]"),
        ("points: 10", "hidden: true\n    hint: look\n    title: Echo"),
        ("how: fin", "how: half_close"),
        ("clients: 3", "clients: 500\n    staying: false"),
        ("5%", "12.5 %"),
        ("needs: first", "needs: []"),
        ("needs: first", "needs: [first, leaving]"),
    ],
)
def test_loader_and_schema_accept_alike(old: str, new: str) -> None:
    assert fits(changed(old, new))
    assert loads(changed(old, new))


STORY = """
- connect: ann
- connect: [bob, cat]
- connect: {crowd: 3}
- send: {ann: hello, crowd: {hex: 61 62}}
- receive_nothing_while: {clients: bob, steps: [{shutdown: ann}, {close: [ann]}]}
- expect: {waits_in: select, threads: 1}
- expect: {waits_in: [select, poll], threads: {at_most: 2}}
- for_each: {of: crowd, steps: [{exchange: {one: "{n}"}}]}
- rest: true
"""
UNTOLD = [
    *["- connect:", "- connect: []", "- connect: 3", "- connect: {ann: 0}", "- {connect: ann, rest: true}", "- {}"],
    *["- repeat:", "- at_once: []", "- expect: {waits_in: recieve}", "- send: {ann: }", "- rest: false"],
    "- reset: {a: 1}",
]


def story(steps: str) -> str:
    return changed(CHECKS, "checks:\n- behaviour: scenario\n  steps:\n" + textwrap.indent(steps.strip(), "  "))


def test_loader_and_schema_accept_a_story_alike_in_all_its_short_forms() -> None:
    assert loads(story(STORY))
    assert fits(story(STORY))


@pytest.mark.parametrize("step", UNTOLD)
def test_loader_and_schema_refuse_a_step_alike(step: str) -> None:
    assert not loads(story(step))
    assert not fits(story(step))


# What no schema can say is left out: which check is meant, what fits the protocol, bounds that several parameters
# share, how much a quantity with a unit may be, and file names.
PARTS: dict[str, type[BaseModel]] = {"server": Server, "protocol": Protocol, "limits": Limits}
KEYS = [(name, key) for name, part in PARTS.items() for key in part.model_fields if key != "entry"]
KINDS = [(name, kind) for name, kind in catalogue().items() if name != "pool_limit"]
KEYS += [(name, key) for name, kind in KINDS for key in kind.model_fields if key not in ("needs", "reference")]
KEYS.remove(("broadcast", "behaviour"))
WORDS = st.sampled_from(["fin", "idle", "upper", "5%", "32 MiB", "10 s", "5", "echo", "yes", "-", ""])
PLAIN = st.none() | st.booleans() | st.integers(-3, 1100) | st.just(0.5) | WORDS
AT_MOST_1_MIB = (("isolation", "size"), ("throughput", "size"))
VALUES = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.sampled_from("ab"), PLAIN, max_size=2)


@settings(max_examples=400)
@given(st.sampled_from(KEYS), VALUES)
def test_loader_and_schema_agree_on_any_value_of_any_key(key: tuple[str, str], value: Any) -> None:
    part, name = key
    check = {"behaviour": "echo" if part in PARTS else part, **({} if part in PARTS else {name: value})}
    whole = {"spec": "a", "title": "b", "checks": [check], **({part: {name: value}} if part in PARTS else {})}
    if part == "broadcast":
        whole["protocol"] = {"reply": "broadcast"}
    text = yaml.safe_dump(whole)

    if key in AT_MOST_1_MIB and value == "32 MiB":
        assert not loads(text)
    else:
        assert loads(text) == fits(text)


def places(text: bytes) -> list[tuple[str, bool]]:
    try:
        parse(text)
    except SpecError as error:
        return [(problem.file, problem.place is not None) for problem in error.problems] or [("nothing said", False)]
    return []


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@example(b'"\\UFFFFFFFF"')
@example(b"a: 0x" + b"f" * 9000)
def test_any_bytes_are_a_spec_or_located_problems(text: bytes) -> None:
    assert set(places(text)) == {("x.yaml", True)}


BITS = st.sampled_from([*"[]{}:-#&*!|>?'\"%@` \n\t\\\x85\u2028\0a0.", "!!int ", "&a ", "*a", '"\\ud800"', "<<: "])
CUTS = st.tuples(st.integers(0, len(SELECT)), st.integers(0, 60), st.lists(BITS, max_size=4).map("".join))


@settings(max_examples=200)
@given(st.lists(CUTS, min_size=1, max_size=3))
def test_a_damaged_spec_is_a_spec_or_located_problems(damage: list[tuple[int, int, str]]) -> None:
    text = SELECT
    for at, length, put in damage:
        text = text[:at] + put.encode() + text[at + length :]

    assert set(places(text)) <= {("x.yaml", True)}


@given(st.permutations(SELECT.splitlines()[-12:]))
def test_shuffled_lines_are_a_spec_or_located_problems(end: list[bytes]) -> None:
    assert set(places(b"\n".join([*SELECT.splitlines()[:-12], *end]))) <= {("x.yaml", True)}
