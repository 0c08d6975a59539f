"""The reliability plot: how often the weak model failed, beside how likely that was said to be."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gateway.training.metrics import Floats
from gateway.training.quality import BINS


def reliability_plot(likely: Floats, failing: Floats, out: Path) -> None:
    """Write a PNG: ten bins with equally many prompts, each with the 95 % interval of its mean."""
    bins = np.array_split(np.argsort(likely, kind="stable"), BINS)
    said = [float(likely[each].mean()) for each in bins]
    came = [float(failing[each].mean()) for each in bins]
    spread = [1.96 * float(failing[each].std() / np.sqrt(len(each))) for each in bins]
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="perfectly calibrated")
    axes.errorbar(said, came, yerr=spread, marker="o", capsize=3, label="prompts held out, 95 % intervals")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability that the weak model fails, as said")
    axes.set(ylabel="share of prompts on which it failed", title=f"Reliability on {len(likely)} prompts")
    axes.legend(loc="upper left")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, format="png", dpi=120)
