"""The chart renders as Helm renders it, what it renders is what Kubernetes knows, and what it runs is what we know.

No cluster runs here: rendering and schemas are all that is tried.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from helm_python import Chart, HelmError

from gateway.config import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "hybrid-gateway"
POLICY = (ROOT / "policies" / "default.yaml").read_text()
KUBERNETES = "1.30"
OURS = ("monitoring.coreos.com/v1",)  # no schema of Kubernetes' own

PLAIN: dict[str, Any] = {"policy": POLICY}
WHOLE: dict[str, Any] = {
    "policy": POLICY,
    "redis": "redis://redis:6379",
    "secretName": "gateway-keys",
    "env": {"OPENAI_BASE_URL": "https://api.openai.com"},
    "autoscaling": {"enabled": True, "min": 3, "max": 9, "cpu": 60, "inFlight": 200},
    "serviceMonitor": {"enabled": True, "interval": "30s"},
    "network": {
        "clients": [{"namespaceSelector": {"matchLabels": {"team": "apps"}}}],
        "zones": [{"name": "openai", "to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}], "port": 443}],
        "redis": [{"podSelector": {"matchLabels": {"app": "redis"}}}],
    },
    "tgi": {"enabled": True, "gpus": 2, "secretName": "hub", "args": ["--quantize", "fp8"]},
}


def rendered(values: dict[str, Any]) -> list[Any]:
    with Chart.load(CHART) as chart:
        texts = chart.render(values=values, name="here", namespace="llm")
    return [document for text in texts.values() for document in yaml.safe_load_all(text) if document]


def of_kind(values: dict[str, Any], kind: str, name: str = "here") -> Any:
    (found,) = [each for each in rendered(values) if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize("values", [PLAIN, WHOLE], ids=["plain", "whole"])
def test_everything_rendered_is_what_kubernetes_knows(values: dict[str, Any]) -> None:
    documents = rendered(values)
    assert len(documents) > 4
    for document in documents:
        if document["apiVersion"] not in OURS:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_linter_has_nothing_to_say() -> None:
    said = helm_python.lint(CHART, values=WHOLE, strict=True)
    assert said["errors"] == []
    assert [each["error"] for each in said["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("values", [PLAIN, WHOLE], ids=["plain", "whole"])
def test_what_a_pod_runs_is_a_command_that_there_is(values: dict[str, Any]) -> None:
    (container,) = of_kind(values, "Deployment")["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert {name for name in environment if name.startswith("GATEWAY_")} <= variables()
    command = [sys.executable, "-m", "gateway", *container["args"], "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | environment)
    assert done.returncode == 0, done.stderr


def variables() -> set[str]:
    return {f"GATEWAY_{name.upper()}" for name in Settings.__struct_fields__}


def test_a_pod_is_not_root_writes_nowhere_but_its_folder_and_has_time_to_finish() -> None:
    pod = of_kind(PLAIN, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/etc/gateway", "/var/lib/gateway", "/tmp"}
    assert pod["terminationGracePeriodSeconds"] > 10 + 120


def test_another_policy_rolls_the_pods_out() -> None:
    sums = {
        of_kind({"policy": text}, "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/policy"]
        for text in (POLICY, POLICY + "\n")
    }
    assert len(sums) == 2


def test_the_policy_arrives_as_it_was_written() -> None:
    assert of_kind(PLAIN, "ConfigMap", "here-policy")["data"]["policy.yaml"] == POLICY


def test_only_declared_zones_are_let_out() -> None:
    shut = of_kind(PLAIN, "NetworkPolicy")["spec"]["egress"]
    assert [[port["port"] for port in rule["ports"]] for rule in shut] == [[53, 53]]
    opened = of_kind(WHOLE, "NetworkPolicy")["spec"]["egress"]
    targets = [target for rule in opened for target in rule.get("to", [])]
    assert {"ipBlock": {"cidr": "203.0.113.0/24"}} in targets
    assert len(targets) == 3  # the zone, Redis, TGI


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "there is no policy"),
        ({"policy": POLICY, "replicas": 2}, "more than one gateway needs a Redis"),
        ({"policy": POLICY, "network": {"zones": [{"name": "openai"}]}}, "zone `openai` needs `to`"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_installed(values: dict[str, Any], told: str) -> None:
    with pytest.raises(HelmError, match=told):
        rendered(values)
