"""Envoy itself understands the example."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(("line", "is_understood"), [("connect_timeout: 2s", True), ("connect_timeot: 2s", False)])
def test_the_example_is_what_envoy_understands_and_a_slip_in_it_is_not(
    tmp_path: Path, line: str, is_understood: bool
) -> None:
    said = (ROOT / "deploy" / "envoy" / "hybrid-gateway.yaml").read_text().replace("connect_timeout: 2s", line)
    certificate = str(ROOT / "tests" / "backends" / "localhost.pem")
    for name in ("fullchain", "privkey"):
        said = said.replace(f"/etc/envoy/tls/{name}.pem", certificate)
    (tmp_path / "envoy.yaml").write_text(said)
    envoy = Path(sysconfig.get_path("scripts")) / "envoy"
    ran = subprocess.run(
        [envoy, "--mode", "validate", "-c", tmp_path / "envoy.yaml"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode == 0) is is_understood, ran.stderr
