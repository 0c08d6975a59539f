"""What the tests ask a model to use and to fill in."""

from typing import Any

from house import House

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
BICYCLE: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "gears": {"type": "integer"}},
    "required": ["name", "gears"],
    "additionalProperties": False,
}
LISBON = "What is the weather in Lisbon?"


async def chunks_of(house: House, text: str, **more: Any) -> list[Any]:
    """A streamed answer through the official client, read to its end."""
    return [chunk async for chunk in await house.chat(text, stream=True, **more)]


def reasons(chunks: list[Any]) -> list[str]:
    """Every finish reason that was given."""
    given = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    return [reason for reason in given if reason is not None]
