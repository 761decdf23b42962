"""Programming languages: how the files of each become a running server, and what of this machine that takes."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from grader.arena.sandbox import in_system, interpreter


@dataclass(frozen=True, slots=True)
class Language:
    """One language: the commands that build and run its files.

    In the commands are filled in: `{entry}` (the file), `{stem}` (its name without suffix), `{port}`, `{heap}` (half
    of the allowed memory, in MiB), and `{tool}` for each of `tools`, the path of that program. Where a toolchain was
    not installed by the system, `mark` is a file by which its folder is known; `settings` (a glob) is what it reads
    elsewhere. `environment` is what its tools are told, and `compiled` more of it, where its installation holds a file
    of this pattern. `threads` is how many its runtime makes for itself; `reserves`: it takes address space for whatever
    memory the machine has, which says nothing of what it uses. What depends on the number of processors is set to
    two, so that a server is the same on every machine.
    """

    name: str
    build: str
    run: str
    tools: tuple[str, ...] = ()
    mark: str = ""
    settings: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    compiled: tuple[str, Mapping[str, str]] | None = None
    threads: int = 0
    reserves: bool = False


_CC = "-O1 -g -Wall -pthread -o {stem} {entry}"
_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
# One compiler thread, and no threads whose number depends on the machine (grader.evidence.runtimes).
_JVM_ALONE = (
    f"{_JVM} -XX:CICompilerCount=1 -XX:-UsePerfData -XX:ActiveProcessorCount=2 -Xmx{{heap}}m "
    "-XX:CompressedClassSpaceSize=64m -XX:ReservedCodeCacheSize=32m"
)
_GO = {
    "CGO_ENABLED": "0",
    "GOMAXPROCS": "2",
    "GOTOOLCHAIN": "local",
    "GOPROXY": "off",
    "GOFLAGS": "-mod=mod",
    "GOTELEMETRY": "off",
}

LANGUAGES = {
    ".py": Language("python", "", "{python} {entry} {port}", ("python",)),
    ".c": Language("c", f"cc {_CC}", "./{stem} {port}"),
    ".cpp": Language("c++", f"c++ {_CC}", "./{stem} {port}"),
    ".rs": Language("rust", "{rustc} -O -g -o {stem} {entry}", "./{stem} {port}", ("rustc",), "lib/rustlib"),
    ".go": Language(
        "go",
        "{go} build -o {stem} {entry}",
        "./{stem} {port}",
        ("go",),
        "VERSION",
        environment=_GO,
        # Debian brings the packages compiled, for cgo; without it they would be compiled anew for each submission.
        compiled=("pkg/linux_*/net.a", {"CGO_ENABLED": "1"}),
        threads=16,
    ),
    ".java": Language(
        "java",
        "{javac} -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 -J-Xshare:auto -proc:none -g {entry}",
        f"{{java}} {_JVM_ALONE} {{stem}} {{port}}",
        ("javac", "java"),
        "release",
        "/etc/java*",
        {"MALLOC_ARENA_MAX": "2"},
        threads=24,
        reserves=True,
    ),
    ".js": Language(
        "javascript",
        "",
        "{node} {entry} {port}",
        ("node",),
        environment={"UV_THREADPOOL_SIZE": "4", "MALLOC_ARENA_MAX": "2"},
        threads=16,
    ),
}
"""The languages, by the suffix of the file that starts a server."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A language on this machine: where its tools are, what they are told, and what a sandbox must show for them."""

    language: Language
    tools: Mapping[str, str]
    environment: Mapping[str, str]
    shown: tuple[Path, ...]

    def words(self, template: str, values: Mapping[str, str]) -> tuple[str, ...]:
        """A command's words, with the values and the tools' paths filled in."""
        return tuple(_filled(word, {**values, **self.tools}) for word in shlex.split(template))


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def toolchain(suffix: str) -> Toolchain:
    """That of a file's language; of a suffix that is not known the file itself is run.

    A tool that this machine does not have keeps its bare name: that it cannot be run is found out when it is.
    """
    language = LANGUAGES.get(suffix, Language(suffix.lstrip(".") or "other", "", "./{entry}"))
    found = {tool: _located(tool) for tool in language.tools}
    needed = {path: _needed(path, language.mark) for path in found.values() if path}
    shown = {place for path, place in needed.items() if not in_system(path)}
    shown |= set(Path("/").glob(language.settings.lstrip("/"))) if language.settings else set()
    tools = {tool: str(path or tool) for tool, path in found.items()}
    return Toolchain(language, tools, _environment(language, needed.values()), tuple(sorted(shown)))


def _environment(language: Language, installed: Iterable[Path]) -> Mapping[str, str]:
    if language.compiled:
        pattern, more = language.compiled
        if any(any(place.glob(pattern)) for place in installed):
            return {**language.environment, **more}
    return language.environment


def _needed(program: Path, mark: str) -> Path:
    """The installation that a program belongs to, if that is a folder of its own; else only the program."""
    folder = program.parent.parent
    return folder if mark and (folder / mark).exists() else program


@cache
def _located(tool: str) -> Path | None:
    """The program itself, behind links and the wrappers of version managers."""
    if tool == "python":
        return Path(interpreter())
    found = shutil.which(tool)
    if found is None or not Path(found).is_absolute():
        return None  # a relative one comes from the current folder, which may be a submission
    real = Path(found).resolve()
    return _behind_rustup(found) or real if real.name == "rustup" else real


def _behind_rustup(rustc: str) -> Path | None:
    # Asked where no file of a submission can have a say in which toolchain it is.
    done = subprocess.run([rustc, "--print", "sysroot"], capture_output=True, text=True, cwd="/", check=False)
    path = Path(done.stdout.strip(), "bin", "rustc")
    return path if done.returncode == 0 and path.is_file() else None
