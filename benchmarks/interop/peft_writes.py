"""Trains an adapter for the tiny BERT with PyTorch + PEFT and saves it the way PEFT does.

    python peft_writes.py WORK TARGETS OUT      LoRA; TARGETS: query,value or all-linear
    python peft_writes.py WORK METHOD OUT       one of the adapters of methods.py
"""

import json
import sys
from pathlib import Path

import peft
import tokenizers
import torch
import transformers

from methods import METHODS

STEPS = 20


def main(work: Path, targets: str, out: Path, **settings) -> None:
    config = peft.LoraConfig(
        task_type="SEQ_CLS",
        r=4,
        lora_alpha=8,
        target_modules=targets if targets == "all-linear" else targets.split(","),
        **settings,
    )
    train(work, config, out)


def train(work: Path, config: peft.PeftConfig, out: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)
    base = transformers.AutoModelForSequenceClassification.from_pretrained(work / "model")
    model = peft.get_peft_model(base, config).eval()
    rows = [json.loads(line) for line in (work / "three.jsonl").read_text().splitlines()]
    names = sorted({row["label"] for row in rows})
    tokenizer = tokenizers.Tokenizer.from_file(str(work / "tokenizer.json"))
    tokenizer.enable_padding()
    encodings = tokenizer.encode_batch([row["text"] for row in rows])
    batch = {
        "input_ids": torch.tensor([e.ids for e in encodings]),
        "attention_mask": torch.tensor([e.attention_mask for e in encodings]),
        "labels": torch.tensor([names.index(row["label"]) for row in rows]),
    }
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # PEFT notes the path of the base otherwise, which means nothing on another machine.
    model.peft_config["default"].base_model_name_or_path = "tiny-bert"
    model.save_pretrained(out)
    print(f"{out}: loss {losses[0]:.4f} -> {losses[-1]:.4f}, files {sorted(p.name for p in out.iterdir())}")


if __name__ == "__main__":
    if sys.argv[2] in METHODS:
        train(Path(sys.argv[1]), METHODS[sys.argv[2]].peft_config(), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
