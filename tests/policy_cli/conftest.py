"""A policy file on disk, and the command run on it."""

from pathlib import Path

import pytest

from gateway.cli import main

POLICY = """\
apiVersion: gateway/v1
kind: RoutingPolicy
metadata: {name: house, version: 7, owner: dpo@acme.test}
zones:
  on_prem: {clearance: restricted}
  openai: {clearance: internal, region: us}
backends:
  local:
    {zone: on_prem, kind: tgi, urls: ["http://tgi:8080"], model: llama,
     price: {input_usd_per_million: 1, output_usd_per_million: 1}}
  frontier:
    {zone: openai, kind: openai, urls: ["https://api.openai.com"], model: gpt-5.5, api_key: "${OPENAI_API_KEY}",
     price: {input_usd_per_million: 5, output_usd_per_million: 30}}
models: {gpt-4o: auto}
classify:
  sensitivity:
    kinds: {card: restricted, iban: restricted, email: confidential, phone: confidential}
rules:
  - name: private
    when: {sensitivity: {at_least: confidential}}
    route: [local]
  - name: hard
    when: {complexity: hard}
    route: [frontier, local]
otherwise:
  route: [local, frontier]
"""


@pytest.fixture
def shown(capsys):
    """Exit code, stdout and stderr of `gateway policy …`."""

    def ran(*words: object) -> tuple[int, str, str]:
        try:
            code = main(["policy", *map(str, words)])
        except SystemExit as end:
            code = end.code
        return (code, *capsys.readouterr())

    return ran


@pytest.fixture
def written(tmp_path):
    """The policy's file with texts replaced, pair by pair, and more at its end."""

    def write(*changes: tuple[str, str], more: str = "", name: str = "house.yaml") -> Path:
        text = POLICY
        for old, new in changes:
            assert old in text, f"the policy has no {old!r}"
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text + more)
        return path

    return write
