"""What every part of a spec is made from."""

from __future__ import annotations

import re
import warnings
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


def as_list(value: Any) -> Any:
    """One word where a list of words may stand."""
    return [value] if isinstance(value, str) else value


def compiled(expression: str) -> re.Pattern[str]:
    """A regular expression that somebody wrote. Raises ValueError with what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what may mean something else one day means this today
            return re.compile(expression)
    except (re.error, OverflowError) as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _plain_name(value: str) -> str:
    if value.startswith(("/", "-")) or ".." in value.split("/") or "\0" in value or not value:
        raise ValueError("give a file name inside the submission's folder")
    return value


FileName = Annotated[str, AfterValidator(_plain_name)]
Strings = Annotated[list[str], BeforeValidator(as_list)]


class Part(BaseModel):
    """A frozen part of a spec; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
