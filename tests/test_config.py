"""What the gateway reads at start: settings from three places, the policy file, and what is told when one is wrong."""

from pathlib import Path

import pytest

from gateway.config import Settings, read_policy, shipped_policy
from gateway.core.errors import ConfigError

SHIPPED = Path(__file__).parents[1] / "policies"
SECRETS = {"OPENAI_API_KEY": "not-a-real-key"}


def told(environment: dict[str, str], given: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Settings.read(environment, given)
    return str(caught.value).splitlines()


def test_without_flags_and_environment_the_defaults_hold() -> None:
    assert Settings.read({}, {}) == Settings(
        host="127.0.0.1",
        port=8000,
        journal=Path("gateway.sqlite"),
        log="json",
        max_body_bytes=33_554_432,
        drain_s=30.0,
        unready_s=0.0,
    )


GIVEN = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("9000", 9000),
    "workers": ("4", 4),
    "journal": ("/var/lib/gateway.sqlite", Path("/var/lib/gateway.sqlite")),
    "journal_keep": ("30d", 30 * 86_400.0),
    "log": ("none", "none"),
    "max_body_bytes": ("1000", 1000),
    "drain_s": ("2.5", 2.5),
    "unready_s": ("5s", 5.0),
    "ledger": ("redis://ledger:6379/2", "redis://ledger:6379/2"),
    "budget_webhook": ("https://chat/hook?key=k", "https://chat/hook?key=k"),
    "history": ("redis://ledger:6379", "redis://ledger:6379"),
    "weights": ("/etc/my.weights", Path("/etc/my.weights")),
    "keys": ("/etc/keys.sqlite", Path("/etc/keys.sqlite")),
}


def test_every_setting_is_given_here() -> None:
    assert (*GIVEN, "collector") == Settings.__struct_fields__  # whose variables are OpenTelemetry's own


@pytest.mark.parametrize("name", GIVEN)
def test_the_environment_gives_a_setting(name) -> None:
    said, meant = GIVEN[name]
    assert getattr(Settings.read({f"GATEWAY_{name.upper()}": said}, {}), name) == meant


@pytest.mark.parametrize("name", GIVEN)
def test_a_flag_gives_a_setting_and_comes_before_the_environment(name) -> None:
    said, meant = GIVEN[name]
    assert getattr(Settings.read({f"GATEWAY_{name.upper()}": "x"}, {name: said}), name) == meant


@pytest.mark.parametrize("name", GIVEN)
def test_a_flag_that_is_not_given_and_an_empty_variable_leave_the_default(name) -> None:
    assert Settings.read({f"GATEWAY_{name.upper()}": ""}, {name: None}) == Settings()


def test_what_is_no_setting_is_left_alone() -> None:
    assert Settings.read({"PORT": "1", "GATEWAY_POLICY": "x"}, {"policy": "p", "verb": "serve"}) == Settings()


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("host", " ", "an address to listen on, such as `0.0.0.0` for every interface"),
        ("port", "65536", "a port from 0 to 65535"),
        ("port", "-1", "a port from 0 to 65535"),
        ("port", "http", "a port from 0 to 65535"),
        ("port", "80.0", "a port from 0 to 65535"),
        ("journal", " ", "a file's path"),
        ("log", "text", "`json` or `none`"),
        ("log", "JSON", "`json` or `none`"),
        ("max_body_bytes", "0", "a number of bytes from 1 to 2147483648"),
        ("max_body_bytes", "2147483649", "a number of bytes from 1 to 2147483648"),
        ("max_body_bytes", "32MB", "a number of bytes from 1 to 2147483648"),
        ("drain_s", "-1", "seconds from 0 to 86400"),
        ("drain_s", "nan", "seconds from 0 to 86400"),
        ("drain_s", "1m", "seconds from 0 to 86400"),
        ("unready_s", "86401", "seconds from 0 to 86400"),
        ("unready_s", "inf", "seconds from 0 to 86400"),
    ],
)
def test_a_wrong_value_is_told_with_what_it_must_be_and_where_it_came_from(name, said, expected) -> None:
    variable, flag = f"GATEWAY_{name.upper()}", "--" + name.replace("_", "-")
    assert told({variable: said}, {}) == [f"`{variable}` must be {expected}, not `{said}`"]
    assert told({}, {name: said}) == [f"`{flag}` must be {expected}, not `{said}`"]


def test_a_wrong_address_that_may_hold_a_secret_is_not_repeated() -> None:
    expected = ["`GATEWAY_BUDGET_WEBHOOK` must be an address such as `https://host/path`"]
    assert told({"GATEWAY_BUDGET_WEBHOOK": "chat/hook?key=secret"}, {}) == expected


@pytest.mark.parametrize(
    ("name", "said", "meant"),
    [
        ("port", "0", 0),
        ("port", "65535", 65_535),
        ("max_body_bytes", "1", 1),
        ("max_body_bytes", "2147483648", 2**31),
        ("drain_s", "0", 0.0),
        ("unready_s", "86400", 86_400.0),
    ],
)
def test_the_bounds_of_a_setting_belong_to_it(name, said, meant) -> None:
    assert getattr(Settings.read({}, {name: said}), name) == meant


def test_all_wrong_values_are_told_at_once() -> None:
    assert [line.split()[0] for line in told({"GATEWAY_LOG": "loud", "GATEWAY_DRAIN_S": "soon"}, {"port": -1})] == [
        "`--port`",
        "`GATEWAY_LOG`",
        "`GATEWAY_DRAIN_S`",
    ]


def test_a_policy_is_read_from_its_file() -> None:
    assert read_policy(SHIPPED / "default.yaml", SECRETS).name == "default"


def unreadable(path: Path, environment: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        read_policy(path, environment)
    return str(caught.value)


def test_a_policy_that_is_not_there_is_told_with_its_path(tmp_path) -> None:
    path = tmp_path / "polcy.yaml"
    assert unreadable(path, {}) == (
        f"cannot read the policy `{path}`: no such file or directory; give the path of a policy file"
    )


def test_a_folder_is_no_policy(tmp_path) -> None:
    assert unreadable(tmp_path, {}) == (
        f"cannot read the policy `{tmp_path}`: is a directory; give the path of a policy file"
    )


def test_a_policy_with_mistakes_is_told_with_file_line_and_column(tmp_path) -> None:
    path = tmp_path / "house.yaml"
    path.write_text((SHIPPED / "default.yaml").read_text().replace("clearance: internal", "clearance: intern"))
    assert unreadable(path, SECRETS) == (
        f"{path}:11:23: `clearance` in zone `openai` cannot be `intern`; did you mean `internal`?"
    )


def test_a_policy_whose_secrets_are_not_set_is_not_fit_to_be_served() -> None:
    path = SHIPPED / "task-routing.yaml"
    assert unreadable(path, {}) == (
        f"{path}:23:14: `api_key` in backend `frontier` needs the environment variable `OPENAI_API_KEY`; set it"
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_in_a_checkout_the_shipped_policies_are_those_of_the_folder(name) -> None:
    assert shipped_policy(name) == SHIPPED / f"{name}.yaml"


def test_an_unknown_shipped_policy_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        shipped_policy("../README")
    assert str(caught.value) == (
        "there is no shipped policy `../README`; use one of `data-separation`, `default`, `prototype-to-production`, "
        "`self-hosted-first`, `task-routing`"
    )
