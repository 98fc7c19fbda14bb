"""Describes parameters as a JSON schema, and checks the arguments that a model fills in."""

from __future__ import annotations

from typing import Any, NotRequired, Required

from pydantic import ConfigDict, TypeAdapter, with_config
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict


class Undescribable(ValueError):
    """A type that no JSON schema describes."""


class _Untitled(GenerateJsonSchema):
    """Without the titles that only repeat the names: each word of a schema is sent every time."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def adapter_of(required: dict[str, Any], optional: dict[str, Any]) -> TypeAdapter[Any]:
    """Return what checks a dict of arguments; those it does not know are refused."""
    fields: dict[str, Any] = {name: Required[hint] for name, hint in required.items()}
    fields |= {name: NotRequired[hint] for name, hint in optional.items()}
    for name, hint in (required | optional).items():
        _check(name, hint)
    # A typed dict, since a parameter may have any name: the field of a model may not.
    described = TypedDict("Arguments", fields)  # type: ignore[misc]
    return TypeAdapter(with_config(ConfigDict(extra="forbid"))(described))


def _check(name: str, hint: Any) -> None:
    try:
        TypeAdapter(hint).json_schema()
    except (PydanticUserError, NameError, TypeError) as error:
        raise Undescribable(
            f"the type of “{name}” cannot be described as JSON; use str, int, float, bool,"
            " Literal, an Enum, a list or a model of these."
        ) from error


def schema_of(
    adapter: TypeAdapter[Any], texts: dict[str, str], defaults: dict[str, Any]
) -> dict[str, Any]:
    """Return the JSON schema of the arguments, with what is said of each, and defaults."""
    schema = adapter.json_schema(schema_generator=_Untitled)
    definitions = schema.get("$defs", {})
    fields = {
        name: _written_out(field, definitions) for name, field in schema["properties"].items()
    }
    for name, field in fields.items():
        if name in texts:
            field.setdefault("description", texts[name])
        if defaults.get(name) is not None:
            field |= _default(defaults[name])
    return {
        "type": "object",
        "properties": fields,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }


def _written_out(part: Any, definitions: dict[str, Any], within: tuple[str, ...] = ()) -> Any:
    """Return a schema with each reference replaced: not every server follows them."""
    if isinstance(part, list):
        return [_written_out(each, definitions, within) for each in part]
    if not isinstance(part, dict):
        return part
    if reference := part.get("$ref"):
        name = str(reference).rpartition("/")[2]
        if name in within:
            raise Undescribable(f"the type {name} contains itself.")
        within = (*within, name)
        part = definitions[name] | {key: part[key] for key in part if key != "$ref"}
        part.pop("title", None)
    return {key: _written_out(value, definitions, within) for key, value in part.items()}


def _default(value: Any) -> dict[str, Any]:
    try:
        return {"default": to_jsonable_python(value)}
    except (PydanticSerializationError, ValueError):
        return {}  # It is the function's own all the same.
