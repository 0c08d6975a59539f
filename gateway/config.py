"""What the gateway reads at start: the policy file and its own settings, each wrong value told with its remedy."""

import functools
import importlib.resources
import importlib.util
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from gateway.core.collector import Collector
from gateway.core.errors import ConfigError
from gateway.policy.load import load
from gateway.policy.model import Policy
from gateway.policy.read import ReadFile
from gateway.policy.verify import violations

_CHECKOUT = Path(__file__).resolve().parent.parent / "policies"
_INSTALLED = "shipped_policies"
_PRICE_LIST = "model_prices_and_context_window_backup.json"


def read_policy(path: Path, environment: Mapping[str, str]) -> Policy:
    """A policy fit to be served. Raises ConfigError: no such file, an error in it, an invariant broken, no secret."""
    return proved_policy(policy_text(path), str(path), environment)


def proved_policy(text: bytes, filename: str, environment: Mapping[str, str]) -> Policy:
    """As `read_policy`, of a text that is, or is to be, in that file."""
    policy = load(text, filename, environment, beside(Path(filename)), price_list)
    broken = violations(policy, filename)
    if broken:
        raise ConfigError("\n".join((*broken, "change the rules, or whoever signs for the invariant changes that")))
    if policy.missing_secrets:
        raise ConfigError("\n".join(policy.missing_secrets))
    return policy


def load_policy(path: Path, environment: Mapping[str, str]) -> Policy:
    """As `read_policy`, without asking what the policy promises and whether its secrets are there."""
    return load(policy_text(path), str(path), environment, beside(path), price_list)


def beside(policy: Path) -> ReadFile:
    """Reads the files that a policy names: paths begin at its own folder."""

    def read(file: str, most_bytes: int) -> bytes:
        with (policy.parent / file).open("rb") as opened:
            return opened.read(most_bytes)

    return read


@functools.cache
def price_list() -> Mapping[str, Mapping[str, object]] | None:
    """The list of prices that comes with litellm, read as a file: no import of it, no network. None: not installed."""
    found = importlib.util.find_spec("litellm")
    path = Path(found.origin or "").parent / _PRICE_LIST if found else None
    if path is None or not path.is_file():
        return None
    rows: dict[str, dict[str, object]] = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, object]])
    return rows


def policy_text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise ConfigError(f"cannot read the policy `{path}`: {reason}; give the path of a policy file") from None


def shipped_policy(name: str) -> Path:
    """The file of a policy that comes with the gateway, in a checkout and in an installed wheel alike."""
    folders = (_CHECKOUT, Path(str(importlib.resources.files("gateway"))) / _INSTALLED)
    folder = next((each for each in folders if (each / "default.yaml").is_file()), None)
    if folder is None:
        raise ConfigError("the shipped policies are missing; install the gateway again, or give `--policy FILE`")
    names = sorted(each.stem for each in folder.glob("*.yaml"))
    if name not in names:
        known = ", ".join(f"`{each}`" for each in names)
        raise ConfigError(f"there is no shipped policy `{name}`; use one of {known}")
    return folder / f"{name}.yaml"


class Settings(msgspec.Struct, frozen=True):
    """How one gateway process runs; what it decides is the policy's. Times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    journal: Path = Path("gateway.sqlite")
    journal_keep: float = 0.0  # seconds that records are kept; 0: for ever
    log: Literal["json", "none"] = "json"
    max_body_bytes: int = 32 * 1024 * 1024
    drain_s: float = 30.0
    unready_s: float = 0.0
    ledger: str = ""  # where budgets are kept: a file, or the URL of a Redis; "": beside the journal
    budget_webhook: str = ""  # who is told of budgets that are nearly spent; "": nobody
    history: str = ""  # where served policies are kept: a file, or the URL of a Redis; "": beside the journal
    weights: Path | None = None  # of the complexity model; None: the shipped ones
    keys: Path | None = None  # of issued keys; None: only the policy's callers have any
    collector: Collector = Collector()

    @property
    def policies(self) -> str:
        """Where the history of policies is kept."""
        return self.history or str(self.journal.with_suffix(".policies.sqlite"))

    @staticmethod
    def read(environment: Mapping[str, str], given: Mapping[str, object]) -> "Settings":
        """What the command line gives (not None), else `GATEWAY_…` of the environment, else the default.

        The collector comes from OpenTelemetry's own variables. Raises ConfigError with a line for each value that
        cannot be used.
        """
        values: dict[str, object] = {}
        wrong: list[str] = []
        for name, setting in _SETTINGS.items():
            variable = f"GATEWAY_{name.upper()}"
            said, where = given.get(name), f"`--{name.replace('_', '-')}`"
            if said is None:
                said, where = environment.get(variable) or None, f"`{variable}`"
            if said is None:
                continue
            try:
                values[name] = setting.parse(str(said))
            except ValueError:
                told = "" if setting.is_secret else f", not `{said}`"
                wrong.append(f"{where} must be {setting.expected}{told}")
        try:
            values["collector"] = Collector.named(environment)
        except ConfigError as error:
            wrong.append(str(error))
        if wrong:
            raise ConfigError("\n".join(wrong))
        return msgspec.convert(values, Settings)


_AGE = re.compile(r"([0-9]{1,5})([hdw]|)")
_AGES = {"h": 3_600.0, "d": 86_400.0, "w": 604_800.0, "": 0.0}


class _Setting(msgspec.Struct, frozen=True):
    """How one setting is read, and how to say what it must be."""

    parse: Callable[[str], object]
    expected: str
    is_secret: bool = False  # what was said is not repeated


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(said: str) -> int:
        number = int(said)
        if not least <= number <= most:
            raise ValueError(said)
        return number

    return parse


def _seconds(said: str) -> float:
    seconds = float(said.removesuffix("s"))
    if not 0 <= seconds <= 86_400:
        raise ValueError(said)
    return seconds


def _age(said: str) -> float:
    found = _AGE.fullmatch(said)
    if found is None:
        raise ValueError(said)
    return int(found[1]) * _AGES[found[2]]


def _filled(said: str) -> str:
    if not said.strip():
        raise ValueError(said)
    return said


def _address(said: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", said):
        raise ValueError(said)
    return said


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(said: str) -> str:
        if said not in words:
            raise ValueError(said)
        return said

    return parse


_SETTINGS: Mapping[str, _Setting] = {
    "host": _Setting(_filled, "an address to listen on, such as `0.0.0.0` for every interface"),
    "port": _Setting(_between(0, 65_535), "a port from 0 to 65535"),
    "workers": _Setting(_between(1, 256), "a number of processes from 1 to 256"),
    "journal": _Setting(lambda said: Path(_filled(said)), "a file's path"),
    "journal_keep": _Setting(_age, "how long records are kept, such as `30d` or `12h`, or `0` for ever"),
    "log": _Setting(_one_of("json", "none"), "`json` or `none`"),
    "max_body_bytes": _Setting(_between(1, 2**31), "a number of bytes from 1 to 2147483648"),
    "drain_s": _Setting(_seconds, "seconds from 0 to 86400"),
    "unready_s": _Setting(_seconds, "seconds from 0 to 86400"),
    "ledger": _Setting(_filled, "a file's path, or a Redis such as `redis://host:6379`"),
    "budget_webhook": _Setting(_address, "an address such as `https://host/path`", is_secret=True),
    "history": _Setting(_filled, "a file's path, or a Redis such as `redis://host:6379`"),
    "keys": _Setting(lambda said: Path(_filled(said)), "the path of a file made by `gateway keys create`"),
    "weights": _Setting(lambda said: Path(_filled(said)), "the path of a weights file"),
}
