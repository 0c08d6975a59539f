"""One generation as TGI's router validates it and its engine performs it: limits, stops, grammar, the tokens."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.simulators.regex import matching
from gateway.simulators.schema import example_text
from gateway.simulators.wording import logprob, rivals, seed_of, token_id, tokens, wording

EOS = "<|eot_id|>"
BOS = "<|begin_of_text|>"
CHUNK = 1024
"""Tokens of an answer that are reserved at once; longer ones are queued again."""


class TgiSettings(msgspec.Struct, frozen=True):
    """A TGI server's launch options as far as they show on the wire, and how fast its model is (milliseconds).

    `batch_size`: generations computed at a time, the rest queue. `shortest`, `longest`: length of an unbounded answer
    in tokens. `keep_log`: newest requests remembered; 0 under load.
    """

    model_id: str = "meta-llama/Llama-3.3-70B-Instruct"
    api_key: str | None = None
    version: str = "3.3.7"
    docker_label: str | None = None
    max_concurrent_requests: int = 128
    max_best_of: int = 2
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5
    max_input_tokens: int = 32_000
    max_total_tokens: int = 32_768
    max_client_batch_size: int = 4
    max_batch_total_tokens: int = 400_000
    batch_size: int = 128
    payload_limit: int = 2_000_000
    keep_alive_s: float = 15.0
    prefill_ms: float = 0.0
    token_ms: float = 0.0
    jitter: float = 0.0
    shortest: int = 20
    longest: int = 60
    keep_log: int = 10_000


class TgiError(Exception):
    """An `InferError`: told as a status before a stream has begun, as an event afterwards."""

    def __init__(self, status: int, error_type: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error_type = error_type
        self.text = text


def invalid(text: str) -> TgiError:
    return TgiError(422, "validation", f"Input validation error: {text}")


class Job(msgspec.Struct, frozen=True):
    """One generation, not yet validated. `parameters` are TGI's `GenerateParameters`; `says` overrides the model."""

    inputs: str
    parameters: Mapping[str, Any]
    adds_special: bool
    says: tuple[str, ...] | None = None


class Token(msgspec.Struct, frozen=True):
    """One generated token; the last one has the finish reason, in TGI's own words."""

    text: str
    is_special: bool = False
    finish: str | None = None

    def as_wire(self) -> dict[str, Any]:
        return wire_token(self.text, logprob(self.text), self.is_special)


class Plan(msgspec.Struct, frozen=True):
    """A validated generation: what it costs and what will come out."""

    tokens: tuple[Token, ...]
    input_tokens: int
    max_new_tokens: int
    seed: int
    top_n: int

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens if not token.is_special)

    @property
    def finish(self) -> str:
        return self.tokens[-1].finish or "length"


def wire_token(text: str, likelihood: float, is_special: bool = False) -> dict[str, Any]:
    return {"id": token_id(text), "text": text, "logprob": likelihood, "special": is_special}


def top_tokens(token: Token, count: int) -> list[dict[str, Any]]:
    return [wire_token(text, likelihood) for text, likelihood in rivals(token.text, count)]


def encode(inputs: str, adds_special: bool) -> list[str]:
    return [BOS, *tokens(inputs)] if adds_special else tokens(inputs)


_RANGES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "temperature": (lambda value: value > 0, "`temperature` must be strictly positive"),
    "repetition_penalty": (lambda value: value > 0, "`repetition_penalty` must be strictly positive"),
    "frequency_penalty": (lambda value: -2 <= value <= 2, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    "top_p": (lambda value: 0 < value < 1, "`top_p` must be > 0.0 and < 1.0"),
    "typical_p": (lambda value: 0 < value < 1, "`typical_p` must be > 0.0 and < 1.0"),
    "top_k": (lambda value: value > 0, "`top_k` must be strictly positive"),
    "max_new_tokens": (lambda value: value > 0, "`max_new_tokens` must be strictly positive"),
}


