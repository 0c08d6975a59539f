"""From a prompt, a request file or a case to the request that the gateway would see, and what it believes of it."""

import json
from typing import NamedTuple

import msgspec

from gateway.classify.verdict import Classifier
from gateway.classify.weights import Weights, shipped_weights
from gateway.core.errors import ConfigError, GatewayError
from gateway.core.types import Caller, Endpoint, Envelope, Masking, Verdict
from gateway.masked import maskings, variants
from gateway.policy.belief import UNREADABLE_NOTE, class_of, found, masked_well, score_of, tier_of
from gateway.policy.draw import ALWAYS_DRAWN, draws_of
from gateway.policy.model import Case, Given, Policy
from gateway.policy.space import PATHS, Witness
from gateway.policy.trial import Tried, tried
from gateway.policy.windows import PLAIN_INSTANT
from gateway.wire import requests

_KEY = b"a key for one run, of no worth"
_CONTENT = {
    Endpoint.COMPLETIONS: "prompt",
    Endpoint.EMBEDDINGS: "input",
    Endpoint.GENERATE_ROOT: "inputs",
    Endpoint.GENERATE: "inputs",
    Endpoint.GENERATE_STREAM: "inputs",
    Endpoint.TOKENIZE: "inputs",
}


def classifier(policy: Policy, weights: Weights | None = None) -> Classifier:
    """Of its own, so that nothing of what it reads stays; with the shipped weights unless others are given."""
    return Classifier(policy.labelling, weights or shipped_weights(), _KEY)


def trials(policy: Policy, weights: Weights | None = None) -> list[Tried]:
    """The policy's own cases. Raises ConfigError for one whose request nobody could send."""
    classify = classifier(policy, weights)
    found = []
    for case in policy.cases:
        try:
            found.append(tried(policy, case, *described(policy, case, classify)))
        except GatewayError as error:
            raise ConfigError(f"test `{case.name}` describes no request that is answered: {error.message}") from None
    return found


def body_of(endpoint: Endpoint, prompt: str, model: str, stream: bool) -> bytes:
    """What a client would send."""
    key = _CONTENT.get(endpoint)
    content = {"messages": [{"role": "user", "content": prompt}]} if key is None else {key: prompt}
    return json.dumps({"model": model, **content, **({"stream": True} if stream else {})}, ensure_ascii=False).encode()


def request(policy: Policy, endpoint: Endpoint, caller: Caller, body: bytes, at: float = PLAIN_INSTANT) -> Envelope:
    """The envelope of a body. Raises GatewayError where no client would get an answer to it."""
    is_known = endpoint is not Endpoint.UNKNOWN
    reading = requests.read(endpoint, body) if is_known else requests.read_unknown("application/json", body)
    asked = Envelope(
        id=ALWAYS_DRAWN,
        caller=caller,
        endpoint=endpoint,
        method="POST",
        path=PATHS[endpoint],
        model=reading.model,
        stream=reading.stream,
        needs=reading.needs,
        prompt_tokens=reading.prompt_tokens,
        max_tokens=reading.max_tokens,
        received_at=at,
        deadline_s=policy.deadline_s,
        body=body,
        document=reading.document,
    )
    return msgspec.structs.replace(asked, draws=draws_of(asked))


class Described(NamedTuple):
    """A case's request, what is believed of it, and what of it masked."""

    witness: Witness
    maskings: tuple[Masking, ...]


def described(policy: Policy, case: Case, classify: Classifier) -> Described:
    """What the case says of its request itself counts more than what its prompt gives."""
    given = case.given
    body = body_of(given.endpoint, given.prompt or "", given.model, given.stream)
    read = request(policy, given.endpoint, given.caller, body)
    estimated = read.prompt_tokens if given.prompt is not None else 0
    envelope = msgspec.structs.replace(
        read,
        needs=read.needs | given.needs,
        prompt_tokens=estimated if given.prompt_tokens is None else given.prompt_tokens,
        max_tokens=given.max_tokens,
        received_at=given.at,
        draws=(given.draw, given.draw),
        stream=read.stream or given.stream,
    )
    if given.prompt is not None:
        verdict = classify.classify(read)
        return Described(
            Witness(envelope, _believed(policy, given, verdict)), masked_ways(policy, read, verdict, classify)
        )
    level, basis = class_of(policy.labelling, given.caller, ())
    plain = Verdict(level, 0.0, tier_of(policy.labelling, 0.0), basis=basis)
    verdict = _believed(policy, given, plain)
    return Described(Witness(envelope, verdict), masked_well(verdict, policy.labelling, given.caller, policy.masks))


def masked_ways(policy: Policy, envelope: Envelope, verdict: Verdict, classify: Classifier) -> tuple[Masking, ...]:
    """What is believed of a request that was read, for each mask that a route has."""
    return maskings(variants(envelope, verdict, policy.masks, classify))


def _believed(policy: Policy, given: Given, verdict: Verdict) -> Verdict:
    labelling = policy.labelling
    kinds = given.findings - {finding.kind for finding in verdict.findings}
    notes = (UNREADABLE_NOTE,) if given.is_unreadable else ()
    findings, unknown = (*verdict.findings, *found(kinds)), (*verdict.unknown, *notes)
    level, basis = class_of(labelling, given.caller, [finding.kind for finding in findings], unknown, verdict.declared)
    return Verdict(
        sensitivity=level if given.sensitivity is None else given.sensitivity,
        complexity=verdict.complexity if given.tier is None else score_of(labelling, given.tier),
        tier=verdict.tier if given.tier is None else given.tier,
        findings=findings,
        unknown=unknown,
        basis=basis,
        declared=verdict.declared,
        task=verdict.task if given.task is None else given.task,
    )
