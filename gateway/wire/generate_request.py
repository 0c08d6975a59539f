"""TGI's own generation request as OpenAI's: as one user message for a chat model, or as a raw prompt for an engine.

What has no equivalent is never dropped in silence: unless it is off, the exchange cannot be made, and the request goes
to a backend that can. Fields that TGI itself would ignore are left out.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind
from gateway.core.types import Endpoint, Envelope
from gateway.wire.mistakes import wrong_type

DEFAULT_MAX_TOKENS = 1024
"""What TGI's API names as its default; an engine's own for raw prompts would be 16."""
_MAX_CHAT_STOPS = 4
_I64 = 2**63 - 1

_CHAT_SAME = ("temperature", "top_p", "frequency_penalty", "stop")  # the same name and meaning on both sides
_ENGINE_SAME = (*_CHAT_SAME, "top_k", "repetition_penalty")

# Parameters without an equivalent, and the values that mean "off".
_ENGINE_CANNOT: Mapping[str, tuple[Any, ...]] = {
    "typical_p": (),
    "watermark": (False,),
    "truncate": (),
    "best_of": (1,),
    "adapter_id": (),
    "decoder_input_details": (False,),
    "top_n_tokens": (0,),
}
_CHAT_CANNOT: Mapping[str, tuple[Any, ...]] = {**_ENGINE_CANNOT, "top_k": (), "repetition_penalty": (1,)}

Parameters = dict[str, Any]


class Wanted(msgspec.Struct, frozen=True):
    """The shape of the answer: `/` wraps it in a list; `prompt` stands before the text where all of it is wanted."""

    is_list: bool
    prompt: str
    details: bool
    prompt_tokens: int

    def __repr__(self) -> str:
        return f"Wanted(is_list={self.is_list}, details={self.details})"


def is_streamed(envelope: Envelope) -> bool:
    """Only `/` heeds the request's `stream`; `/generate` never streams and `/generate_stream` always does."""
    if envelope.endpoint is Endpoint.GENERATE_ROOT:
        return envelope.stream
    return envelope.endpoint is Endpoint.GENERATE_STREAM


def wanted(envelope: Envelope) -> Wanted:
    """`return_full_text` is on by default at `/` and nowhere else, as TGI has it for every text-generation model."""
    inputs, parameters = _read(envelope)
    is_root = envelope.endpoint is Endpoint.GENERATE_ROOT
    full = parameters.get("return_full_text")
    return Wanted(
        is_list=is_root,
        prompt=inputs if (is_root if full is None else full) else "",
        details=parameters.get("details") is True,
        prompt_tokens=envelope.prompt_tokens,
    )


def chat_document(envelope: Envelope, model: str) -> dict[str, Any]:
    """For `/v1/chat/completions`. Sampling is the backend's own unless the client said something about it: newer chat
    models refuse any temperature but theirs. OpenAI leaves the stop text out and cannot be told otherwise."""
    inputs, parameters = _read(envelope)
    document = _carried(parameters, _CHAT_SAME, _CHAT_CANNOT)
    if parameters.get("max_new_tokens") is not None:
        document["max_completion_tokens"] = parameters["max_new_tokens"]
    if parameters.get("do_sample") is False and _is_greedy(parameters):
        document["temperature"] = 0
    if len(document.get("stop", ())) > _MAX_CHAT_STOPS:
        raise _unable("more than 4 stop sequences")
    if "regex" in _grammar(parameters):
        raise _unable("a regex grammar")
    messages = [{"role": "user", "content": inputs}]
    return {"model": model, "messages": messages, **document, **_grammar(parameters), **_streaming(envelope)}


def completions_document(envelope: Envelope, model: str) -> dict[str, Any]:
    """For an engine's `/v1/completions`: no chat template, greedy unless sampling is asked for, stop text kept in the
    answer. Where vLLM and SGLang have different words both are sent; each ignores the other's."""
    inputs, parameters = _read(envelope)
    document = _carried(parameters, _ENGINE_SAME, _ENGINE_CANNOT)
    bound = parameters.get("max_new_tokens")
    document["max_tokens"] = DEFAULT_MAX_TOKENS if bound is None else bound
    if _is_greedy(parameters):
        document["temperature"] = 0
    if document.get("stop"):
        document |= {"include_stop_str_in_output": True, "no_stop_trim": True}
    grammar = _grammar(parameters)
    if "regex" in grammar:
        grammar["structured_outputs"] = {"regex": grammar["regex"]}
    return {"model": model, "prompt": inputs, **document, **grammar, **_streaming(envelope)}


def _read(envelope: Envelope) -> tuple[str, Parameters]:
    document = envelope.document
    inputs = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(inputs, str):
        raise wrong_type("inputs", "a text")
    parameters = document.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise wrong_type("parameters", "an object")
    return inputs, {"do_sample": True} if parameters is None else parameters  # TGI samples if none are given at all


def _carried(parameters: Parameters, same: tuple[str, ...], cannot: Mapping[str, tuple[Any, ...]]) -> Parameters:
    for name, off in cannot.items():
        value = parameters.get(name)
        if value is not None and value not in off:
            raise _unable(f"`{name}`")
    document = {name: parameters[name] for name in same if parameters.get(name) is not None}
    seed = parameters.get("seed")
    if isinstance(seed, int):
        document["seed"] = seed & _I64  # unsigned at TGI
    return document


def _is_greedy(parameters: Parameters) -> bool:
    """TGI takes the likeliest token unless `do_sample` or anything that shapes the sampling is set."""
    return not parameters.get("do_sample") and all(
        parameters.get(name) in (None, neutral) for name, neutral in (("temperature", 1), ("top_k", 0), ("top_p", 1))
    )


def _grammar(parameters: Parameters) -> Parameters:
    """TGI's `grammar`: a schema becomes `response_format`, a regular expression SGLang's `regex`."""
    grammar = parameters.get("grammar")
    if grammar is None:
        return {}
    value = grammar.get("value") if isinstance(grammar, dict) else None
    match grammar.get("type") if isinstance(grammar, dict) else None:
        case "regex" if isinstance(value, str):
            return {"regex": value}
        case "json" | "json_object":
            return _schema(_parsed(value))
        case "json_schema" if isinstance(value, dict):
            return _schema(value.get("schema"))
        case _:
            raise wrong_type("grammar", "`json`, `json_schema` or `regex` with a `value`")


def _schema(schema: Any) -> Parameters:
    if not isinstance(schema, dict):
        raise wrong_type("grammar", "a JSON schema")
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "grammar", "schema": schema}}}


def _parsed(value: Any) -> Any:
    """TGI takes the schema as an object or as its text."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except ValueError as error:
        raise wrong_type("grammar", "a JSON schema") from error


def _streaming(envelope: Envelope) -> Parameters:
    return {"stream": True, "stream_options": {"include_usage": True}} if is_streamed(envelope) else {}


def _unable(what: str) -> AttemptFailed:
    return AttemptFailed(FailureKind.UNABLE, f"OpenAI's format has no way to say {what}", is_retryable=False)
