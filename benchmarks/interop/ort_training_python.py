"""Trains Banyan's bundle with ONNX Runtime's own Python training API and compares with `banyan train`.

    python ort_training_python.py BUNDLE DATA.jsonl REPORT.json ADAPTER_DIR LEARNING_RATE RESULTS.jsonl

The four artifacts are loaded as they lie in the bundle. DATA has two labels and is one batch, so the order of rows does
not matter; REPORT is what `banyan train --json` printed with a constant learning rate, rank 8 and seed 42, which is
also how the bundle's checkpoint was filled. Compared are the losses step by step and the trained parameters.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers
from onnxruntime.training.api import CheckpointState, Module, Optimizer
from safetensors.numpy import load_file

LOSS_TOLERANCE = 1e-5
PARAMETER_TOLERANCE = 1e-4


def main(bundle: Path, data: Path, report: Path, adapter: Path, rate: float, results: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    expected = json.loads(report.read_text())["losses"]
    state = CheckpointState.load_checkpoint(str(bundle / "checkpoint"))
    module = Module(str(bundle / "training_model.onnx"), state, str(bundle / "eval_model.onnx"))
    optimizer = Optimizer(str(bundle / "optimizer_model.onnx"), module)
    optimizer.set_learning_rate(rate)
    feeds = batch(bundle, data, manifest)
    inputs = [feeds[name] for name in module.input_names()]
    losses = []
    for _ in expected:
        module.train()
        losses.append(float(module(*inputs)[0]))
        optimizer.step()
        module.lazy_reset_grad()
    error = max(abs(seen - wanted) / abs(wanted) for seen, wanted in zip(losses, expected, strict=True))
    fell = losses[0] - losses[-1]
    rows = [
        row(f"losses of {len(losses)} steps, relative", error, LOSS_TOLERANCE, f"{losses[0]:.4f} -> {losses[-1]:.4f}"),
        row("trained parameters, relative", parameter_error(manifest, state, adapter), PARAMETER_TOLERANCE, ""),
    ]
    with results.open("a") as out:
        for entry in rows:
            out.write(json.dumps(entry) + "\n")
            print(json.dumps(entry))
    if fell <= 0.01:
        raise SystemExit(f"the loss fell by {fell} only: nothing was compared")
    sys.exit(0 if all(entry["passed"] for entry in rows) else 1)


def row(compared: str, error: float, tolerance: float, note: str) -> dict:
    title = f"onnxruntime-training-cpu {onnxruntime.__version__} trains our bundle"
    return {"check": title, "compared": compared, "largest_difference": error, "tolerance": tolerance,
            "passed": error <= tolerance, "note": note}


def batch(bundle: Path, data: Path, manifest: dict) -> dict[str, np.ndarray]:
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    names = list(dict.fromkeys(row["label"] for row in rows))
    tokenizer = tokenizers.Tokenizer.from_file(str(bundle / "tokenizer.json"))
    tokenizer.enable_truncation(manifest["text"]["max_length"])
    tokenizer.enable_padding()
    encodings = tokenizer.encode_batch([row["text"] for row in rows])
    scaling = 16 / 8  # alpha / rank
    return {
        "input_ids": np.array([e.ids for e in encodings], np.int64),
        "attention_mask": np.array([e.attention_mask for e in encodings], np.int64),
        "token_type_ids": np.array([e.type_ids for e in encodings], np.int64),
        "labels": np.array([names.index(row["label"]) for row in rows], np.int64),
        "label_smoothing": np.array(0, np.float32),
        "class_weights": np.ones(len(names), np.float32),
        "lora_scaling": np.full(len(manifest["adapter"]["sites"]), scaling, np.float32),
    }


def parameter_error(manifest: dict, state: CheckpointState, adapter: Path) -> float:
    """Over all parameters as one vector: where a gradient is nearly zero, AdamW turns rounding into whole steps."""
    stored = load_file(adapter / "adapter_model.safetensors")
    difference = total = 0.0
    for spec in manifest["parameters"]:
        (name,) = [key for key in stored if key.endswith("." + spec["peft_key"])]
        ours = stored[name].T if spec["transposed"] else stored[name]
        difference += float(np.square(state.parameters[spec["name"]].data - ours, dtype=np.float64).sum())
        total += float(np.square(ours, dtype=np.float64).sum())
    return (difference / total) ** 0.5


if __name__ == "__main__":
    main(*(Path(a) for a in sys.argv[1:5]), float(sys.argv[5]), Path(sys.argv[6]))
