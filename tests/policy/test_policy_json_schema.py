"""The published JSON Schema knows what the reader knows: what loads validates, and its keys and words are the same."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from policy_texts import loaded, policies

from gateway.core.errors import ConfigError
from gateway.policy import schema
from gateway.policy.json_schema import json_schema
from gateway.policy.load import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "policies"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())
SHAPES = {name: shape for name, shape in vars(schema).items() if isinstance(shape, schema.Shape)}


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_published_file_is_the_one_that_the_code_makes() -> None:
    published = json.loads((FOLDER / "policy.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema(), "write it anew: gateway policy schema > policies/policy.schema.json"


@pytest.mark.parametrize("name", sorted(set(SHAPES) - {"POLICY"}))
def test_each_section_has_the_keys_that_are_read(name) -> None:
    found: Any = json_schema()["$defs"][name]
    mapping = found["anyOf"][1] if "anyOf" in found else found
    assert (list(mapping["properties"]), mapping.get("required", [])) == (
        list(SHAPES[name].keys),
        list(SHAPES[name].required),
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_policy_names_it_and_is_valid(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n")
    VALIDATOR.validate(yaml.safe_load(text))


@given(policies())
@settings(max_examples=40, deadline=None)
def test_what_loads_is_valid(written: dict[str, Any]) -> None:
    loaded(written)
    VALIDATOR.validate(written)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clearance: internal", "clearence: internal"),
        ("clearance: internal", "clearance: secret"),
        ("kind: tgi", "kind: tgy"),
        ("complexity: hard", "complexity: harder"),
        ("first_byte: 8s", "first_byte: 8"),
        ("deadline: 2m", "deadline: soon"),
        ("api_key: ${OPENAI_API_KEY}", "api_key: written-down"),
        ("retries: 1", "retries: 11"),
        ("medium_from: 0.3", "medium_from: 3"),
        ("otherwise:\n  route", "otherwise:\n  rout"),
        ("input_usd_per_million: 5", "input_usd_per_milion: 5"),
    ],
)
def test_a_slip_is_marked_in_the_editor_as_it_is_refused_at_start(base, environment, old, new) -> None:
    text = base.replace(old, new, 1)
    assert text != base
    assert not VALIDATOR.is_valid(yaml.safe_load(text))
    with pytest.raises(ConfigError):
        load(text.encode(), "slip.yaml", environment)
