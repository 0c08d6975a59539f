"""How long ago, as a flag says it."""

import re

from gateway.core.errors import ConfigError

_AGE = re.compile(r"([0-9]{1,4})([hdw])")
_SECONDS = {"h": 3_600, "d": 86_400, "w": 604_800}


def since(age: str, now: float, flag: str = "--since") -> float:
    """Seconds since the epoch. Raises ConfigError."""
    found = _AGE.fullmatch(age)
    if found is None or not int(found[1]):
        raise ConfigError(f"`{flag}` must be an age such as `24h`, `7d` or `4w`, not `{age}`")
    return now - int(found[1]) * _SECONDS[found[2]]
