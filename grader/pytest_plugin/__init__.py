"""The door to pytest: `pytest submissions --spec select`. Without --spec it is not there.

Every check of every submission is a test item, and those of one submission are graded together, in one arena.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_ITEMS = "grader.pytest_plugin.items"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line."""
    group = parser.getgroup("grader", "grading of network servers")
    group.addoption("--spec", metavar="SPEC", help="grade the submissions under this spec: a file, or a bundled one")
    group.addoption("--grade-item", action="append", metavar="ITEM", help="of a submission, only this item")
    group.addoption("--grade-output", metavar="DIR", default="grade-report", help="where reports go (grade-report)")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Take in what grading needs, and keep pytest from running what students have handed in.

    Of the folders on its command line, and of those in them that are called test..., pytest runs the conftest.py.
    """
    options = early_config.known_args_namespace
    if not options.spec:
        return
    _allow_items_of_folders(early_config.invocation_params.dir, args)
    early_config.pluginmanager.import_plugin(_ITEMS)
    options.file_or_dir = sys.modules[_ITEMS].without_submissions(early_config, options.file_or_dir) or [
        str(Path(__file__).parent)  # where there is none, or pytest would look in the current folder
    ]


def _allow_items_of_folders(here: Path, args: list[str]) -> None:
    """`submissions/alice::select::echo` is the name of an item, and pytest takes no such name where it is a folder."""
    for index, argument in enumerate(list(args)):
        path, separator, _ = argument.partition("::")
        if separator and os.path.isdir(here / path):  # noqa: PTH112 - of any string, not only of what can be a path
            args[index] = path
            args.append(f"--grade-item={argument}")
