"""The `zones` and `backends` sections: where data may go, and the LLM services there."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

import yaml

from gateway.core.capabilities import CANNOT, TELL_THEIR_QUEUE
from gateway.core.load import SaturatedAt
from gateway.core.types import BackendKind, BackendSpec, Need, Sensitivity, Zone
from gateway.policy import schema
from gateway.policy.prices import read_prices
from gateway.policy.problems import suggestion
from gateway.policy.read import Reader, Value
from gateway.policy.vocabulary import AUTO, BACKEND_KINDS, NEEDS, SENSITIVITIES

_RETENTION = re.compile(r"unknown|zero|[0-9]{1,4}d")
_ENDPOINT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_NOWHERE = Zone(name="", clearance=Sensitivity.PUBLIC)
_NEEDS_OF_CHAT = frozenset({Need.CHAT, Need.COMPLETIONS, Need.GENERATE})


def read_zones(reader: Reader, value: Value | None) -> Mapping[str, Zone]:
    return MappingProxyType({name: _zone(reader, name, each) for name, each in reader.named(value, "zone").items()})


def read_backends(reader: Reader, value: Value | None, zones: Mapping[str, Zone]) -> Mapping[str, BackendSpec]:
    """By name. A backend may not be called `auto`, which is what clients say for "you decide"."""
    named = reader.named(value, "backend")
    if AUTO in named:
        reader.problems.add(named[AUTO].node, "a backend cannot be called `auto`: clients say it for “you decide”")
    return MappingProxyType({name: _backend(reader, name, each, zones) for name, each in named.items()})


def _zone(reader: Reader, name: str, value: Value) -> Zone:
    fields = reader.fields(value, schema.ZONE)
    retention = reader.text(fields.get("retention"), "unknown")
    if not _RETENTION.fullmatch(retention):
        sentence = f"{fields['retention'].what} must be `zero`, `unknown` or days such as `30d`"
        reader.problems.add(fields["retention"].node, sentence)
    return Zone(
        name=name,
        clearance=SENSITIVITIES[reader.word(fields.get("clearance"), SENSITIVITIES, "public")],
        region=reader.text(fields.get("region")),
        retention=retention,
    )


def _backend(reader: Reader, name: str, value: Value, zones: Mapping[str, Zone]) -> BackendSpec:
    fields = reader.fields(value, schema.BACKEND)
    kind = BACKEND_KINDS[reader.word(fields.get("kind"), BACKEND_KINDS, "openai")]
    models = _models(reader, fields.get("model"))
    context_tokens = reader.integer(fields.get("context_tokens"), 0, least=1)
    prices = read_prices(reader, fields.get("price"), models)
    return BackendSpec(
        name=name,
        kind=kind,
        zone=_zone_of(reader, fields.get("zone"), zones),
        urls=_urls(reader, value, fields, kind),
        models=models,
        price=prices.get(""),
        prices=MappingProxyType({endpoint: price for endpoint, price in prices.items() if endpoint}),
        context_tokens=context_tokens or None,
        api_key=reader.secret(fields.get("api_key")),
        organization=reader.text(fields.get("organization")) or None,
        health_path=_health_path(reader, fields.get("health")),
        inference_endpoint=_inference_endpoint(reader, fields.get("inference_endpoint")),
        cannot=_cannot(reader, fields, kind, models),
        saturated_at=_saturated_at(reader, fields.get("saturated_at"), kind),
        max_output_tokens=reader.integer(fields.get("max_output_tokens"), 0, least=1) or None,
    )


def _zone_of(reader: Reader, value: Value | None, zones: Mapping[str, Zone]) -> Zone:
    return zones.get(reader.word(value, zones), _NOWHERE)


def _models(reader: Reader, value: Value | None) -> Mapping[str, str]:
    """One name for everything that generates, or a name for each kind of endpoint."""
    if value is None:
        return MappingProxyType({})
    if not isinstance(value.node, yaml.MappingNode):
        name = reader.filled(value, "unset")
        return MappingProxyType({"": name, "chat": name})
    fields = reader.fields(value, schema.MODEL)
    models = {word: reader.filled(each, "unset") for word, each in fields.items()}
    if not models:
        reader.problems.add(value.node, f"{value.what} names no model{suggestion('', schema.MODEL.keys)}")
    return MappingProxyType({"": models["chat"], **models} if "chat" in models else models)


def _urls(reader: Reader, value: Value, fields: Mapping[str, Value], kind: BackendKind) -> tuple[str, ...]:
    """Root URLs, one a replica. What has an Inference Endpoint, or a provider's own address, needs none."""
    if "urls" not in fields and "inference_endpoint" not in fields and kind is not BackendKind.LITELLM:
        reader.problems.add(value.node, f"{value.what} has neither `urls` nor `inference_endpoint`; add one")
    roots: list[str] = []
    for each in reader.items(fields.get("urls")):
        root = _root(reader.filled(each, f"http://unset-{len(roots)}"))
        if root is None:
            sentence = f"{each.what} must be root URLs such as `http://host:8080`, without user, query or fragment"
            reader.problems.add(each.node, sentence)
        elif root in roots:
            reader.problems.add(each.node, f"{each.what}: this replica is there twice; remove one")
        else:
            roots.append(root)
    return tuple(roots)


