"""The sentences that the dashboard opens with are true of the figures below them."""

import subprocess
from pathlib import Path

import pytest
from node_project import NODE

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "gateway" / "dashboard" / "page"
LONGEST_S = 60


def test_every_figure_in_a_sentence_is_one_of_its_data() -> None:
    tests = sorted(path.relative_to(PAGE).as_posix() for path in (PAGE / "test").glob("*.test.ts"))
    command = (NODE, "--test", "--test-reporter=tap", *tests)
    done = subprocess.run(command, cwd=PAGE, capture_output=True, text=True, timeout=LONGEST_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    written = sum((PAGE / each).read_text().count("\ntest(") for each in tests)
    assert f"# pass {written}\n" in done.stdout
