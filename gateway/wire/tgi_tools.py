"""Tools, tool choice and response formats as TGI takes them.

Every function returns the very object it was given where nothing has to change.
"""

from typing import Any

from gateway.wire.splice import ABSENT
from gateway.wire.tgi_fix import fixed_items, unable
from gateway.wire.tgi_schema import Room, inlined

_NO_PARAMETERS = {"type": "object", "properties": {}}


def tools(value: Any) -> Any:
    """Functions, each with `parameters` that hold no reference. An empty list would force TGI's `no_tool`: absent."""
    if not isinstance(value, list):
        return value
    if not value:
        return ABSENT
    room = Room()
    return fixed_items(value, lambda tool: _tool(tool, room))


def _tool(tool: Any, room: Room) -> Any:
    if not isinstance(tool, dict) or tool.get("type", "function") != "function":
        raise unable("tools other than functions")
    function = tool.get("function")
    if not isinstance(function, dict):
        return tool
    given = function.get("parameters")
    if given is None and "arguments" in function:  # TGI's own name for it
        return tool
    parameters = _NO_PARAMETERS if given is None else inlined(given, room)
    changed = tool if parameters is given else {**tool, "function": {**function, "parameters": parameters}}
    return changed if "type" in tool else {"type": "function", **changed}


def tool_choice(value: Any) -> Any:
    """A word, a name, or an object. Hugging Face's client leaves out the object's `type`, which TGI requires."""
    if not isinstance(value, dict):
        return value
    function = value.get("function")
    if value.get("type", "function") != "function" or not isinstance(function, dict):
        raise unable("this kind of `tool_choice`")
    return value if "type" in value else {"type": "function", **value}


def response_format(value: Any) -> Any:
    """OpenAI's form becomes TGI's; the Hugging Face dialect (with `value`) is TGI's own and stays."""
    if not isinstance(value, dict) or "value" in value:
        return value
    match value.get("type"):
        case "text":
            return ABSENT
        case "json_schema":
            return {"type": "json_object", "value": _schema(value.get("json_schema"))}
        case "json_object":
            raise unable("JSON mode without a schema")
        case _:
            return value


def _schema(given: Any) -> Any:
    """TGI's compiler starts from `properties`; a schema without them at the top has no grammar there."""
    schema = inlined(given.get("schema"), Room()) if isinstance(given, dict) else None
    if not isinstance(schema, dict) or "properties" not in schema:
        raise unable("a schema without `properties` at its top")
    return schema
