"""The reference of the spec's keys, and of the models that it can name."""

from __future__ import annotations

from pathlib import Path

from grader.spec import MODELS, Exchange, Facets, Part, Protocol, Spec
from grader.spec.model import Limits, Server
from reference_pages.fields import fields
from reference_pages.kinds import anchor
from reference_pages.markdown import page, table

_PARTS: tuple[type[Part], ...] = (Server, Protocol, Exchange, Limits, Facets)


def fragments(_: Path) -> dict[str, str]:
    """The generated files by name: the keys of each part, and the table of models."""
    keys = {f"{anchor(kind)}.md": page(fields(kind, anchor(kind))) for kind in _PARTS}
    return {**keys, "spec-keys.md": page(fields(Spec, "spec")), "models.md": page(_models())}


def _models() -> str:
    names = list(Facets.model_fields)
    rows = []
    for model, facets in MODELS.items():
        allowed = facets.model_dump()
        rows.append([f"`{model}`", *(" ".join(f"`{value}`" for value in allowed[name]) or "any" for name in names)])
    return table(["model", *(f"`{name}`" for name in names)], rows)
