"""What is required: YAML to a typed Spec, every error with its place, and the JSON Schema of it all."""

from grader.spec.facets import MODELS, Facets, WaitsIn
from grader.spec.load import bundled_folder, catalogue_of, find_spec, is_entry, load_spec, parse_spec, reference_server
from grader.spec.model import CheckFields, Exchange, Protocol, Spec
from grader.spec.parts import Part, Strings, as_list, compiled
from grader.spec.problems import Place, Problem, SpecError, nearest
from grader.spec.schema import spec_schema
from grader.spec.selection import UnknownCheckError, selected
from grader.spec.told import explain
from grader.spec.units import Duration, Percent, Size

__all__ = [
    "MODELS",
    "CheckFields",
    "Duration",
    "Exchange",
    "Facets",
    "Part",
    "Percent",
    "Place",
    "Problem",
    "Protocol",
    "Size",
    "Spec",
    "SpecError",
    "Strings",
    "UnknownCheckError",
    "WaitsIn",
    "as_list",
    "bundled_folder",
    "catalogue_of",
    "compiled",
    "explain",
    "find_spec",
    "is_entry",
    "load_spec",
    "nearest",
    "parse_spec",
    "reference_server",
    "selected",
    "spec_schema",
]
