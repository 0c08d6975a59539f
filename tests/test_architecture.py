"""The structure stays: no file outgrows a head, no test mocks, every module has a title, names say what they name."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BANNED = {
    "manager",
    "handler",
    "helper",
    "helpers",
    "utils",
    "common",
    "misc",
    "process",
    "wrapper",
    "context",
    "service",
}
FOREIGN = {"exception_handler", "handle_exit", "timeout_keep_alive_handler", "process_time", "getprocesstimes"}
"""Names that other libraries chose."""
LOADERS = {"import_module", "__import__", "find_spec"}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def modules() -> list[Path]:
    return [path for path in tracked("gateway/*.py") if path.name != "__init__.py"]


def defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def test_no_file_is_longer_than_a_head_can_hold() -> None:
    long = {str(path): len(path.read_text().splitlines()) for path in tracked("*.py")}
    assert {path: lines for path, lines in long.items() if lines > 400} == {}


def test_every_module_has_a_title() -> None:
    assert [str(path) for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_packages_are_empty() -> None:
    assert [str(path) for path in tracked("gateway/*__init__.py") if path.read_text()] == []


def test_names_say_what_they_name() -> None:
    names = {name for path in modules() for name in defined(ast.parse(path.read_text()))}
    words = {name: set(re.findall(r"[A-Z]?[a-z]+", name.replace("_", " "))) for name in names - FOREIGN}
    assert {name for name, parts in words.items() if {part.lower() for part in parts} & BANNED} == set()


def loaded_by_name(path: Path) -> set[str]:
    """The packages a module loads with `import_module`, by names that are written out there."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    loads = [call.args[0] for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) in LOADERS]
    return {name.value.split(".")[0] for name in loads if isinstance(name, ast.Constant)}


def test_one_door_each_for_what_is_loaded_by_name() -> None:
    doors = {path.relative_to(ROOT).as_posix(): loaded_by_name(path) for path in modules()}
    assert {path: names for path, names in doors.items() if names & {"litellm", "huggingface_hub", "redis"}} == {
        "gateway/backends/litellm_backend.py": {"litellm"},
        "gateway/config.py": {"litellm"},  # looked for, to read a file beside it; never loaded
        "gateway/backends/inference_endpoint.py": {"huggingface_hub"},
        "gateway/stores/books_redis.py": {"redis"},
        "gateway/stores/policy_history_redis.py": {"redis"},
        "gateway/stores/redis_client.py": {"redis"},
        "gateway/stores/redis_look.py": {"redis"},
    }


@pytest.mark.parametrize("word", ["unittest" + ".mock", "monkey" + "patch", "Magic" + "Mock"])
def test_no_test_patches_what_it_tests(word: str) -> None:
    assert [str(path) for path in tracked("tests/*.py") if word in path.read_text()] == []
