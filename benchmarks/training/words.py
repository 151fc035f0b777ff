"""Made-up texts of a known length, for measurements to which the words do not matter."""

import json
import random
from pathlib import Path

# Each is one token of BERT's vocabulary, so that a text's length is known without a tokenizer.
WORDS = """time year people way day man thing woman life child world school state family student group country problem
hand part place case week company system program question work government number night point home water room mother
area money story fact month lot right study book eye job word business issue side kind head house service friend
father power hour game line end member law car city community name""".split()


def texts(path: Path, count: int, words: int) -> Path:
    """Two classes, `a` and `b`, that differ in the words they prefer."""
    draw = random.Random(7)
    halves = {"a": WORDS[: len(WORDS) * 2 // 3], "b": WORDS[len(WORDS) // 3 :]}
    lines = []
    for i in range(count):
        label = "ab"[i % 2]
        lines.append(json.dumps({"text": " ".join(draw.choices(halves[label], k=words)), "label": label}))
    path.write_text("\n".join(lines) + "\n")
    return path


def uneven(path: Path, count: int, most: int, seed: int) -> Path:
    """The same in texts of 3 to `most` words, other ones for each seed."""
    draw = random.Random(seed)
    halves = {"a": WORDS[: len(WORDS) * 2 // 3], "b": WORDS[len(WORDS) // 3 :]}
    with path.open("w") as lines:
        for i in range(count):
            label = "ab"[i % 2]
            words = draw.choices(halves[label], k=draw.randint(3, most))
            lines.write(json.dumps({"text": " ".join(words), "label": label}) + "\n")
    return path
