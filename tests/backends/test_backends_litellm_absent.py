"""Where litellm is not installed, or not wanted: nobody pays for it, and who asks for it is told the remedy."""

import subprocess
import sys


def test_without_the_package_it_is_down_and_says_what_to_install() -> None:
    program = """
import asyncio, sys
sys.modules["litellm"] = None  # what is not installed
from gateway.app import SystemClock
from gateway.backends.litellm_backend import LiteLLMBackend
from gateway.core.types import BackendKind, BackendSpec, Sensitivity, Zone

async def main() -> None:
    zone = Zone("z", Sensitivity.PUBLIC)
    backend = LiteLLMBackend(BackendSpec("b", BackendKind.LITELLM, zone, (), {"chat": "openai/m"}), SystemClock())
    backend.open()
    while "installed" not in backend.state.reason:
        await asyncio.sleep(0)
    print(backend.state.is_up, backend.state.reason)
    await backend.aclose()

asyncio.run(asyncio.wait_for(main(), 20))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "False litellm is not installed; run `pip install 'hybrid-gateway[litellm]'`\n"


def test_importing_the_gateway_does_not_load_it() -> None:
    program = "import sys, gateway.app; sys.exit('litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0
