"""From the text of a policy file to a Policy, or to everything that is wrong with it."""

import hashlib
from collections.abc import Iterator, Mapping

import yaml

from gateway.core.types import BackendSpec
from gateway.policy import schema
from gateway.policy.backends import read_backends, read_zones
from gateway.policy.budgets import read_budgets
from gateway.policy.callers import read_callers
from gateway.policy.cases import CaseNames, read_cases
from gateway.policy.conditions import Names
from gateway.policy.invariants import read_invariants
from gateway.policy.labelling import kinds_of, read_labelling
from gateway.policy.model import Policy, Rule
from gateway.policy.models import choices, read_models
from gateway.policy.parse import parse
from gateway.policy.problems import Problems
from gateway.policy.rate_limits import read_rate_limits
from gateway.policy.read import PriceList, Reader, ReadFile, Value
from gateway.policy.rules import read_rules, rule_places
from gateway.policy.times import read_times
from gateway.policy.vocabulary import API_VERSION, FINDING_KINDS, KIND

_DEADLINE_S = 600.0


def no_price_list() -> None:
    """litellm is not installed."""


def load(
    text: bytes,
    filename: str,
    environment: Mapping[str, str],
    read: ReadFile | None = None,
    price_list: PriceList = no_price_list,
) -> Policy:
    """The policy that `text` means under `environment`, which gives the values of `${NAME}`.

    `read` gives the files that it names; None: it may name none.

    Raises ConfigError with one line for each problem, `file:line:column: sentence`. A secret that the environment does
    not give is no problem of the file: it is told in `Policy.missing_secrets`, so that a policy can be checked without
    its secrets.
    """
    problems = Problems(filename)
    reader = Reader(problems, environment, price_list, read)
    root = parse(text, problems)
    for node, where in _references_that_decide(root):
        sentence = f"`{node.value}` in {where}: what decides must stand in the file itself; write the value"
        problems.add(node, sentence)
    policy = _policy(reader, Value(root, "the policy"), text)
    problems.raise_any()
    return policy


def digest_of(text: bytes, files: Mapping[str, bytes]) -> str:
    """What tells one policy from another: its text, and every file that it names."""
    digest = hashlib.sha256(text).hexdigest()
    if not files:
        return digest
    parts = [digest, *(hashlib.sha256(content).hexdigest() for content in files.values())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _policy(reader: Reader, root: Value, text: bytes) -> Policy:
    fields = {key: Value(value.node, f"`{key}`") for key, value in reader.fields(root, schema.POLICY).items()}
    reader.word(fields.get("apiVersion"), {API_VERSION})
    reader.word(fields.get("kind"), {KIND})
    metadata = reader.fields(fields.get("metadata"), schema.METADATA)
    zones = read_zones(reader, fields.get("zones"))
    backends = read_backends(reader, fields.get("backends"), zones)
    models = read_models(reader, fields.get("models"), backends)
    callers = read_callers(reader, fields.get("callers"))
    labelling = read_labelling(reader, fields.get("classify"), callers.everyone)
    names = Names(callers.everyone, models, read_times(reader, fields.get("times")), backends, kinds_of(labelling))
    budgets = read_budgets(reader, fields.get("budgets"), zones, backends, callers.everyone)
    rules = read_rules(reader, fields, names, backends)
    for kind in sorted(labelling.ignored & _masked(rules)):
        sentence = f"`{kind}` is masked by a route and in `ignore`: what is not looked for cannot be masked; remove one"
        reader.problems.add(fields["classify"].node, sentence)
    return Policy(
        name=reader.name(metadata.get("name"), "policy"),
        version=reader.text(metadata.get("version")),
        owner=reader.text(metadata.get("owner")),
        digest=digest_of(text, reader.files),
        files=tuple(reader.files),
        text_digest=digest_of(text, {}),
        zones=zones,
        backends=backends,
        models=models.ends,
        choices=choices(models.ends, backends),
        callers=callers.by_digest,
        everyone=callers.everyone,
        is_open=callers.is_open,
        budgets=budgets,
        rate_limits=read_rate_limits(reader, fields.get("rate_limits"), callers.everyone),
        labelling=labelling,
        rules=rules,
        unknown_routes=reader.word(fields.get("unknown_routes"), backends) or None,
        deadline_s=reader.duration(fields.get("deadline"), _DEADLINE_S),
        baseline=_baseline(reader, fields.get("baseline"), backends),
        invariants=read_invariants(reader, fields.get("invariants"), names, budgets),
        cases=read_cases(
            reader,
            fields.get("tests"),
            CaseNames(callers.everyone, zones, backends, models, FINDING_KINDS | names.kinds, rules),
        ),
        places=rule_places(fields),
        missing_secrets=tuple(reader.missing_secrets),
    )


def _masked(rules: tuple[Rule, ...]) -> frozenset[str]:
    return frozenset(kind for rule in rules for route in rule.ways for kind in route.mask)


def _baseline(reader: Reader, value: Value | None, backends: Mapping[str, BackendSpec]) -> str | None:
    """The backend whose price answers what all traffic would have cost there, so it must have one."""
    name = reader.word(value, backends)
    if value and name and backends[name].price is None:
        reader.problems.add(value.node, f"{value.what}: backend `{name}` has no `price` to compare with; give it one")
    return name or None


def _references_that_decide(root: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """One digest means one set of decisions, so what decides may not depend on the environment."""
    for section, value in _entries(root):
        if section in schema.DECIDING:
            yield from ((scalar, f"`{section}`") for scalar in _references(value))
        for _, entry in _entries(value) if section in schema.DECIDING_KEYS else ():
            for key, part in _entries(entry):
                if key in schema.DECIDING_KEYS[section]:
                    yield from ((scalar, f"`{key}` of `{section}`") for scalar in _references(part))


def _references(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode) and "${" in node.value:
        yield node
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        yield from _references(item)
    for _, value in _entries(node):
        yield from _references(value)


def _entries(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """A mapping's keys and values; nothing of any other node."""
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), value) for key, value in node.value)
