"""What the instructor chose when the zip was built, for the container to read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from grader.report.model import Record

SETTINGS = "settings.json"
_RESERVE, _SHARE = 30.0, 0.1

Visibility = Literal["hidden", "after_due_date", "after_published"]


class SettingsError(ValueError):
    """settings.json is not as it was built; the message says what is wrong."""


class Settings(Record):
    """The spec, and how the platform is to be dealt with."""

    spec: str = Field(description="path of the spec, below the folder in which this file lies")
    timeout: float = Field(description="seconds after which the platform stops the autograder")
    isolation: Literal["auto", "namespaces", "process"] = Field(
        default="auto", description="how servers are kept apart"
    )
    hide_with: Visibility = Field(default="hidden", description="the visibility of hidden checks")

    @property
    def time(self) -> float:
        """Seconds that the grading may take, so that its results are there before the platform stops it."""
        return self.timeout - max(_RESERVE, self.timeout * _SHARE)


def read_settings(folder: Path) -> Settings:
    """Read them back.

    Raises:
        SettingsError: they are not there, or not as they were built.
    """
    path = folder / SETTINGS
    try:
        return Settings.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {error.errors(include_url=False)[0]['msg']}; build the zip again") from None
