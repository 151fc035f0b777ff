"""The whole job with PEFT: learns, judges, saves; prints {"accuracy": .., "step_ms": [..], ..}.

As PEFT's users write it: a DataLoader over shuffled examples, DataCollatorWithPadding, the adapter saved by PEFT.
"""

import argparse
import json
import time
from pathlib import Path

import safetensors.torch
import torch
import transformers
from torch.nn import functional
from torch.utils.data import DataLoader

from peft_classifier import Classifier, Training


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, required=True)
    given = parsed(parser)

    tokenizer = transformers.AutoTokenizer.from_pretrained(given.model)
    collate = transformers.DataCollatorWithPadding(tokenizer)
    train, labels = encoded(given.train, tokenizer, given.max_length)
    test, _ = encoded(given.test, tokenizer, given.max_length)
    batches = DataLoader(train, batch_size=given.batch_size, shuffle=True, collate_fn=collate)

    model = Classifier(given.model, given.targets, len(labels)).train()
    training = Training(model, given.learning_rate, given.epochs * len(batches))
    times, lengths = [], []
    for _ in range(given.epochs):
        for batch in batches:
            begin = time.perf_counter()
            expected = batch.pop("labels")
            training.step(functional.cross_entropy(model(batch), expected))
            times.append((time.perf_counter() - begin) * 1e3)
            lengths.append(batch["input_ids"].numel())

    accuracy = judge(model, DataLoader(test, batch_size=given.batch_size, collate_fn=collate))
    model.encoder.save_pretrained(given.out)
    safetensors.torch.save_model(model.classifier, str(given.out / "classifier.safetensors"))
    print(json.dumps({"accuracy": accuracy, "step_ms": times, "padded_tokens": sum(lengths)}))


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    for name in ("--model", "--train", "--test"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--targets", required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    for name in ("--epochs", "--batch-size", "--max-length", "--seed", "--threads"):
        parser.add_argument(name, type=int, required=True)
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was given; torch has its seed and its threads from it."""
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    return given


def encoded(file: Path, tokenizer, max_length: int) -> tuple[list[dict], list[str]]:
    examples = [json.loads(line) for line in file.read_text().splitlines()]
    labels = sorted({example["label"] for example in examples})
    rows = tokenizer([example["text"] for example in examples], truncation=True, max_length=max_length)
    return [
        {**{name: column[i] for name, column in rows.items()}, "labels": labels.index(example["label"])}
        for i, example in enumerate(examples)
    ], labels


def judge(model: Classifier, batches: DataLoader) -> float:
    model.eval()
    right = count = 0
    with torch.inference_mode():
        for batch in batches:
            expected = batch.pop("labels")
            right += int((model(batch).argmax(-1) == expected).sum())
            count += len(expected)
    return right / count


if __name__ == "__main__":
    main()
