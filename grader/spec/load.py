"""From the text of a spec to a typed `Spec`, or to every problem that it has, each with its place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

import grader
from grader.spec import positions
from grader.spec.facets import MODELS, Facets
from grader.spec.messages import problem_of
from grader.spec.model import SPARE_DESCRIPTORS, CheckFields, Spec
from grader.spec.own import Catalogue, with_own
from grader.spec.positions import Document
from grader.spec.problems import Place, Problem, SpecError, nearest

_UNKNOWN = "unknown"


def load_spec(path: Path, catalogue: Catalogue) -> Spec:
    """Read a spec from a file; `catalogue` maps the names of behaviours to their parameters.

    Raises:
        SpecError: it cannot be read or is not right; with every problem that was found.
    """
    text, folder = _read(path)
    return parse_spec(text, str(path), catalogue, folder)


def _read(path: Path) -> tuple[bytes, str]:
    try:
        return path.read_bytes(), str(path.resolve().parent)
    except OSError as error:
        raise SpecError([Problem(f"cannot read the spec: {error.strerror}", str(path), Place(1, 1))]) from None


def catalogue_of(path: Path, catalogue: Catalogue) -> Catalogue:
    """The catalogue together with the behaviours of a spec's own; the rest of the spec may still be unfinished.

    Raises:
        SpecError: the file is no YAML, or a Python file that it names cannot be used.
    """
    text, folder = _read(path)
    document = _document(text, str(path))
    problems: list[Problem] = []
    found, _ = with_own(document, catalogue, folder, problems)
    if problems:
        raise SpecError(problems)
    return found


def _document(text: bytes, file: str) -> Document:
    document = positions.read_yaml(text, file)
    if not isinstance(document.data, dict):
        raise SpecError([Problem("a spec is a mapping that begins with 'spec: NAME'", file, Place(1, 1))])
    return document


def parse_spec(text: bytes, file: str, catalogue: Catalogue, folder: str = "") -> Spec:
    """The same for a spec in memory; `file` is what messages call it, `folder` where it lies, if it does.

    Raises:
        SpecError: as `load_spec`.
    """
    document = _document(text, file)
    data = document.data
    problems: list[Problem] = []
    catalogue, own = with_own(document, catalogue, folder, problems)
    if problems:
        # What a file that cannot be used would have defined is not known, so no check is blamed.
        raise SpecError(problems)
    checks = _checks(document, catalogue, problems)
    model = _model(document, problems)
    whole = {**data, "model": model, "checks": checks}
    if "checks" not in data:
        del whole["checks"]
    # What only we fill in is no key of the file.
    spec = _validated(Spec, whole, document, (), problems, hide=("sha256", "folder"))
    if spec:
        problems += _too_many(spec, document)
        problems += _unfitting(spec, document, folder)
    if spec and not problems and spec.points not in (None, spec.max_score):
        message = f"the checks are worth {spec.max_score:g} points together, not {spec.points:g}"
        problems.append(Problem(message, document.file, document.place(("points",)), "change one of the two"))
    if spec is None or problems:
        raise SpecError(problems)
    found: Spec = spec.model_copy(update={"sha256": hashlib.sha256(text + own).hexdigest(), "folder": folder})
    return found


def _validated(
    kind: type[BaseModel],
    data: dict[str, Any],
    document: Document,
    path: positions.Path,
    problems: list[Problem],
    hide: tuple[str, ...] = (),
) -> Any:
    for name in hide:
        if name in data:
            place = document.place((*path, name), key=True)
            problems.append(Problem(f"unknown key {name!r}", document.file, place))
    data = {key: value for key, value in data.items() if key not in hide}
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems += [problem_of(found, kind, document, path, hide) for found in error.errors(include_url=False)]
        return None


def _model(document: Document, problems: list[Problem]) -> str | Facets | None:
    model = document.data.get("model")
    if isinstance(model, dict):
        found = _validated(Facets, model, document, ("model",), problems)
        return found if isinstance(found, Facets) else None
    if model is None or (isinstance(model, str) and model in MODELS):
        return model
    remedy = nearest(model, MODELS)
    problems.append(Problem(f"unknown model {model!r}", document.file, document.place(("model",)), remedy))
    return None


def _checks(document: Document, catalogue: Catalogue, problems: list[Problem]) -> Any:
    """Every check by its own behaviour's definition; a stand-in for each that is not right."""
    raw = document.data.get("checks")
    if not isinstance(raw, list):
        return raw
    checks = [_check(document, index, item, catalogue, problems) for index, item in enumerate(raw)]
    return _named(document, checks, problems)


def _check(document: Document, index: int, item: Any, catalogue: Catalogue, problems: list[Problem]) -> CheckFields:
    path: positions.Path = ("checks", index)
    stand_in = _stand_in(item)
    if not isinstance(item, dict) or "behaviour" not in item:
        message = "a check is a mapping that begins with 'behaviour: NAME'"
        problems.append(Problem(message, document.file, document.place(path), f"known are {', '.join(catalogue)}"))
        return stand_in
    name = item["behaviour"]
    kind = catalogue.get(name) if isinstance(name, str) else None
    if kind is None:
        place = document.place((*path, "behaviour"))
        problems.append(Problem(f"unknown behaviour {name!r}", document.file, place, nearest(name, catalogue)))
        return stand_in
    found = _validated(kind, item, document, path, problems)
    return found if isinstance(found, CheckFields) else stand_in


