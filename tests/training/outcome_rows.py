"""Invented outcomes: sums that grow longer until the weak model fails, and greetings that it never fails."""

import json
import random
from pathlib import Path

WORDS = (
    "apple",
    "river",
    "stone",
    "garden",
    "window",
    "orbit",
    "matrix",
    "tensor",
    "prove",
    "derive",
    "greet",
    "lemma",
)


def texts(count: int, seed: int = 5) -> list[str]:
    dice = random.Random(seed)
    return [
        " ".join(dice.choices(WORDS, k=dice.randint(1, 60))) + dice.choice(("?", ".", "\n- a\n- b", " $x^2 = 4$", " é"))
        for _ in range(count)
    ]


def rows(count: int, source: str = "sums") -> list[dict[str, object]]:
    """The longer, and the more it speaks of proofs, the likelier the weak model fails; the strong one seldom does."""
    dice = random.Random(count)
    made = []
    for text in texts(count, seed=count):
        difficulty = len(text) / 600 + 0.1 * text.count("prove")
        weak, strong = int(dice.random() > difficulty), int(dice.random() > difficulty / 4)
        made.append({"prompt": text, "source": source, "weak_score": weak, "strong_score": strong})
    return made


def write(folder: Path, made: list[dict[str, object]], name: str = "outcomes.jsonl") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in made))
    return folder
