"""What one client is to read in place of what TGI says, the same over a whole answer or stream."""

from collections.abc import Sequence

import msgspec

from gateway.core.types import Envelope
from gateway.wire.tgi_fields import stop


class Terms(msgspec.Struct, frozen=True):
    """`call` and an index make the id of a tool call: TGI numbers them from 0 again in every turn, and clients look
    them up by id. `stops` are cut off. `prompt_tokens` is our estimate, for where TGI reports no usage."""

    id: str
    model: str
    call: str
    stops: Sequence[str]
    wants_usage: bool
    prompt_tokens: int

    def __repr__(self) -> str:
        return f"Terms(id={self.id!r}, model={self.model!r})"


def terms(envelope: Envelope, prefix: str, model: str) -> Terms:
    """The terms of a request whose document is an object. `model` is the name the client is to read."""
    own = envelope.id.removeprefix("req_")
    stops = stop(envelope.document.get("stop"))
    options = envelope.document.get("stream_options")
    return Terms(
        id=prefix + own,
        model=model,
        call=f"call_{own}_",
        stops=[text for text in stops if isinstance(text, str)] if isinstance(stops, list) else [],
        wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
        prompt_tokens=envelope.prompt_tokens,
    )
