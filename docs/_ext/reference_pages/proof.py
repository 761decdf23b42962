"""The rules of proof, from the functions that apply them."""

from __future__ import annotations

from pathlib import Path

from grader.judgement import proof
from reference_pages.markdown import definition, page, prose


def fragments(_: Path) -> dict[str, str]:
    """The generated files by name: the argument, and each rule."""
    _title, *argument = prose(proof.__doc__).split("\n\n")
    rules = "\n\n".join(definition(rule.__name__, f"rule-{rule.__name__}", prose(rule.__doc__)) for rule in proof.RULES)
    return {"proof-argument.md": page(argument[0]), "proof-rules.md": page(rules)}
