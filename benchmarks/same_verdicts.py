"""Grades every submission again and again, idle or beside busy loops, and counts verdicts that are not the expected.

Prints each difference as it comes, and the count at the end; exit status 1 if there was any.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import yaml

from grader.behaviours import catalogue
from grader.evidence import kernel
from grader.grading import grade
from grader.report.essence import essence_of, observed_of
from grader.spec import find_spec, load_spec

ROOT = Path(__file__).resolve().parents[1]


def burn() -> None:
    """Keep one core busy, for as long as whoever started it lives."""
    kernel.die_with_parent()
    while True:
        pass


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Run `count` busy loops beside."""
    loops = [multiprocessing.Process(target=burn, daemon=True) for _ in range(count)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.join()


def differences(folder: Path, only: str = "", *, telling: bool = False) -> list[str]:
    """Grade once: every check whose verdict, basis, diagnosis or line is not that of expected.yaml, and the facets.

    `only` the checks of one behaviour; `telling`: only those that are expected to fail. Facets are io_model's.
    """
    expected = yaml.safe_load((folder / "expected.yaml").read_text())
    beside = folder.parents[1].with_suffix(".yaml")
    spec = load_spec(beside if beside.is_file() else find_spec(expected["spec"]), catalogue())
    checks = spec.checks
    if only or telling:
        awaited = {
            id_: found if isinstance(found, str) else found["verdict"] for id_, found in expected["checks"].items()
        }
        checks = [
            check.model_copy(update={"needs": []})
            for check in spec.checks
            if (check.behaviour == only and awaited[check.id] != "skipped") or (telling and awaited[check.id] == "fail")
        ]
    if not checks:
        return []
    report = grade(folder, spec.model_copy(update={"checks": checks}))
    changed = [
        f"{folder.name} {check.id}: {found} instead of {expected['checks'][check.id]}: {check.summary}"
        for check in report.checks
        if (found := essence_of(check)) != expected["checks"][check.id]
    ]
    looked = any(check.behaviour == "io_model" for check in checks)
    if looked and (facets := observed_of(report)) != expected["observed"]:
        changed.append(f"{folder.name} facets: {facets} instead of {expected['observed']}")
    return changed


def parser(text: str | None) -> argparse.ArgumentParser:
    """What every benchmark of verdicts can be told: how often, beside what, and of whom."""
    made = argparse.ArgumentParser(description=text)
    made.add_argument("--times", type=int, default=50)
    made.add_argument("--loops", type=int, default=0, help="busy loops beside")
    made.add_argument("--jobs", type=int, default=1, help="gradings at the same time")
    made.add_argument("names", nargs="*", help="servers; by default all")
    return made


def count_in_all(work: Callable[[Path], list[str]], folders: Sequence[Path], chosen: argparse.Namespace) -> int:
    """Do it with every folder that was chosen, as often as was chosen; print the lines that come, and count them."""
    folders = [folder for folder in folders if not chosen.names or folder.name in chosen.names]
    count = 0
    with busy(chosen.loops), ProcessPoolExecutor(chosen.jobs, multiprocessing.get_context("spawn")) as pool:
        for done, found in enumerate(pool.map(work, folders * chosen.times), 1):
            count += len(found)
            for line in found:
                print(line, flush=True)
            if done % len(folders) == 0:
                print(f"round {done // len(folders)} of {chosen.times}", file=sys.stderr, flush=True)
    beside = f"{chosen.loops} busy loops, {chosen.jobs} at once"
    print(f"{len(folders)} servers, {chosen.times} times, {beside}: {count} lines of complaint")
    return count


def main() -> None:
    """Grade, compare, print."""
    arguments = parser(__doc__)
    arguments.add_argument("--only", default="", help="the checks of this behaviour only")
    arguments.add_argument("--telling", action="store_true", help="the checks that are expected to fail")
    chosen = arguments.parse_args()
    folders = sorted(
        file.parent for top in ("submissions", "reference") for file in (ROOT / top).rglob("expected.yaml")
    )
    work = functools.partial(differences, only=chosen.only, telling=chosen.telling)
    sys.exit(1 if count_in_all(work, folders, chosen) else 0)


if __name__ == "__main__":
    main()
