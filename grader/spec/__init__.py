"""What is required: YAML to a typed Spec, every error with its place, and the JSON Schema of it all."""

from grader.spec.load import bundled_folder, find_spec, load_spec, parse_spec
from grader.spec.model import MODELS, CheckFields, Facets, Spec
from grader.spec.problems import Place, Problem, SpecError
from grader.spec.schema import spec_schema
from grader.spec.units import Duration, Percent, Size

__all__ = [
    "MODELS",
    "CheckFields",
    "Duration",
    "Facets",
    "Percent",
    "Place",
    "Problem",
    "Size",
    "Spec",
    "SpecError",
    "bundled_folder",
    "find_spec",
    "load_spec",
    "parse_spec",
    "spec_schema",
]
