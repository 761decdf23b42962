"""The reference of behaviours, by family, and of the steps of a scenario; every example is loaded as a spec first."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

import yaml

from grader.behaviours import Behaviour, catalogue
from grader.behaviours.steps import Amount, Expect, ForEach, Payload, Quiet, Repeat, Step
from grader.spec import Part, parse_spec
from grader.spec.model import CheckFields
from reference_pages.fields import fields
from reference_pages.kinds import anchor
from reference_pages.markdown import code, heading, page, prose, table

_STEP_PARTS: tuple[type[Part], ...] = (Step, Quiet, Repeat, ForEach, Payload, Amount, Expect)
_HEAD = "spec: example\ntitle: An example\n"


def fragments(docs: Path) -> dict[str, str]:
    """The generated files by name."""
    return {
        "behaviours.md": _behaviours(_examples(docs / "examples" / "checks.yaml")),
        "steps.md": page(*map(part, _STEP_PARTS)),
        "check-keys.md": page(fields(CheckFields, "check")),
    }


def part(kind: type[Part]) -> str:
    """A part of a spec that others refer to, as a section."""
    short = kind.model_json_schema().get("anyOf", [{}])[0].get("description", "")
    shorter = f"A plain value in its place is {short.replace(' as ', ' as `')}`." if short else ""
    keys = fields(kind, anchor(kind), optional=kind is not Step)
    return page(heading(3, kind.__name__, anchor(kind)), prose(kind.__doc__), shorter, keys)


def _examples(file: Path) -> dict[str, str]:
    """An example for each behaviour, by its name.

    Raises:
        ValueError: one is missing, or is for no behaviour, or asks for another one.
    """
    found: dict[str, str] = yaml.safe_load(file.read_text())
    if wrong := set(found) ^ set(catalogue()):
        raise ValueError(f"{file}: examples and behaviours differ in {', '.join(sorted(wrong))}")
    for name, text in found.items():
        asked = {check.behaviour for check in parse_spec((_HEAD + text).encode(), str(file), catalogue()).checks}
        if name not in asked:
            raise ValueError(f"{file}: the example for {name} does not ask for it")
    return found


def _behaviours(examples: dict[str, str]) -> str:
    families = [(module, list(kinds)) for module, kinds in groupby(catalogue().values(), lambda kind: kind.__module__)]
    rows = [
        [f"[`{kind.name}`](#behaviour-{kind.name})", prose(kind.__doc__).split("\n\n")[0].replace("\n", " ")]
        for _, kinds in families
        for kind in kinds
    ]
    blocks = [table(["behaviour", "what it asks for"], rows)]
    for module, kinds in families:
        name, _, about = prose(sys.modules[module].__doc__).partition(": ")
        blocks += [heading(2, name), f"{about[:1].upper()}{about[1:]}"]
        blocks += [_behaviour(kind, examples[kind.name]) for kind in kinds]
    return page(*blocks)


def _behaviour(kind: type[Behaviour], example: str) -> str:
    own = fields(kind, kind.name, without=CheckFields.model_fields)
    return page(
        heading(3, f"`{kind.name}`", f"behaviour-{kind.name}"),
        prose(kind.__doc__),
        f"Its title, where the spec gives none: *{kind.default_title}*.",
        own or "It has no parameters of its own.",
        code("yaml", example),
    )
