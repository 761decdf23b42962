"""The zip for Gradescope: setup.sh, run_autograder, the spec with all that it needs, and the grader itself.

The layout is that of "Autograder Specifications" in Gradescope's autograder documentation: both scripts at the root of
the archive, whose contents lie in /autograder/source.
"""

from __future__ import annotations

import io
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import grader
from grader.autograder.requirements import constraints, requirements
from grader.autograder.settings import SETTINGS, Settings
from grader.behaviours import catalogue
from grader.spec import Spec, is_entry, load_spec, reference_server

ASSIGNMENT = "assignment"
_SCRIPTS = ("setup.sh", "run_autograder")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_APT = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_LEFT_OUT = {"__pycache__", "bundled"}


class BuildError(ValueError):
    """This spec cannot be packed; the message says why, and what would be right."""


def autograder_zip(
    spec: Spec, file: Path, settings: Settings, more: Sequence[str] = (), packages: Sequence[str] = ()
) -> bytes:
    """The archive for a spec that lies in `file`; the same spec and grader give the same bytes.

    `more` are further requirements for pip, `packages` for apt (compilers). Of the bundled specs and model solutions
    only those are in it that the spec needs: a server can read what its user can, which is the grader's package too.

    Raises:
        BuildError: a behaviour is another package's and `more` is empty, a file lies outside of the spec's folder, or
            one of `packages` is no name.
        NotInstalledError: it is not known what the grader needs.
    """
    _require_known(spec, more)
    if strange := [name for name in packages if not _APT.fullmatch(name)]:
        raise BuildError(f"{strange[0]!r} is not the name of a package for apt; gcc would be one")
    asked = requirements(more)
    here = Path(__file__).parent
    content = {name: (here / name).read_bytes() for name in _SCRIPTS}
    content |= {
        SETTINGS: (settings.model_dump_json(indent=2) + "\n").encode(),
        "requirements.txt": _lines(asked),
        "constraints.txt": _lines(constraints(asked)),
        "apt-packages.txt": _lines(packages),
    }
    content |= {f"{ASSIGNMENT}/{name}": data for name, data in assignment_files(spec, file).items()}
    content |= {f"package/grader/{name}": data for name, data in _package()}
    return _zipped(content)


def assignment_files(spec: Spec, file: Path) -> dict[str, bytes]:
    """The spec, its Python files and its reference servers, by paths that are right relative to the spec.

    Raises:
        BuildError: laid out so, it would be another spec.
    """
    found = {file.name: file.read_bytes()}
    found |= {name: (file.parent / name).read_bytes() for name in spec.behaviours}
    for name in {name for check in spec.checks for name in check.references}:
        folder = reference_server(name, spec.folder)
        if folder is None or ".." in Path(name).parts or Path(name).is_absolute():
            raise BuildError(f"the reference server {name!r} does not lie beside the spec; move it there")
        found |= {f"{name}/{path.name}": path.read_bytes() for path in sorted(folder.iterdir()) if _is_source(path)}
    _require_same(spec, file.name, found)
    return found


def _is_source(path: Path) -> bool:
    return path.is_file() and (is_entry(path) or path.suffix not in {".yaml", ".md"})


def _require_same(spec: Spec, name: str, found: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix="network-io-grader-") as folder:
        for path, data in found.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        packed = load_spec(Path(folder, name), catalogue())
    if packed.sha256 != spec.sha256:
        raise BuildError(f"{name} changed while it was packed; build the zip again")


def _require_known(spec: Spec, more: Sequence[str]) -> None:
    """Behaviours of other packages are not in ours."""
    for check in spec.checks:
        package = type(check).__module__.partition(".")[0]
        if package != "grader" and not package.startswith("grader_own_") and not more:
            raise BuildError(
                f"the behaviour {check.full_name!r} comes from the package {package!r}; "
                "say how pip installs it, with --requirement"
            )


def _package() -> Iterator[tuple[str, bytes]]:
    top = Path(grader.__file__).parent
    for path in sorted(top.rglob("*")):
        inside = path.relative_to(top)
        if path.is_file() and not _LEFT_OUT.intersection(inside.parts):
            yield inside.as_posix(), path.read_bytes()


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _zipped(content: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, _EPOCH)
            mode = stat.S_IFREG | (0o755 if name in _SCRIPTS else 0o644)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, content[name])
    return archive.getvalue()
