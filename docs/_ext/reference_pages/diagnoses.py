"""The list of diagnoses: what is said for each, the rules that find it, and servers of this repository that have it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import yaml

from grader.judgement.diagnosis import RULES, Rule
from grader.judgement.texts import TEXTS
from reference_pages.markdown import heading, page, prose

_DEMO = ("submissions", "reference")
_SERVERS = ("A server that has it", "Servers that have it")


def fragments(docs: Path) -> dict[str, str]:
    """The generated files by name."""
    seen = _seen_in(docs.parent)
    return {"diagnoses.md": page(*(_diagnosis(name, seen.get(name, [])) for name in TEXTS))}


def _diagnosis(name: str, servers: list[str]) -> str:
    text = TEXTS[name]
    when = "\n".join(f"- {prose(rule.__doc__)}" for rule in RULES if name in ids(rule))
    return page(
        heading(2, f"`{name}`", f"diagnosis-{name}"),
        f"**{text.title}.** {text.explanation}",
        f"*Hint:* {text.hint}",
        f"*Further reading:* {'; '.join(text.reading)}",
        f"It is said where the evidence shows this:\n\n{when}",
        f"{_SERVERS[len(servers) > 1]}: {', '.join(f'`{server}`' for server in servers)}." if servers else "",
    )


def ids(rule: Rule) -> set[str]:
    """The diagnoses that a rule can answer with, read from its source: whole ids, and the ends of those it makes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(inspect.getsource(rule))):
        if isinstance(node, ast.JoinedStr):
            end = node.values[-1]
            if isinstance(end, ast.Constant):
                found |= {name for name in TEXTS if name.endswith(str(end.value))}
        elif isinstance(node, ast.Constant) and node.value in TEXTS:
            found.add(str(node.value))
    return found


def _seen_in(root: Path) -> dict[str, list[str]]:
    """Folders of servers by the diagnosis that is expected of them."""
    found: dict[str, list[str]] = {}
    for file in sorted(file for top in _DEMO for file in (root / top).rglob("expected.yaml")):
        for name in dict.fromkeys(_diagnosed(file)):
            found.setdefault(name, []).append(str(file.parent.relative_to(root)))
    return found


def _diagnosed(file: Path) -> Iterator[str]:
    for check in yaml.safe_load(file.read_text())["checks"].values():
        if isinstance(check, dict) and "diagnosis" in check:
            yield check["diagnosis"]