def _stand_in(item: Any) -> CheckFields:
    """In place of a check that is not right: what it says of ids is still looked at."""
    fields = item if isinstance(item, dict) else {}
    name, needs = fields.get("id", ""), fields.get("needs", [])
    needs = [needs] if isinstance(needs, str) else needs
    return CheckFields.model_construct(
        behaviour=_UNKNOWN,
        id=name if isinstance(name, str) else "",
        needs=[need for need in needs if isinstance(need, str)] if isinstance(needs, list) else [],
    )


def _named(document: Document, checks: list[CheckFields], problems: list[Problem]) -> list[CheckFields]:
    """Give every check an id and a title, and see that ids are unique and needs name earlier checks."""
    explicit: dict[str, int] = {}
    for index, check in enumerate(checks):
        if check.id and check.id in explicit:
            place = document.place(("checks", index, "id"))
            remedy = "every check has an id of its own"
            problems.append(Problem(f"the id {check.id!r} is there twice", document.file, place, remedy))
        elif check.id:
            explicit[check.id] = index
    named: list[CheckFields] = []
    for index, check in enumerate(checks):
        title = check.title or check.default_title or check.behaviour.replace("_", " ").capitalize()
        name = check.id or _free(check, {*explicit, *(other.id for other in named)})
        earlier = [other.id for other in named]
        # What a check that is not right would have been called is not known, so nobody who needs it is blamed.
        unclear = any(other.behaviour == _UNKNOWN and not other.id for other in checks[:index])
        for place_in_list, need in enumerate(check.needs):
            if need not in earlier and not unclear:
                place = document.place(("checks", index, "needs", place_in_list))
                message = f"{name!r} needs {need!r}, which is not the id of an earlier check"
                problems.append(Problem(message, document.file, place, nearest(need, earlier)))
        named.append(check.model_copy(update={"id": name, "title": title}))
    return named


def _too_many(spec: Spec, document: Document) -> Iterator[Problem]:
    """Checks that ask for more clients than the spec's own limits let the server have."""
    for index, check in enumerate(spec.checks):
        needed, allowed = check.descriptors + SPARE_DESCRIPTORS, spec.limits.files
        if check.descriptors and needed > allowed:
            message = f"{check.descriptors} clients need more descriptors than limits.files ({allowed}) allows"
            place = document.place(("checks", index, "clients"))
            yield Problem(message, document.file, place, f"write 'limits: {{files: {needed}}}'")


def _unfitting(spec: Spec, document: Document, folder: str) -> Iterator[Problem]:
    """Checks that the rest of the spec leaves without meaning."""
    for index, check in enumerate(spec.checks):
        for name in check.references:
            if reference_server(name, folder) is None:
                place, remedy = document.place(("checks", index, "reference")), "name a folder beside the spec"
                yield Problem(f"there is no reference server {name!r}", document.file, place, remedy)
        for path, message, remedy in check.problems(spec):
            yield Problem(message, document.file, document.place(("checks", index, *path)), remedy)


def _free(check: CheckFields, taken: set[str]) -> str:
    base = check.full_name.replace(" ", "-").replace("_", "-")
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def bundled_folder() -> Path:
    """Where the bundled specs are: in the installed package, or beside it in a checkout."""
    package = Path(grader.__file__).parent
    inside = package / "bundled" / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def reference_server(name: str, folder: str) -> Path | None:
    """The folder of a right server: one beside the spec (which lies in `folder`), or a bundled model solution."""
    bundled = bundled_folder().parent / "reference" / "servers"
    tops = ([Path(folder)] if folder else []) + ([bundled] if "/" not in name else [])
    try:
        return next((top / name for top in tops if any(is_entry(file) for file in (top / name).glob("*"))), None)
    except (OSError, ValueError):  # a name that no file can have
        return None


def is_entry(file: Path) -> bool:
    """Whether a file starts a server, by its name: server, or Server, in any language."""
    return file.stem.lower() == "server"


def find_spec(name: str) -> Path:
    """The file of a spec that is given as a path, or as the name of a bundled one.

    What is named as a bundled spec is that one, whatever lies in the current folder, which may be a submission.

    Raises:
        SpecError: there is no such file and no such bundled spec.
    """
    path = Path(name)
    bundled = {file.stem: file for file in sorted(bundled_folder().glob("*.yaml"))}
    if name in bundled:
        return bundled[name]
    try:
        there = path.is_file() or (path.exists() and os.sep in name)
    except OSError:  # such as a name longer than any file's
        there = False
    if there:
        return path
    if (short := name.removesuffix(".yaml")) in bundled:
        return bundled[short]
    remedy = nearest(short, bundled)
    raise SpecError([Problem(f"there is no spec {name!r}, neither a file nor a bundled one", name, None, remedy)])
