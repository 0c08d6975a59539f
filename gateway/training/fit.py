"""Fits the complexity model on a folder of outcomes and reports how it does on prompts that it has not seen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gateway.classify.weights import load
from gateway.core.errors import ConfigError
from gateway.training import model
from gateway.training.anchors import anchors
from gateway.training.metrics import Floats
from gateway.training.outcomes import read_requests
from gateway.training.report import Line, line, sorting_table
from gateway.training.sample import Sample, sample_of


def fit(folder: Path, out: Path, left_out: Sequence[str] = ()) -> str:
    """Write a weights file and return the report. Raises `ConfigError` where the outcomes do not do.

    The weights have seen nothing of the sources `left_out`, nor their prompts elsewhere: a later fit on those starts
    from weights that do not know the answers.
    """
    sample = sample_of(read_requests(folder), list(anchors()))
    _check(left_out, sample.sources)
    held_out = model.held_out_levels(sample)
    seen = ~np.isin(sample.group, sample.group[np.isin(sample.source, left_out)])
    exported = model.fit(sample.take(seen), held_out[seen]).export()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(exported)
    lines = [line_of(sample, source, held_out) for source in sample.sources]
    written = f"wrote {out}: {len(exported)} bytes, digest {load(exported).digest[:16]}"
    return f"{sorting_table(lines, 'prompt held out')}\n\n{written}"


def _check(left_out: Sequence[str], sources: Sequence[str]) -> None:
    for name in left_out:
        if name not in sources:
            raise ConfigError(f"there is no source `{name}` to leave out; there are: {', '.join(sources)}")


def line_of(sample: Sample, source: str, held_out: Floats) -> Line:
    """Held out by prompt, and beside it by a model that knows nothing of the source, where there are others."""
    rows = sample.source == source
    own = sample.take(rows)
    foreign = model.foreign_levels(sample, source) if len(sample.sources) > 1 else None
    return line(source, own.weak, own.strong, own.counters[:, 0], held_out[rows], foreign)
