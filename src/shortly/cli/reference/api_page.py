"""The page about the API, from its OpenAPI document and the tree of errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from shortly.cli.reference.tables import GENERATED, code, table
from shortly.errors import ShortlyError

METHODS = ("get", "post", "put", "patch", "delete")
BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


def api_page() -> str:
    """Return the page."""
    document = openapi_document()
    parts = [GENERATED, "# API", document["info"]["description"].strip()]
    for tag in document["tags"]:
        parts += [f"## {tag['name'].capitalize()}", tag["description"], *operations(document, tag["name"])]
    parts.append("## Objects")
    sent = sent_objects(document)
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts += [f"### {name}", first_line(schema.get("description", "")), fields(schema, sent=name in sent)]
    parts += ["## Errors", errors_table()]
    return "\n\n".join(part for part in parts if part) + "\n"


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of an installation with default settings."""
    from shortly.api.app import create_api
    from shortly.settings import Settings

    @asynccontextmanager
    async def never_opened(_: object) -> Any:
        yield {}

    return create_api(Settings.model_construct(), never_opened).openapi()


def operations(document: Mapping[str, Any], tag: str) -> Iterator[str]:
    """Yield the paragraphs about each operation of a tag."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            operation = methods.get(method)
            if operation and tag in operation.get("tags", ()):
                yield f"### `{method.upper()} {path}`"
                yield operation.get("description", operation["summary"])
                yield parameters(operation)
                yield body(operation)
                yield table(("Answer", "Meaning"), answers(operation))


def parameters(operation: Mapping[str, Any]) -> str:
    """Return the table of an operation's parameters."""
    rows = [
        (
            code(parameter["name"]) + (" (needed)" if parameter.get("required") else ""),
            parameter["in"],
            kind_of(parameter["schema"]).removesuffix(" or null"),
            code(shown(parameter["schema"].get("default"))),
            parameter.get("description", ""),
        )
        for parameter in operation.get("parameters", ())
    ]
    return table(("Parameter", "In", "Type", "Default", "Meaning"), rows) if rows else ""


def body(operation: Mapping[str, Any]) -> str:
    """Return what an operation's body is."""
    content = operation.get("requestBody", {}).get("content", {})
    return "".join(f"Body ({code(media)}): {kind_of(what['schema'])}." for media, what in content.items())


def answers(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each status with what it means: the object it brings, or the codes of its problems."""
    for status, answer in operation["responses"].items():
        meaning = answer["description"].rstrip(".").removeprefix("Successful Response")
        for media, what in answer.get("content", {}).items():
            if examples := what.get("examples"):
                meaning = ", ".join(f"[`{name}`](#errors)" for name in examples)
            elif kind := kind_of(what.get("schema", {})):
                meaning = f"{meaning}: {kind}" if meaning else kind
            elif media != "application/json":
                meaning = f"{meaning} {code(media)}".strip()
        yield status, meaning


def sent_objects(document: Mapping[str, Any]) -> set[str]:
    """Return the names of the objects that clients send, those inside others too."""
    schemas = document["components"]["schemas"]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names: set[str] = set()
    waiting = [operation["requestBody"] for operation in operations if "requestBody" in operation]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)}:
                name = reference.rpartition("/")[2]
                if name not in names:
                    names.add(name)
                    waiting.append(schemas.get(name))
            case Mapping() as mapping:
                waiting.extend(mapping.values())
            case list() as items:
                waiting.extend(items)
    return names


def fields(schema: Mapping[str, Any], *, sent: bool) -> str:
    """Return the table of an object's fields; of one that is sent it says which are needed."""
    needed = schema.get("required", ()) if sent else ()
    rows = [
        (
            code(name) + (" (needed)" if name in needed else ""),
            kind_of(field),
            code(shown(field.get("default"))),
            field.get("description", ""),
        )
        for name, field in schema.get("properties", {}).items()
    ]
    return table(("Field", "Type", "Default", "Meaning"), rows) if rows else ""


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return a type and its bounds in words."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := schema.get("enum"):
        return " or ".join(code(str(choice)) if choice != "" else "empty" for choice in choices)
    if "const" in schema:
        return code(str(schema["const"]))
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(dict.fromkeys(kind_of(option) for option in options))
    kind = str(schema.get("type", ""))
    if kind == "array":
        kind = f"list of {kind_of(schema.get('items', {})) or 'anything'}"
    elif kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        kind = f"object of {kind_of(schema['additionalProperties'])}"
    elif form := schema.get("format"):
        kind = f"{kind} ({form})"
    bounds = [words.format(schema[bound]) for bound, words in BOUNDS.items() if bound in schema]
    return ", ".join([kind, *bounds]) if kind else ""


def shown(default: Any) -> str:
    """Return a default as JSON has it; empty when it is nothing."""
    if default in (None, "", []):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def errors_table() -> str:
    """Return every code with its status and meaning, alphabetically."""
    from shortly.api.problems import status_of

    kinds = sorted(all_errors(), key=lambda kind: kind.code)
    rows = ((code(kind.code), str(int(status_of(kind))), first_line(kind.__doc__ or "")) for kind in kinds)
    return table(("Code", "Status", "Meaning"), rows)


def all_errors(root: type[ShortlyError] = ShortlyError) -> Iterator[type[ShortlyError]]:
    """Yield every refusal that Shortly's own modules know, the root aside."""
    for kind in root.__subclasses__():
        if kind.__module__.startswith("shortly."):
            yield kind
            yield from all_errors(kind)


def first_line(text: str) -> str:
    """Return the first paragraph."""
    return " ".join(text.partition("\n\n")[0].split())
