"""Gives every property-based test an equal share of some time, in which it is tried with ever new examples.

The tests are those that `make test` runs with a hundred examples each: of archives, specs, what the kernel and a
submission say, and what is written of it. Prints how many examples each was given; exit status 1 if one was refuted,
with the smallest example that refutes it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


class Shares:
    """A pytest plugin that leaves the property-based tests only, and calls each until its share of time is used up."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.examples = 0
        self._cases: Counter[object] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the property-based tests only, and count the cases of each, which divide its share among them."""
        items[:] = [item for item in items if hasattr(getattr(item, "obj", None), "hypothesis")]
        self._cases.update(getattr(item, "obj", None) for item in items)

    def _share(self, test: object) -> float:
        return self.seconds / len(self._cases) / self._cases[test]

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        """Call one test until its share is used up; True tells pytest that it was called."""
        given = {name: pyfuncitem.funcargs[name] for name in signature(pyfuncitem.obj).parameters}
        test: Any = pyfuncitem.obj
        handle = test.hypothesis
        inner, before = handle.inner_test, self.examples

        @wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.examples += 1
            return inner(*args, **kwargs)

        handle.inner_test = counted
        began = time.monotonic()
        try:
            while time.monotonic() < began + self._share(test):
                test(**given)
        finally:
            handle.inner_test = inner
            took = time.monotonic() - began
            print(f"{pyfuncitem.nodeid}: {self.examples - before} examples in {took:.0f} s", flush=True)
        return True


def main() -> int:
    """Run them, and print how many examples there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="in total (default: %(default)s)")
    parser.add_argument("tests", nargs="*", help="files of tests, or single ones (default: all)")
    arguments = parser.parse_args()
    shares = Shares(arguments.minutes * 60)
    options = ["-s", "--timeout=0", "-p", "no:xdist", "--hypothesis-profile=long", f"--rootdir={ROOT}"]
    status = pytest.main([*options, *(arguments.tests or [str(ROOT / "tests")])], plugins=[shares])
    print(f"{shares.examples} examples in all")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
