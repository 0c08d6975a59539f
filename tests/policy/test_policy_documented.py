"""docs/policies.md is true: keys, words, defaults, vetoes, errors and examples are the code's, and none is missing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.core.capabilities import CANNOT
from gateway.core.errors import ConfigError
from gateway.core.labelling import Labelling
from gateway.core.types import Decision, Exclusion, Need, Veto
from gateway.policy import schema
from gateway.policy.cases import REFUSAL_CODES
from gateway.policy.evaluate import ORDER, refusal
from gateway.policy.load import load
from gateway.policy.model import Policy, Signal
from gateway.policy.parse import MAX_BYTES, MAX_DEPTH
from gateway.policy.review import Fault
from gateway.policy.vocabulary import ENDPOINTS, FINDING_KINDS, NEEDS, SENSITIVITIES, TIERS

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
SHAPES = {name: value for name, value in vars(schema).items() if isinstance(value, schema.Shape)}
ENVIRONMENT = {
    name: name.lower() for name in ("OPENAI_API_KEY", "CLAIMS_KEY", "WEBSITE_KEY", "NIGHTLY_KEY", "APP_KEY", "HF_TOKEN")
} | {"TGI_URL": "http://tgi:8080"}


def table(mark: str) -> list[list[str]]:
    """The rows of the table below a mark, as they are written."""
    after = PAGE.split(f"<!-- {mark} -->\n", 1)[1]
    lines = after.split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_every_shape_has_its_table_and_no_table_is_without_a_shape() -> None:
    assert sorted(re.findall(r"<!-- keys: (\w+) -->", PAGE)) == sorted(SHAPES)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_key_is_documented_and_nothing_else(name) -> None:
    shape = SHAPES[name]
    rows = table(f"keys: {name}")
    assert [words(row[0])[0] for row in rows] == list(shape.keys)
    assert [words(row[0])[0] for row in rows if row[2] == "required"] == list(shape.required)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_key_has_a_type_a_default_and_a_meaning(name) -> None:
    assert [row for row in table(f"keys: {name}") if len(row) != 4 or not all(row)] == []


def defaults(name: str) -> dict[str, str]:
    """The documented defaults that can be written down."""
    return {words(row[0])[0]: words(row[2])[0] for row in table(f"keys: {name}") if row[2].startswith("`")}


def test_writing_a_documented_default_down_changes_nothing() -> None:
    smallest: dict[str, Any] = {
        "apiVersion": "gateway/v1",
        "kind": "RoutingPolicy",
        "metadata": {"name": "smallest"},
        "zones": {"home": {"clearance": "internal"}},
        "backends": {"gpu": {"zone": "home", "kind": "vllm", "model": "llama", "urls": ["http://gpu"]}},
        "otherwise": {"route": "gpu"},
    }
    written = {
        **smallest,
        **defaults("POLICY"),
        "zones": {"home": {"clearance": "internal", **defaults("ZONE")}},
        "classify": {"sensitivity": defaults("SENSITIVITY"), "complexity": defaults("COMPLEXITY")},
        "otherwise": {"route": "gpu", "timeouts": defaults("TIMEOUTS"), **defaults("OTHERWISE")},
    }
    assert defaults("POLICY").keys() == {"deadline"}
    assert defaults("SENSITIVITY").keys() == {"default", "unlisted", "unreadable", "on_error"}
    assert meaning(loaded(written)) == meaning(loaded(smallest))


def loaded(written: dict[str, Any]) -> Policy:
    return load(json.dumps(written).encode(), "documented.yaml", ENVIRONMENT, lambda file, most: b"Northwind Gears")


def meaning(policy: Policy) -> tuple[Any, ...]:
    labelling: Labelling = policy.labelling
    return (policy.zones, policy.backends, labelling, policy.rules[-1].routes, policy.deadline_s, policy.unknown_routes)


def test_every_signal_is_documented_and_nothing_else() -> None:
    documented = [words(row[0])[0] for row in table("signals")]
    assert documented == [*(signal.value for signal in Signal), "all", "any", "not"]


def test_every_need_is_documented_and_nothing_else() -> None:
    assert [words(row[0])[0] for row in table("needs")] == list(NEEDS)


def test_every_kind_of_backend_is_documented_with_what_it_cannot_do() -> None:
    documented = {words(row[0])[0]: {Need(word) for word in words(row[3])} for row in table("kinds")}
    assert documented == {kind.value: set(cannot) for kind, cannot in CANNOT.items()}


@pytest.mark.parametrize(
    ("sentence", "vocabulary"),
    [
        ("The classes, in order: ", list(SENSITIVITIES)),
        ("Kinds of findings: ", sorted(FINDING_KINDS)),
        ("Endpoints: ", list(ENDPOINTS)),
    ],
)
def test_every_word_of_a_vocabulary_is_documented_in_order(sentence, vocabulary) -> None:
    said = PAGE.split(sentence, 1)[1].split(". ", 1)[0].split(".\n", 1)[0]
    assert [word for word in words(said) if " " not in word] == vocabulary


def test_every_tier_is_documented_in_order() -> None:
    (row,) = (row for row in table("signals") if row[0] == "`complexity`")
    assert words(row[2])[: len(TIERS)] == list(TIERS)


def test_every_veto_is_documented_in_order_with_what_the_client_hears(envelope) -> None:
    rows = table("vetoes")
    assert [words(row[0])[0] for row in rows] == [veto.value for veto in ORDER]
    for name, _, status, code, message in rows:
        detail = re.search(r"((zone|backend) `.*?)[;]", message)
        assert detail
        excluded = (("b", Exclusion(Veto(words(name)[0]), detail[1])),)
        error = refusal(Decision((), "r", excluded), envelope())
        assert (str(error.status), f"`{error.code}`", error.message) == (status, code, message)


def test_the_wrong_file_is_told_exactly_as_documented() -> None:
    text, told = re.findall(r"<!-- wrong -->\n```yaml\n(.*?)```.*?```text\n(.*?)\n```", PAGE, re.DOTALL)[0]
    with pytest.raises(ConfigError) as caught:
        load(text.encode(), "acme.yaml", {})
    assert str(caught.value) == told


def examples() -> Iterator[str]:
    yield from (block for block in blocks()[1:] if "apiVersion" not in block)


def test_the_whole_policy_loads() -> None:
    policy = load(blocks()[0].encode(), "acme.yaml", ENVIRONMENT)
    assert (policy.name, policy.missing_secrets) == ("acme", ())


@pytest.mark.parametrize("example", list(examples()))
def test_every_worked_example_loads_in_place_of_the_same_sections(example) -> None:
    whole = yaml.load(blocks()[0], yaml.BaseLoader)
    changed = yaml.load(example, yaml.BaseLoader)
    assert changed.keys() <= set(schema.POLICY.keys)
    assert loaded(whole | changed).missing_secrets == ()


def test_every_code_of_a_refusal_may_be_expected() -> None:
    heard = {row[3] for row in table("vetoes")} - {"`zone_not_allowed`"}  # no issued key asks in a case
    assert {f"`{code}`" for code in REFUSAL_CODES} == heard | {"`unknown_url`"}


def test_every_fault_is_documented_and_nothing_else() -> None:
    rows = {words(row[0])[0]: row[1] for row in table("faults")}
    assert set(rows) == {"unreadable", "unproved", *Fault}
    assert {code for code, level in rows.items() if level == "error"} == {"unreadable", "unproved", "broken-invariant"}


def test_the_deciding_keys_are_documented() -> None:
    said = PAGE.split("References are refused in ", 1)[1].split("They are welcome", 1)[0]
    deciding = {*schema.DECIDING, *(key for keys in schema.DECIDING_KEYS.values() for key in keys)}
    assert set(words(said)) == deciding


def test_the_bounds_of_a_file_are_documented() -> None:
    assert f"over {MAX_BYTES:,} bytes, or nested over {MAX_DEPTH} deep" in PAGE
