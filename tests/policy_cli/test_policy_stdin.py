"""A prompt may come in on standard input, so that no shell history keeps it."""

import os
import subprocess
import sys


def test_a_prompt_is_read_from_standard_input(written) -> None:
    command = [sys.executable, "-m", "gateway", "policy", "explain", str(written()), "--prompt", "-"]
    ended = subprocess.run(
        command, input="card 4111 1111 1111 1111", env=dict(os.environ), capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "`card` × 1" in ended.stdout
    assert "4111" not in ended.stdout