def _root(url: str) -> str | None:
    """The URL without a trailing slash or `/v1`; None: no URL we could send to."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and " " not in url
    except ValueError:
        return None
    if not usable or parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        return None
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def _health_path(reader: Reader, value: Value | None) -> str | None:
    path = reader.text(value)
    if value and path and not path.startswith("/"):
        reader.problems.add(value.node, f"{value.what} must be a path such as `/health`")
    return path or None


def _inference_endpoint(reader: Reader, value: Value | None) -> str | None:
    name = reader.text(value)
    if value and name and not _ENDPOINT_NAME.fullmatch(name):
        reader.problems.add(value.node, f"{value.what} must be `namespace/name` as Hugging Face shows it")
    return name or None


def _saturated_at(reader: Reader, value: Value | None, kind: BackendKind) -> SaturatedAt | None:
    if value is None:
        return None
    fields = reader.fields(value, schema.SATURATED_AT)
    if kind not in TELL_THEIR_QUEUE:
        words = ", ".join(f"`{each}`" for each in sorted(TELL_THEIR_QUEUE))
        reader.problems.add(value.node, f"{value.what}: kind `{kind}` does not say how many wait; only {words} do")
    elif isinstance(value.node, yaml.MappingNode) and not fields:
        reader.problems.add(value.node, f"{value.what} needs `queue` or `predicted_wait`")
    return SaturatedAt(
        queue=reader.integer(fields["queue"], 1, least=1) if "queue" in fields else None,
        predicted_wait_s=reader.duration(fields["predicted_wait"], 1.0) if "predicted_wait" in fields else None,
    )


def _cannot(
    reader: Reader, fields: Mapping[str, Value], kind: BackendKind, models: Mapping[str, str]
) -> frozenset[Need]:
    """The kind's own row, as the file amends it, and what there is no model for."""
    can = reader.words(fields.get("can"), NEEDS)
    cannot = reader.words(fields.get("cannot"), NEEDS)
    for word in set(can) & set(cannot):
        sentence = f"`{word}` is both in {fields['can'].what} and in `cannot`; remove one"
        reader.problems.add(fields["can"].node, sentence)
    lacking = _lacking(models)
    for word in can:
        if models and NEEDS[word] in lacking:
            sentence = f"{fields['can'].what} cannot be `{word}`: `model` names none for it; add one there"
            reader.problems.add(fields["can"].node, sentence)
    amended = (CANNOT[kind] - {NEEDS[word] for word in can}) | {NEEDS[word] for word in cannot}
    return frozenset(amended | lacking)


def _lacking(models: Mapping[str, str]) -> frozenset[Need]:
    """What there is no model for."""
    lacking: frozenset[Need] = frozenset()
    if "embeddings" not in models:
        lacking |= {Need.EMBEDDINGS}
    if "chat" not in models:
        lacking |= _NEEDS_OF_CHAT - ({Need.COMPLETIONS} if "completions" in models else set())
    return lacking
