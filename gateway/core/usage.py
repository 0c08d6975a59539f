"""What one answer took, in tokens of every kind, and what that costs."""

import msgspec

from gateway.core.money import NanoUSD, Price, rounded_up


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one answer. `is_estimate` where the backend reported none and we counted pieces.

    `cached_tokens`, `cache_write_tokens`, `audio_tokens` and `image_tokens` are part of `prompt_tokens`;
    `reasoning_tokens` and `spoken_tokens` of `completion_tokens`.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    is_estimate: bool = False
    cache_write_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    reasoning_tokens: int = 0
    spoken_tokens: int = 0

    @property
    def has_details(self) -> bool:
        """Whether some of its tokens may have a price of their own, beside the cached ones."""
        prompt = self.cache_write_tokens or self.audio_tokens or self.image_tokens
        return bool(prompt or self.reasoning_tokens or self.spoken_tokens)

    def cost(self, price: Price) -> NanoUSD:
        """The bill of this answer, rounded up. Parts that do not fit into their whole are cut to it."""
        if not self.has_details:
            return price.cost(self.prompt_tokens, self.completion_tokens, self.cached_tokens)
        if price.long is not None and self.prompt_tokens > price.long_from:
            return self.cost(price.long)
        prompt = (
            (self.cached_tokens, price.cached_input),
            (self.cache_write_tokens, price.cache_write),
            (self.audio_tokens, price.input_audio),
            (self.image_tokens, price.input_image),
        )
        answer = ((self.reasoning_tokens, price.reasoning), (self.spoken_tokens, price.output_audio))
        return rounded_up(
            _parted(self.prompt_tokens, price.input, prompt) + _parted(self.completion_tokens, price.output, answer)
        )


def _parted(whole: int, usual: NanoUSD, parts: tuple[tuple[int, NanoUSD | None], ...]) -> int:
    """Tokens of one side times their prices per million."""
    bill = 0
    for tokens, price in parts:
        part = min(tokens, whole)
        whole -= part
        bill += part * (usual if price is None else price)
    return bill + whole * usual
