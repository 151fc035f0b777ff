"""A multi-class data set: short questions by topic, from PyPI's chatterbot-corpus.

The first line of every English conversation, labelled with the file it is in; topics of fewer than 19 are left out and
of more than 150 the first 150 are taken. A third is to be judged by. Nothing of it belongs to the project.
"""

import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from measure import Settings, note
from spam_assassin import Mails, write

PACKAGE = "chatterbot-corpus==1.3.3"
FEWEST, MOST = 19, 150
SEED = 2017


def topics(settings: Settings) -> Mails:
    """Fetches and converts the corpus where that was not done yet."""
    folder = settings.folder("data")
    found = Mails(folder / "topics-train.jsonl", folder / "topics-test.jsonl")
    if not (found.train.exists() and found.test.exists()):
        examples = read(wheel(folder))
        random.Random(SEED).shuffle(examples)
        third = len(examples) // 3
        write(found.test, examples[:third])
        write(found.train, examples[third:])
        known = {example["label"] for example in examples[third:]}
        missing = {example["label"] for example in examples[:third]} - known
        if missing:
            raise SystemExit(f"no example to learn {missing} from")
    return found


def wheel(folder: Path) -> Path:
    if not (wheels := list(folder.glob("chatterbot_corpus-*.whl"))):
        note(f"Fetching {PACKAGE}")
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PACKAGE], check=True)
        wheels = list(folder.glob("chatterbot_corpus-*.whl"))
    return wheels[0]


def read(file: Path) -> list[dict[str, str]]:
    """Every question once: the same text again would be both learned and asked."""
    examples: dict[str, str] = {}
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            found = re.fullmatch(r"chatterbot_corpus/data/english/(\w+)\.yml", name)
            if found:
                lines = re.findall(r"^\s*- - (.+)$", archive.read(name).decode("utf-8"), re.MULTILINE)
                texts = [text for text in dict.fromkeys(line.strip().strip("\"'") for line in lines) if text not in examples]
                if len(texts) >= FEWEST:
                    examples.update(dict.fromkeys(texts[:MOST], found[1]))
    return [{"text": text, "label": label} for text, label in examples.items()]
