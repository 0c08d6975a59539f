"""Stop sequences cut off the output: OpenAI's answers end before the stop text, TGI's with it.

INVARIANT: what comes out does not depend on how the text was cut into pieces. The stop text that is complete first
wins; of two complete at once the longer.
"""

from collections.abc import Sequence


class StopCutter:
    """Text in, text up to the first stop sequence out; holds back only what may still become one."""

    __slots__ = ("_held", "_stops", "is_cut")

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.is_cut = False

    def feed(self, text: str) -> str:
        """What of the text so far can no longer be part of a stop sequence."""
        if not self._stops:
            return text
        if self.is_cut:
            return ""
        text = self._held + text
        ends = [(start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0]
        if ends:
            self.is_cut, self._held = True, ""
            return text[: min(ends)[1]]
        held = self._held_back(text)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """What was held back and has not become a stop sequence."""
        held, self._held = self._held, ""
        return held

    def _held_back(self, text: str) -> int:
        """The length of the longest end of `text` that begins a stop sequence."""
        longest = 0
        for stop in self._stops:
            start = text.find(stop[0], max(0, len(text) - len(stop) + 1))
            while start >= 0 and not stop.startswith(text[start:]):
                start = text.find(stop[0], start + 1)
            if start >= 0:
                longest = max(longest, len(text) - start)
        return longest


def cut(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """A whole text up to its first stop sequence, and whether there was one."""
    cutter = StopCutter(stops)
    kept = cutter.feed(text)
    return kept + cutter.finish(), cutter.is_cut
