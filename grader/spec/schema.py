"""The JSON Schema of a spec, for editors: from the same definitions as the validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.spec.facets import MODELS, Facets
from grader.spec.model import CheckFields, Limits, Spec
from grader.spec.parts import Part


def spec_schema(catalogue: Mapping[str, type[CheckFields]]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the YAML of a spec, with every behaviour of the catalogue."""
    schema = Spec.model_json_schema(mode="validation")
    definitions = schema.setdefault("$defs", {})
    definitions.pop("CheckFields", None)
    variants = []
    for name, kind in catalogue.items():
        # What it is made of is named after it: somebody's own behaviour may have parts that are called like ours.
        found = kind.model_json_schema(mode="validation", ref_template=f"#/$defs/{name}.{{model}}")
        definitions.update({f"{name}.{part}": text for part, text in found.pop("$defs", {}).items()})
        found["properties"]["behaviour"] = {"const": name, "description": _first_line(kind)}
        found["required"] = sorted({*found.get("required", []), "behaviour"})
        _write_defaults(kind, found["properties"])
        _allow_one_string(found["properties"], ("needs",))
        definitions[name] = found
        variants.append({"$ref": f"#/$defs/{name}"})
    properties = schema["properties"]
    for own in ("sha256", "folder"):
        properties.pop(own, None)
    properties["checks"] = {**properties["checks"], "items": {"oneOf": variants}}
    properties["model"] = {
        "description": properties["model"].get("description", ""),
        "anyOf": [{"enum": sorted(MODELS)}, {"$ref": "#/$defs/Facets"}],
    }
    _write_defaults(Limits, definitions["Limits"]["properties"])
    _allow_one_string(definitions["Server"]["properties"], ("entry",))
    _allow_one_string(properties, ("behaviours",))
    if "Facets" not in definitions:
        definitions["Facets"] = Facets.model_json_schema(mode="validation")
    _allow_one_string(definitions["Facets"]["properties"], tuple(Facets.model_fields))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _first_line(kind: type[CheckFields]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0] if kind.__doc__ else ""


def _write_defaults(kind: type[Part], properties: dict[str, Any]) -> None:
    """Defaults as a spec would write them: a size with its unit, not as a number of bytes."""
    written = kind.model_construct().model_dump(mode="json", warnings=False)
    for name, described in properties.items():
        if "default" in described:
            described["default"] = written[name]


def _allow_one_string(properties: dict[str, Any], names: tuple[str, ...]) -> None:
    """Where the loader takes one word for a list of one, the schema does too."""
    for name in names:
        several = properties[name]
        described = {key: several.pop(key) for key in ("description", "default", "title") if key in several}
        properties[name] = {**described, "anyOf": [several["items"], several]}
