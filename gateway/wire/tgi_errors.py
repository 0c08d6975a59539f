"""What TGI's errors mean: the client's mistake, something this backend cannot do, or a failure of the backend's.

Statuses tell little (a stream says 422 whatever the cause), so the sentence decides. Sentences: TGI's router, v3.3.7.
"""

import re
from collections.abc import Mapping

import msgspec

from gateway.core.errors import AttemptFailed, FailureKind, GatewayError
from gateway.wire.openai_errors import retry_after

_STATUSES: Mapping[int, tuple[FailureKind, bool, str]] = {
    401: (FailureKind.UNAUTHORIZED, False, "TGI refused the gateway's key"),
    403: (FailureKind.UNAUTHORIZED, False, "TGI refused the gateway's key"),
    404: (FailureKind.UNABLE, False, "TGI does not know the route"),
    405: (FailureKind.UNABLE, False, "TGI does not know the route"),
    408: (FailureKind.TIMEOUT, True, "TGI timed out"),
    413: (FailureKind.UNABLE, False, "the body is larger than TGI's `--payload-limit`"),
    415: (FailureKind.UNABLE, False, "TGI does not take this content type"),
    424: (FailureKind.SERVER_ERROR, True, "TGI failed during generation"),
    429: (FailureKind.OVERLOADED, True, "TGI is overloaded"),
    504: (FailureKind.TIMEOUT, True, "TGI timed out"),
}

# A piece of TGI's sentence, and the failure that it means. The first that fits counts.
_SENTENCES: tuple[tuple[str, FailureKind, bool, str], ...] = (
    ("Model is overloaded", FailureKind.OVERLOADED, True, "TGI is overloaded"),
    ("Request failed during generation", FailureKind.SERVER_ERROR, True, "TGI failed during generation"),
    ("Incomplete generation", FailureKind.SERVER_ERROR, True, "TGI did not complete the generation"),
    ("Stream event serialization error", FailureKind.SERVER_ERROR, True, "TGI failed to write its stream"),
    ("Failed to parse generated text", FailureKind.BAD_ANSWER, True, "TGI wrote a tool call that is not JSON"),
    ("Suffix is not supported", FailureKind.UNABLE, False, "TGI cannot do `suffix`"),
    ("exceeds the maximum allowed batch size", FailureKind.UNABLE, False, "TGI takes fewer prompts at once"),
    ("grammar is not supported", FailureKind.UNABLE, False, "this TGI runs without grammars"),
    ("cannot compile regex from schema", FailureKind.UNABLE, False, "TGI cannot compile the schema"),
    ("Grammar and tools are mutually exclusive", FailureKind.UNABLE, False, "TGI cannot do tools with a schema"),
    ("modality is not supported", FailureKind.UNABLE, False, "the model TGI serves does not take this kind of content"),
)

_TOO_LONG = ("`inputs` tokens + `max_new_tokens` must be <=", "`inputs` must have less than")
_VALIDATION = "Input validation error: "
_PARAMS: Mapping[str, str] = {"max_new_tokens": "max_tokens", "top_n_tokens": "top_logprobs", "inputs": "messages"}
_FIRST_FIELD = re.compile(r"`(\w+)`")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|$)', re.DOTALL)  # a value out of the request, as serde writes it
_LONGEST = 500


class _ErrorBody(msgspec.Struct):
    error: str
    error_type: str = ""


class _Inner(msgspec.Struct):
    message: str


class _ErrorEvent(msgspec.Struct):
    error: str | _Inner


_decode_body = msgspec.json.Decoder(_ErrorBody).decode
_decode_event = msgspec.json.Decoder(_ErrorEvent).decode


def tgi_failure(status: int, headers: Mapping[str, str], body: bytes) -> AttemptFailed | GatewayError:
    """What an answer with a status of 400 or above means. Bodies may be JSON, text/plain (axum's own) or missing."""
    if status in _STATUSES:
        kind, is_retryable, detail = _STATUSES[status]
        return AttemptFailed(kind, detail, is_retryable=is_retryable, retry_after_s=retry_after(headers))
    if status >= 500:
        return AttemptFailed(FailureKind.SERVER_ERROR, f"TGI answered {status}", retry_after_s=retry_after(headers))
    try:
        return sentence_failure(_decode_body(body).error)
    except msgspec.DecodeError:
        return _refused(_plain(headers, body))


def event_failure(data: bytes) -> AttemptFailed | GatewayError:
    """What an error event means, in TGI's own stream (`error` is text) or in the OpenAI-like one (an object)."""
    try:
        error = _decode_event(data).error
    except msgspec.DecodeError:
        return AttemptFailed(FailureKind.SERVER_ERROR, "TGI sent an error without a message")
    return sentence_failure(error if isinstance(error, str) else error.message)


def sentence_failure(sentence: str) -> AttemptFailed | GatewayError:
    """The meaning of TGI's own words: a row of the table, or else the client's mistake."""
    for piece, kind, is_retryable, detail in _SENTENCES:
        if piece in sentence:
            return AttemptFailed(kind, detail, is_retryable=is_retryable)
    message = sentence.removeprefix(_VALIDATION)
    if message.startswith(_TOO_LONG):
        return _refused(message, "context_length_exceeded")
    return _refused(message)


def _refused(message: str, code: str = "invalid_request") -> GatewayError:
    """The client's mistake. Quoted values are taken out: the sentence is for anyone's eyes, the request is not."""
    message = _QUOTED.sub("…", message)[:_LONGEST]
    field = _FIRST_FIELD.search(message)
    param = None if field is None else _PARAMS.get(field[1], field[1])
    return GatewayError(400, code, message, param=param)


def _plain(headers: Mapping[str, str], body: bytes) -> str:
    """axum's words about a body it could not read. HTML comes from something in between and is nobody's to read."""
    if "html" in headers.get("content-type", ""):
        return "TGI refused the request without a reason"
    return body.decode("utf-8", "replace").strip() or "TGI refused the request without a reason"
