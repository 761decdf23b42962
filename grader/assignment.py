"""A new assignment, ready to grade: a commented spec, a starter for students, and a workflow for CI."""

from __future__ import annotations

import json
import re
from pathlib import Path

from grader.behaviours import catalogue
from grader.spec import bundled_folder, spec_schema

_HEAD = re.compile(r"\A(#.*\n)*")
_HEADER = """\
# {title}
#
# Begun from the bundled spec {model!r}. Change what you like, then try it: grader check-spec spec.yaml
# An editor that reads schema.json completes names, and shows what each is for.
# yaml-language-server: $schema=schema.json
"""
_TITLE = re.compile(r"^title: (.*)$", re.MULTILINE)
_ENTRY = re.compile(r"^  entry: \[?([\w.]+).*$", re.MULTILINE)


def new_assignment(name: str, model: str) -> dict[str, bytes]:
    """The files of an assignment called `name` for the model of a bundled spec, by path relative to its folder."""
    specs = bundled_folder()
    reference = specs.parent / "reference"
    text = (specs / f"{model}.yaml").read_text(encoding="utf-8")
    title, entry = _found(_TITLE, text), _found(_ENTRY, text)
    starter = (reference / "assignment" / "starter" / entry).read_bytes()
    solution = (reference / "servers" / model / entry).read_bytes()
    readme = (reference / "assignment" / "README.md").read_text(encoding="utf-8")
    return {
        "README.md": readme.format(title=title).encode(),
        "spec.yaml": _spec(text, name, model, title, entry).encode(),
        "schema.json": (json.dumps(spec_schema(catalogue()), indent=2) + "\n").encode(),
        f"starter/{entry}": starter,
        f"spec/right/solution/{entry}": solution,
        # Who hands in what was handed out must not pass.
        f"spec/wrong/starter/{entry}": starter,
        ".github/workflows/grade.yml": (reference / "assignment" / "grade.yml").read_bytes(),
    }


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    assert found is not None  # noqa: S101 - every bundled spec has such a line, and a test sees to it
    return found[1]


def _spec(text: str, name: str, model: str, title: str, entry: str) -> str:
    body = text[_HEAD.match(text).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    body = re.sub(r"^spec: .*$", f"spec: {name}", body, count=1, flags=re.MULTILINE)
    body = _ENTRY.sub(f"  entry: {entry}", body, count=1)
    return _HEADER.format(title=title, model=model) + body


def write_assignment(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files into a folder that is not there yet.

    Raises:
        FileExistsError: it is there; nothing is written.
    """
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
