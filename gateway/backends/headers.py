"""Which headers cross the gateway, by allow-list in both directions."""

import re
from collections.abc import Iterable, Mapping

from gateway.core.types import BackendSpec, Envelope

Headers = list[tuple[bytes, bytes]]

_BETA = re.compile(rb"[a-z]+(?:-[a-z]+)*(?:=v[0-9]{1,2})?", re.IGNORECASE)  # `assistants=v2`; nothing else fits in it
_LONGEST_BETA = 40

_KEPT = frozenset(
    {
        b"openai-model",
        b"openai-organization",
        b"openai-processing-ms",
        b"openai-version",
        b"retry-after",
        b"retry-after-ms",
        b"x-compute-characters",
        b"x-compute-time",
        b"x-compute-type",
        b"x-generated-tokens",
        b"x-inference-time",
        b"x-prompt-tokens",
        b"x-queue-time",
        b"x-should-retry",
        b"x-time-per-token",
        b"x-total-time",
        b"x-validation-time",
    }
)
_LIMITS = b"x-ratelimit-"
_UPSTREAM_ID = (b"x-request-id", b"x-gateway-upstream-request-id")


def request_headers(spec: BackendSpec, content_type: str, accepts_stream: bool) -> dict[str, str]:
    """What a backend is told: our key for it, never the caller's."""
    headers = {
        "content-type": content_type,
        "accept": "text/event-stream" if accepts_stream else "*/*",
        "accept-encoding": "identity",
        "user-agent": "hybrid-gateway",
    }
    if spec.api_key is not None:
        headers["authorization"] = f"Bearer {spec.api_key}"
    if spec.organization is not None:
        headers["openai-organization"] = spec.organization
    return headers


def beta(envelope: Envelope) -> Mapping[str, str]:
    """The one header of the client's that some of OpenAI's routes need, where it is what it should be."""
    for name, value in envelope.headers:
        if name == b"openai-beta" and len(value) <= _LONGEST_BETA and _BETA.fullmatch(value):
            return {"openai-beta": value.decode("ascii")}
    return {}


def reply_headers(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What the client is told of the backend's headers; its request id goes by a name of its own."""
    kept: Headers = []
    for written, value in raw:
        name = written.lower()
        if name in _KEPT or name.startswith(_LIMITS):
            kept.append((name, value))
        elif name == _UPSTREAM_ID[0]:
            kept.append((_UPSTREAM_ID[1], value))
    return kept
