"""Typed values out of YAML nodes; what is wrong is told in the user's words, and reading goes on."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from gateway.policy.problems import Problems, suggestion
from gateway.policy.schema import Shape

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-)([^}]*))?\}")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)%")
_DURATION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAY_S = 86_400

T = TypeVar("T")
ReadFile = Callable[[str, int], bytes]
"""At most so many bytes of a file that a policy names. Raises OSError."""

PriceList = Callable[[], Mapping[str, Mapping[str, object]] | None]
"""litellm's list of what models cost, by name, read when it is asked for; None: it is not installed."""


class Value(NamedTuple):
    """A node and what it is in the file's words: "`clearance` in zone `openai`"."""

    node: yaml.Node
    what: str


class Said(NamedTuple):
    """A scalar with its references replaced. `written` is what the file says, the only thing that errors quote."""

    node: yaml.Node
    what: str
    written: str
    text: str


class Reader:
    """Reads one file's nodes. After a problem it returns a default, which `Problems.raise_any` keeps from being used.

    `missing_secrets` holds what the environment does not give: no error of the file, but one for whoever serves it.
    `files` holds what was read because the policy names it.
    """

    def __init__(
        self, problems: Problems, environment: Mapping[str, str], price_list: PriceList, read: ReadFile | None = None
    ) -> None:
        self.problems = problems
        self.price_list = price_list
        self.missing_secrets: list[str] = []
        self.files: dict[str, bytes] = {}
        self._environment = environment
        self._read = read

    def fields(self, value: Value | None, shape: Shape) -> dict[str, Value]:
        """The known keys of a mapping; unknown and missing ones are problems."""
        fields: dict[str, Value] = {}
        place = "" if value is None else value.what.replace(" in ", " of ")
        if value is None or not self._is_mapping(value):
            return fields
        for key, node in value.node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # `parse` has said so
            if key.value in shape.keys:
                fields[key.value] = Value(node, f"`{key.value}` in {place}")
            else:
                hint = suggestion(str(key.value), shape.keys)
                self.problems.add(key, f"unknown key `{key.value}` in {place}{hint}")
        for key in shape.required:
            if key not in fields:
                self.problems.add(value.node, f"missing key `{key}` in {place}")
        return fields

    def named(self, value: Value | None, noun: str) -> dict[str, Value]:
        """A mapping whose keys are the user's own names."""
        named = {}
        allowed, signs = (_MODEL_NAME, ". _ - : / @") if noun == "model" else (_NAME, ". _ -")
        for key, node in value.node.value if value and self._is_mapping(value) else ():
            if isinstance(key, yaml.ScalarNode) and allowed.fullmatch(key.value):
                named[key.value] = Value(node, f"{noun} `{key.value}`")
            else:
                self.problems.add(key, f"this cannot be the name of a {noun}; use letters, digits and {signs}")
        return named

    def items(self, value: Value | None) -> list[Value]:
        """A list, or one value standing for a list of one. Empty lists are problems."""
        if value is None:
            return []
        if not isinstance(value.node, yaml.SequenceNode):
            return [value]
        if not value.node.value:
            self.problems.add(value.node, f"{value.what} is empty; name at least one")
        return [Value(node, value.what) for node in value.node.value]

    def listed(self, value: Value | None) -> list[Value]:
        """A list of mappings."""
        if value is None:
            return []
        if not isinstance(value.node, yaml.SequenceNode):
            self.problems.add(value.node, f"{value.what} must be a list: start each with `- name:`")
            return []
        return [Value(node, value.what) for node in value.node.value]

    def text(self, value: Value | None, default: str = "") -> str:
        """One line of text, environment references replaced."""
        said = self._said(value)
        return default if said is None else said.text

    def filled(self, value: Value, default: str) -> str:
        """As `text`, but a reference to something empty is a problem too."""
        said = self._said(value)
        if said and not said.text.strip():
            return self._instead(said, "filled in", default)
        return said.text if said else default

    def name(self, value: Value | None, noun: str) -> str:
        """A name that the user gives here."""
        said = self._said(value)
        if said and not _NAME.fullmatch(said.text):
            return self._instead(said, f"a {noun}'s name of letters, digits and . _ -", "")
        return said.text if said else ""

    def word(self, value: Value | None, vocabulary: Collection[str], default: str = "") -> str:
        """One word of a closed vocabulary."""
        said = self._said(value)
        if said is None:
            return default
        if said.text in vocabulary:
            return said.text
        self.problems.add(said.node, f"{said.what} cannot be `{said.written}`{suggestion(said.written, vocabulary)}")
        return default

    def words(self, value: Value | None, vocabulary: Collection[str]) -> list[str]:
        """One word or a list of them; unknown ones are problems and left out."""
        return [word for each in self.items(value) if (word := self.word(each, vocabulary))]

    def number(self, value: Value | None, default: float, *, most: float) -> float:
        """A number from 0 to `most`."""
        said = self._said(value)
        if said is None:
            return default
        if _NUMBER.fullmatch(said.text) and float(said.text) <= most:
            return float(said.text)
        return self._instead(said, f"a number from 0 to {most:g}", default)

    def integer(self, value: Value | None, default: int, *, least: int = 0, most: int = 10**9) -> int:
        said = self._said(value)
        if said is None:
            return default
        if said.text.isdecimal() and said.text.isascii() and least <= int(said.text[:20]) <= most:
            return int(said.text)
        return self._instead(said, f"a whole number from {least} to {most}", default)

    def price(
        self, value: Value | None, expected: str = "US dollars per million tokens such as `2.50`, in steps of 0.001"
    ) -> Decimal:
        """US dollars, in steps of 0.001."""
        said = self._said(value)
        if said and _NUMBER.fullmatch(said.text) and Decimal(said.text) * 1000 % 1 == 0:
            return Decimal(said.text)
        if said is None:
            return Decimal(0)
        return self._instead(said, expected, Decimal(0))

    def matched(
        self,
        value: Value | None,
        form: re.Pattern[str],
        parse: Callable[[str], T],
        holds: Callable[[T], bool],
        expected: str,
        default: T,
    ) -> T:
        """What `parse` makes of a text of this form, where it `holds`; else it must be `expected`."""
        said = self._said(value)
        if said is None:
            return default
        if form.fullmatch(said.text) and holds(parsed := parse(said.text)):
            return parsed
        return self._instead(said, expected, default)

    def share(self, value: Value | None) -> int:
        """A share of the requests, in hundredths of a percent."""
        said = self._said(value)
        if said is None:
            return 1
        found = _PERCENT.fullmatch(said.text)
        if found and 0 < (share := int(Decimal(found[1]) * 100)) <= 10_000:
            return share
        return self._instead(said, "a share such as `5%`, from 0.01% to 100%", 1)

    def duration(self, value: Value | None, default: float, *, least: float = 0.001) -> float:
        """Seconds."""
        said = self._said(value)
        if said is None:
            return default
        found = _DURATION.fullmatch(said.text)
        if found and least <= (seconds := float(found[1]) * _SECONDS[found[2]]) <= _DAY_S:
            return seconds
        return self._instead(said, "a duration such as `8s`, `250ms` or `2m`, at most a day", default)

    def instant(self, value: Value | None, default: float) -> float:
        """Seconds since the epoch of a date and time with its offset."""
        said = self._said(value)
        if said is None:
            return default
        try:
            moment = datetime.fromisoformat(said.text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            return self._instead(said, "a date and time with its offset such as `2026-03-02T03:00+01:00`", default)
        return moment.timestamp()

    def time_zone(self, value: Value | None) -> str:
        """One that this machine knows by IANA's name."""
        said = self._said(value)
        if said is None:
            return "UTC"
        try:
            ZoneInfo(said.text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return self._instead(said, "a time zone such as `Europe/Amsterdam`", "UTC")
        return said.text

    def flag(self, value: Value | None) -> bool:
        said = self._said(value)
        if said and said.text not in ("true", "false"):
            return self._instead(said, "`true` or `false`", False)
        return bool(said and said.text == "true")

    def file(self, value: Value | None, most_bytes: int) -> bytes | None:
        """The content of a file that the policy names; None where it cannot be used."""
        said = self._said(value)
        if said is None:
            return None
        if self._read is None:
            return self._instead(said, "readable from here; check the policy where its files are", None)
        try:
            content = self._read(said.text, most_bytes + 1)
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
            remedy = "a path begins at the policy's own folder"
            self.problems.add(said.node, f"{said.what}: cannot read `{said.written}`: {reason}; {remedy}")
            return None
        if len(content) > most_bytes:
            self.problems.add(said.node, f"{said.what}: `{said.written}` is larger than {most_bytes:,} bytes; split it")
            return None
        self.files[said.text] = content
        return content

    def secret(self, value: Value | None) -> str | None:
        """A secret by reference only. Unset: None, and noted in `missing_secrets` unless the file says `${NAME:-}`."""
        if value is None or (written := self._scalar(value)) is None:
            return None
        found = _REFERENCE.fullmatch(written)
        if found is None or found[3]:
            remedy = "write `${NAME}` and set that environment variable"
            self.problems.add(value.node, f"{value.what} must not be written in the policy; {remedy}")
            return None
        secret = self._environment.get(found[1], "").strip()
        if not secret and not found[2]:
            sentence = f"{value.what} needs the environment variable `{found[1]}`; set it"
            self.missing_secrets.append(self.problems.told(value.node, sentence))
        elif not (secret.isascii() and secret.isprintable()) or " " in secret:
            self.problems.add(value.node, f"{value.what}: `{found[1]}` must hold visible ASCII characters only")
        return secret or None

    def _said(self, value: Value | None) -> Said | None:
        """A scalar, its references replaced; None where there is none, or none that can be used."""
        if value is None or (written := self._scalar(value)) is None:
            return None
        text = written if "${" not in written else self._replaced(value, written)
        if text is None:
            return None
        if not text.isprintable():
            self.problems.add(value.node, f"{value.what} must be one line without control characters")
            return None
        return Said(value.node, value.what, written, text)

    def _scalar(self, value: Value) -> str | None:
        node = value.node
        if not isinstance(node, yaml.ScalarNode):
            self.problems.add(node, f"{value.what} must be one value, not a list or a mapping")
            return None
        if node.value == "" and node.style is None:
            self.problems.add(node, f"{value.what} is empty; give it a value or remove the key")
            return None
        return str(node.value)

    def _replaced(self, value: Value, written: str) -> str | None:
        """`${NAME:-default}` stands for the default where NAME is unset or empty, as in a shell."""
        if "${" in _REFERENCE.sub("", written):
            self.problems.add(
                value.node, f"{value.what} has a broken reference; write `${{NAME}}` or `${{NAME:-default}}`"
            )
            return None
        known = self._environment
        missing = [name for name, fallback, _ in _REFERENCE.findall(written) if not known.get(name) and not fallback]
        for name in missing:
            remedy = f"set it, or give a default: `${{{name}:-…}}`"
            self.problems.add(value.node, f"{value.what} needs the environment variable `{name}`; {remedy}")
        return None if missing else _REFERENCE.sub(lambda found: known.get(found[1]) or found[3] or "", written)

    def _is_mapping(self, value: Value) -> bool:
        if isinstance(value.node, yaml.MappingNode):
            return True
        self.problems.add(value.node, f"{value.what} must be a mapping of keys to values")
        return False

    def _instead(self, said: Said, expected: str, default: T) -> T:
        self.problems.add(said.node, f"{said.what} must be {expected}, not `{said.written}`")
        return default
