"""The generated parts of the site: written anew with each build, from the definitions that the grader itself uses.

Each page is written by hand and includes what is generated from `docs/_generated/`, which git ignores. A file is
touched only if its text has changed, so that Sphinx reads again only what is new.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from reference_pages import behaviours, diagnoses, proof, report, spec, stage

PARTS = (behaviours, diagnoses, proof, report, spec, stage)


def fragments(docs: Path) -> dict[str, str]:
    """Every generated file by its name, as Markdown; `docs` is the folder in which the examples lie."""
    found: dict[str, str] = {}
    for part in PARTS:
        found |= part.fragments(docs)
    return found


def write(app: Sphinx) -> None:
    """Write what is generated, before the first page is read."""
    docs = Path(app.srcdir)
    folder = docs / "_generated"
    folder.mkdir(exist_ok=True)
    wanted = fragments(docs)
    for stale in set(folder.iterdir()) - {folder / name for name in wanted}:
        stale.unlink()
    for name, text in wanted.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
