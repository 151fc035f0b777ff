"""Causal language modelling of one shape with PEFT; prints {"step_ms": [..], "losses": [..]}.

LoRA on all linear layers of a 32-bit LlamaForCausalLM, the loss that transformers computes, PyTorch's eager mode.
"""

import argparse
import json
import time
from pathlib import Path

import peft
import torch
import transformers

from peft_classifier import Training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(42)

    texts = [json.loads(line)["text"] for line in given.data.read_text().splitlines()]
    tokenizer = transformers.AutoTokenizer.from_pretrained(given.model)
    rows = tokenizer(texts, truncation=True, max_length=given.length)["input_ids"]
    if any(len(row) != given.length for row in rows):
        raise SystemExit(f"{given.data} has texts of fewer than {given.length} tokens")

    model = transformers.LlamaForCausalLM.from_pretrained(given.model, dtype=torch.float32, use_cache=False)
    model = peft.get_peft_model(
        model, peft.LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules="all-linear")
    ).train()
    training = Training(model, 2e-4, given.steps)
    times, losses = [], []
    for step in range(given.steps):
        begin = time.perf_counter()
        ids = torch.tensor([rows[(step * given.rows + i) % len(rows)] for i in range(given.rows)])
        losses.append(training.step(model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss))
        times.append((time.perf_counter() - begin) * 1e3)
    print(json.dumps({"step_ms": times, "losses": losses}))


if __name__ == "__main__":
    main()
