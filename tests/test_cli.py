"""The command `gateway`: its verbs, what they say of themselves, and how a mistake ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.cli import VERBS, main
from gateway.config import Settings, read_policy, shipped_policy
from gateway.server import uvicorn_config

ROOT = Path(__file__).parents[1]
SECRETS = {"OPENAI_API_KEY": "not-a-real-key"}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", *words]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def shown(capsys):
    """Exit code, stdout and stderr of one command."""

    def ran(*words: str) -> tuple[int, str, str]:
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code
        return (code, *capsys.readouterr())

    return ran


def test_help_lists_every_verb_with_what_it_does(shown) -> None:
    code, out, _ = shown("--help")
    assert code == 0
    for name, verb in VERBS.items():
        assert re.search(rf"^    {name} +{re.escape(verb.summary[:40])}", out, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(shown, verb) -> None:
    code, out, err = shown(verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: gateway {verb} ")
    assert VERBS[verb].summary in " ".join(out.split())


def test_help_of_serve_names_every_setting_with_its_variable_and_its_true_default(shown) -> None:
    _, out, _ = shown("serve", "--help")
    names = set(Settings.__struct_fields__) - {"collector"}  # OpenTelemetry's variables name it
    assert set(re.findall(r"GATEWAY_\w+", out)) == {f"GATEWAY_{name.upper()}" for name in names}
    assert {f"--{name.replace('_', '-')}" for name in names} <= set(re.findall(r"--[\w-]+", out))
    assert f"(default {Settings().host}; or" in out
    assert f"(default {Settings().port}; or" in out


@pytest.mark.parametrize("verb", [("train", "fit"), ("train", "evaluate")])
def test_what_can_be_trained_explains_itself(shown, verb) -> None:
    code, out, _ = shown(*verb, "--help")
    assert code == 0
    assert "--data DIR" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "the following arguments are required: VERB"),
        (("serv",), "invalid choice: 'serv'"),
        (("serve",), "the following arguments are required: --policy"),
        (("serve", "--policy", "p.yaml", "--prot", "1"), "unrecognized arguments: --prot 1"),
        (("simulate", "claude"), "invalid choice: 'claude'"),
        (("train",), "the following arguments are required: WHAT"),
    ],
)
def test_what_cannot_be_understood_ends_with_2_and_says_why(shown, words, told) -> None:
    code, out, err = shown(*words)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("serve", "--policy", "no/such.yaml"), "cannot read the policy `no/such.yaml`: no such file or directory"),
        (("serve", "--policy", "p.yaml", "--port", "70000"), "`--port` must be a port from 0 to 65535, not `70000`"),
        (("demo", "--policy", "no/such.yaml"), "cannot read the policy `no/such.yaml`"),
        (("demo", "--per-second", "0"), "`--per-second` must be above 0"),
        (("train", "evaluate", "--data", "no/such"), "there is no folder `no/such`"),
    ],
)
def test_what_cannot_be_used_ends_with_2_and_one_line_that_says_why(shown, words, told) -> None:
    code, out, err = shown(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(told)


def test_only_the_verb_that_is_asked_for_is_imported() -> None:
    program = (
        "import contextlib, io, sys\n"
        "from gateway.cli import VERBS, main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['train', '--help'])\n"
        "print([name for name, verb in VERBS.items() if verb.module in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "['train']\n"


def test_a_bad_policy_ends_serve_with_2_and_its_place_on_stderr(tmp_path) -> None:
    path = tmp_path / "house.yaml"
    path.write_text((ROOT / "policies" / "default.yaml").read_text().replace("route: [embedder]", "route: [embeder]"))
    ended = run("serve", "--policy", str(path), **SECRETS)
    assert (ended.returncode, ended.stdout) == (2, "")
    line = path.read_text().splitlines().index("    route: [embeder]") + 1
    assert (
        ended.stderr
        == f"{path}:{line}:13: `route` in rule `embeddings` cannot be `embeder`; did you mean `embedder`?\n"
    )


def test_an_unknown_verb_ends_the_process_with_2() -> None:
    ended = run("sevre")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "choose from" in ended.stderr
    assert "Traceback" not in ended.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_serve_answers_and_ends_with_0_when_told_to_stop(tmp_path) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gateway",
        "serve",
        "--policy",
        str(shipped_policy("default")),
        "--port",
        str(port),
    ]
    nowhere = {"TGI_URL": "http://127.0.0.1:9", "OPENAI_BASE_URL": "http://127.0.0.1:9"}
    environment = os.environ | SECRETS | nowhere | {"GATEWAY_JOURNAL": str(tmp_path / "journal.sqlite")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        assert "policy `default` " in server.stderr.readline()
        assert answer(f"http://127.0.0.1:{port}/readyz", server) in (200, 503)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0


def answer(url: str, server: subprocess.Popen[str]) -> int:
    """The status of the first answer, while the server lives."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            continue
    raise AssertionError(f"the server ended with {server.returncode}")


@pytest.mark.parametrize(("drain_s", "given"), [(0.0, 0), (0.2, 1), (30.0, 30)])
async def test_requests_are_finished_for_as_long_as_the_drain_lasts_and_no_longer(tmp_path, drain_s, given) -> None:
    policy = read_policy(shipped_policy("default"), SECRETS)
    settings = Settings(journal=tmp_path / "journal.sqlite", drain_s=drain_s)
    gateway = Gateway(policy, settings)
    assert uvicorn_config(gateway, settings).timeout_graceful_shutdown == given
    await gateway.aclose()
