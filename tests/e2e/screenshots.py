"""Pictures of the dashboard for the README: a demo runs for a while, and Chromium looks at it. `make screenshots`."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PORT = 8765
FOR_S = 25.0
VIEWS = {"overview": "", "decisions": "/decisions", "policy": "/policy"}


def main() -> int:
    chromium = shutil.which("chromium") or sys.exit("there is no Chromium here: apt-get install chromium")
    command = (sys.executable, "-m", "gateway", "demo", "--port", str(PORT), "--per-second", "20")
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(FOR_S)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, view in VIEWS.items():
                page = browser.new_page(viewport={"width": 1280, "height": 860}, device_scale_factor=1)
                _take(page, view, IMAGES / f"dashboard-{name}.png")
            browser.close()
    finally:
        demo.terminate()
        demo.wait(10)
    return 0


def _take(page: Page, view: str, file: Path) -> None:
    page.goto(f"http://127.0.0.1:{PORT}/dashboard{view}")
    page.wait_for_selector("h2")
    page.screenshot(path=file)


if __name__ == "__main__":
    sys.exit(main())
