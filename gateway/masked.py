"""A request as a route that masks sends it, and its answer with the values back in it.

The mapping between the two lives in a `Sent` and dies with the request.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from gateway.classify.hits import Detector
from gateway.classify.masking import masked_envelope
from gateway.core.errors import StreamBroken
from gateway.core.placeholders import Placeholders
from gateway.core.ports import Reply
from gateway.core.types import Envelope, Masking, Need, Verdict
from gateway.wire.restore_answer import restored_answer
from gateway.wire.restore_stream import RestoringStream

Kinds = tuple[str, ...]


class Classify(Protocol):
    """Envelope to Verdict; never raises. `detectors`: those that are asked."""

    @property
    def detectors(self) -> Sequence[Detector]: ...
    def classify(self, envelope: Envelope) -> Verdict: ...


class Sent(NamedTuple):
    """A request with these kinds masked, and the verdict on that. `masked`: those of the kinds that were in it."""

    kinds: Kinds
    masked: Kinds
    envelope: Envelope
    verdict: Verdict
    placeholders: Placeholders


Variants = Mapping[Kinds, Sent]
UNMASKED: Variants = {}


def variants(envelope: Envelope, verdict: Verdict, wanted: Sequence[Kinds], classifier: Classify) -> Variants:
    """The request masked in each of these ways, classified again by the same classifier; where it can be done."""
    made: dict[Kinds, Sent] = {}
    for kinds in wanted:
        found = masked_envelope(envelope, kinds, classifier.detectors)
        if found is not None:
            masked = tuple(finding.kind for finding in verdict.findings if finding.kind in kinds)
            made[kinds] = Sent(kinds, masked, found[0], classifier.classify(found[0]), found[1])
    return made


def maskings(made: Variants) -> tuple[Masking, ...]:
    """What deciding, and the Record, have to know of them."""
    return tuple(Masking(sent.kinds, sent.verdict) for sent in made.values())


def restored_body(sent: Sent, reply: Reply) -> bytes:
    return restored_answer(reply.body, sent.placeholders, is_json=_is_json(sent))


async def restored_chunks(sent: Sent, reply: Reply) -> AsyncIterator[bytes]:
    """What is held back goes out before the stream ends or breaks off."""
    restoring = RestoringStream(sent.placeholders, is_json=_is_json(sent))
    broken: StreamBroken | None = None
    try:
        async for data in reply.chunks():
            if restored := restoring.feed(data):
                yield restored
    except StreamBroken as error:
        broken = error
    if rest := restoring.finish():
        yield rest
    if broken is not None:
        raise broken


def _is_json(sent: Sent) -> bool:
    """Whether the model was told to write JSON: a value then has to stay within its quotes."""
    return not sent.envelope.needs.isdisjoint((Need.JSON_OBJECT, Need.JSON_SCHEMA))