def plan(job: Job, settings: TgiSettings) -> Plan:
    """Validate in the router's order, then know the answer. Raises `TgiError` with the router's words."""
    given = job.parameters
    for name, (is_fine, text) in _RANGES.items():
        if given.get(name) is not None and not is_fine(given[name]):
            raise invalid(text)
    _check_counts(given, settings)
    if not job.inputs:
        raise invalid("`inputs` cannot be empty")
    input_tokens = len(encode(job.inputs, job.adds_special))
    if given.get("truncate") is not None:
        input_tokens = min(input_tokens, given["truncate"])
    room = max(0, settings.max_total_tokens - input_tokens)
    wanted: int = room if given.get("max_new_tokens") is None else given["max_new_tokens"]
    _check_length(input_tokens, min(wanted, CHUNK), settings)
    seed = seed_of(job.inputs, str(given.get("seed") or ""))
    said = job.says or _speech(given.get("grammar"), seed, settings)
    ended = _end(said, given.get("stop") or [], min(wanted, room))
    return Plan(ended, input_tokens, wanted, given.get("seed") or seed, given.get("top_n_tokens") or 0)


def _check_counts(given: Mapping[str, Any], settings: TgiSettings) -> None:
    stops, top_n, truncate = given.get("stop") or [], given.get("top_n_tokens") or 0, given.get("truncate")
    if len(stops) > settings.max_stop_sequences:
        raise invalid(f"`stop` supports up to {settings.max_stop_sequences} stop sequences. Given: {len(stops)}")
    if (given.get("best_of") or 1) > 1 and given.get("seed") is not None:
        raise invalid("`seed` must not be set when `best_of` > 1")
    if top_n > settings.max_top_n_tokens:
        raise invalid(f"`top_n_tokens` must be >= 0 and <= {settings.max_top_n_tokens}. Given: {top_n}")
    if truncate is not None and not 0 < truncate <= settings.max_input_tokens:
        limit = settings.max_input_tokens
        raise invalid(f"`truncate` must be strictly positive and less than {limit}. Given: {truncate}")


def _check_length(input_tokens: int, new_tokens: int, settings: TgiSettings) -> None:
    if input_tokens + new_tokens > settings.max_total_tokens:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {settings.max_total_tokens}. "
            f"Given: {input_tokens} `inputs` tokens and {new_tokens} `max_new_tokens`"
        )
    if input_tokens > settings.max_input_tokens:
        raise invalid(f"`inputs` must have less than {settings.max_input_tokens} tokens. Given: {input_tokens}")


def _speech(grammar: Mapping[str, Any] | None, seed: int, settings: TgiSettings) -> tuple[str, ...]:
    if grammar is None:
        return wording(seed, settings.shortest, settings.longest)
    value = grammar["value"]
    match grammar["type"]:
        case "regex":
            return tuple(tokens(matching(value)))
        case "json_schema":
            return tuple(tokens(example_text(_checked(value["schema"]))))
        case _:
            return tuple(tokens(example_text(_checked(_parsed(value)))))


def _parsed(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise invalid("grammar is not valid: expected value at line 1 column 1") from None
    if not isinstance(value, dict):
        raise invalid("grammar is not supported")
    return value


def _checked(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict) or "properties" not in schema:
        raise invalid("grammar is not valid: Grammar must have a 'properties' field")
    return schema


def _end(said: tuple[str, ...], stops: list[str], limit: int) -> tuple[Token, ...]:
    """Stop where the engine does: at the limit first, then at the end of text, then where a stop text has been said.

    A stop text is found only where a token ends with it, and it stays in the output.
    """
    made: list[Token] = []
    output = ""
    for text in (*said, EOS):
        if len(made) + 1 >= limit:
            return (*made, Token(text, text == EOS, "length"))
        if text == EOS:
            return (*made, Token(text, True, "eos_token"))
        output += text
        if any(output.endswith(stop) for stop in stops):
            return (*made, Token(text, False, "stop_sequence"))
        made.append(Token(text))
    raise AssertionError("the end of text ends every answer")
