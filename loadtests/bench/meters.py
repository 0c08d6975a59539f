"""What Linux says of a process and all that it started: CPU time, memory, and the cores there are."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
_PROC = Path("/proc")


class Cores(NamedTuple):
    """Which core each of the three runs on; they share where there are not enough."""

    target: int
    upstream: int
    load: int


def cores() -> Cores:
    """Distinct physical cores first: two threads of one core would slow each other."""
    free = sorted(os.sched_getaffinity(0))
    firsts = [core for core in free if core == min(_siblings(core) & set(free))]
    order = firsts + [core for core in free if core not in firsts]
    target, upstream = order[0], order[1 % len(order)]
    return Cores(target, upstream, order[2] if len(order) > 2 else upstream)


def cpu_s(session: int) -> float:
    """CPU time so far, user and system, of every process of a session and of its ended children."""
    return sum(sum(map(int, fields[11:15])) for fields in _stats(session)) * _TICK_S


def rss_mb(session: int) -> float:
    """Resident memory of every process of a session, in 10^6 bytes; pages they share are counted for each."""
    return sum(int(fields[21]) for fields in _stats(session)) * _PAGE_MB


def _stats(session: int) -> Iterator[list[str]]:
    """The fields of /proc/PID/stat after the command's name, so that field 3 of proc(5), the state, is number 0."""
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if int(fields[3]) == session:
            yield fields


def _siblings(core: int) -> set[int]:
    """The hardware threads of this core's physical core."""
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text()
    except FileNotFoundError:
        return {core}
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found
