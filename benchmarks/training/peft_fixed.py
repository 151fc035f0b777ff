"""Steps of one shape with PEFT; prints {"step_ms": [..], "losses": [..]}."""

import argparse
import json
import time
from pathlib import Path

import torch
import transformers
from torch.nn import functional

from peft_classifier import Classifier, Training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--targets", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--dropout", type=float, default=0.0)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(42)

    examples = [json.loads(line) for line in given.data.read_text().splitlines()]
    tokenizer = transformers.AutoTokenizer.from_pretrained(given.model)
    rows = tokenizer([example["text"] for example in examples])["input_ids"]
    if any(len(row) != given.length for row in rows):
        raise SystemExit(f"{given.data} has texts of other lengths than {given.length} tokens")
    labels = [int(example["label"] == "b") for example in examples]

    model = Classifier(given.model, given.targets, 2, given.dropout).train()
    training = Training(model, 2e-4, given.steps)
    times, losses = [], []
    for step in range(given.steps):
        begin = time.perf_counter()
        picked = [(step * given.rows + i) % len(rows) for i in range(given.rows)]
        ids = torch.tensor([rows[i] for i in picked])
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
        expected = torch.tensor([labels[i] for i in picked])
        losses.append(training.step(functional.cross_entropy(model(inputs), expected)))
        times.append((time.perf_counter() - begin) * 1e3)
    print(json.dumps({"step_ms": times, "losses": losses}))


if __name__ == "__main__":
    main()
