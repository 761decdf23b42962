"""Brings the catalogues up to date: `make messages`.

What the source says goes into grader/locale/grader.pot, and from there into the catalogue of each language, where what
has not been translated yet is empty; each is compiled beside itself. `--check` writes nothing, and says what is stale.
"""

from __future__ import annotations

import datetime as dt
import io
import sys
from pathlib import Path

import extract
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from grader.words.language import CODES, DOMAIN, locale_folder

ROOT = Path(__file__).parent.parent
TEMPLATE = locale_folder() / f"{DOMAIN}.pot"
_METHODS = (
    ("grader", "**.py", extract.python),
    ("grader", "**.j2", "jinja2"),
    ("specs", "**.yaml", extract.spec),
    ("reference", "alike.yaml", extract.alike),
)
_KEYWORDS = {"_": None, "_of": (2, 3), "mark": None, "say_of": (2, 3)}
_LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_HEADER = "# Messages of network-io-grader. Brought up to date by `make messages`; see docs/translators.md."


def extracted() -> Catalog:
    """All messages of the source."""
    found = _catalogue()
    for folder, pattern, method in _METHODS:
        each = extract_from_dir(str(ROOT / folder), [(pattern, method)], keywords=_KEYWORDS, comment_tags=[])  # type: ignore[list-item]  # a method may be a function
        for name, _, message, comments, context in each:
            found.add(message, None, [(f"{folder}/{name}", 0)], auto_comments=comments, context=context)
    return found


def _catalogue(locale: str | None = None) -> Catalog:
    return Catalog(
        locale,
        DOMAIN,
        _HEADER,
        project="network-io-grader",
        version="1",
        msgid_bugs_address="",
        last_translator="The grader authors",
        language_team="",
        creation_date=_LONG_AGO,
        revision_date=_LONG_AGO,
        charset="utf-8",
        fuzzy=False,
    )


def po_of(code: str) -> Path:
    """The catalogue of a language."""
    return locale_folder() / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(path: Path, locale: str | None = None) -> Catalog:
    """A catalogue as it was written."""
    with path.open("rb") as file:
        return read_po(file, locale=locale, domain=DOMAIN)


def updated(code: str, template: Catalog) -> Catalog:
    """The catalogue of a language with exactly the messages of the template, in their order."""
    old = read(po_of(code), code) if po_of(code).exists() else _catalogue(code)
    new = _catalogue(code)
    for message in template:
        if message.id:
            known = old.get(message.id)
            flags = known.flags & {"fuzzy"} if known else ()
            new.add(message.id, known.string if known else None, message.locations, flags, message.auto_comments)
    return new


def is_fresh(path: Path, wanted: bytes) -> bool:
    """Whether a file holds what it should; which version of Babel has written it makes no difference."""
    return path.exists() and _essence(path.suffix, path.read_bytes()) == _essence(path.suffix, wanted)


def _essence(suffix: str, content: bytes) -> object:
    if suffix != ".mo":
        return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b'"Generated-By'))
    return [(message.id, message.string) for message in read_mo(io.BytesIO(content)) if message.id]


def as_po(catalogue: Catalog) -> bytes:
    """The text of a .po file; of places only the file is told, so that it changes only where messages do."""
    file = io.BytesIO()
    write_po(file, catalogue, width=120, include_lineno=False, sort_by_file=True)
    return file.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """The compiled catalogue, without what is not translated or in doubt."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def untranslated(catalogue: Catalog) -> list[Message]:
    """The messages that lack a translation, or whose translation is in doubt (fuzzy)."""
    return [
        message
        for message in catalogue
        if message.id and (message.fuzzy or not message.string or not all(_forms(message.string)))
    ]


def _forms(string: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def files() -> dict[Path, bytes]:
    """What every file of the catalogues should hold."""
    template = extracted()
    found = {TEMPLATE: as_po(template)}
    for code in CODES[1:]:
        catalogue = updated(code, template)
        found[po_of(code)] = as_po(catalogue)
        found[po_of(code).with_suffix(".mo")] = as_mo(catalogue)
    return found


def main() -> int:
    """Write, or with --check say, what is not up to date; then count what waits for a translator."""
    check = "--check" in sys.argv[1:]
    stale = {path: content for path, content in files().items() if not is_fresh(path, content)}
    for path, content in stale.items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}")
    missing = 0
    for code in CODES[1:]:
        for message in untranslated(updated(code, extracted())):
            missing += 1
            print(f"{code}: not translated: {message.id!r}")
    return 1 if missing or (check and stale) else 0


if __name__ == "__main__":
    sys.exit(main())
