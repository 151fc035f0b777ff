"""Asks a running Banyan and PEFT for the same texts with the same adapter, and compares the logits.

    python compare_logits.py WORK ADAPTER_DIR URL MODEL RESULT_NAME RESULTS.jsonl

PEFT loads ADAPTER_DIR, Banyan is asked to load it from its adapters folder as MODEL (`tenant/name`). The HTTP answer
holds probabilities; their logarithms are the logits less one constant a row, so both sides are compared as
log-softmax. The base with the adapter's head alone must answer far outside the tolerance, or the check would be empty.
"""

import json
import sys
import urllib.request
import warnings
from pathlib import Path

import peft
import tokenizers
import torch
import transformers
from safetensors import safe_open

TOLERANCE = 1e-4


def main(work: Path, adapter: Path, url: str, name: str, title: str, results: Path) -> None:
    torch.set_num_threads(1)
    texts = json.loads((work / "texts.json").read_text())
    labels = label_names(adapter)
    model = load(work, adapter, len(labels))
    batch = encode(work, texts)
    with torch.no_grad():
        expected = torch.log_softmax(model(**batch).logits, -1)
        alone = torch.log_softmax(head_only(work, adapter)(**batch).logits, -1)
    seen = served(url, name, texts, labels)
    error = (seen - expected).abs().max().item()
    moved = (alone - expected).abs().max().item()
    passed = error <= TOLERANCE and moved >= 100 * TOLERANCE
    row = {"check": title, "compared": f"{len(texts)} texts x {len(labels)} labels, log-softmax",
           "largest_difference": error, "tolerance": TOLERANCE, "passed": passed,
           "note": f"without the adapter: {moved:.2f} away"}
    with results.open("a") as out:
        out.write(json.dumps(row) + "\n")
    print(json.dumps(row))
    sys.exit(0 if passed else 1)


def label_names(adapter: Path) -> list[str]:
    """Banyan keeps the label names in the header; PEFT keeps none, and Banyan then counts LABEL_0, LABEL_1, .."""
    with safe_open(adapter / "adapter_model.safetensors", "pt") as weights:
        named = (weights.metadata() or {}).get("banyan.labels")
        if named:
            return json.loads(named)
    return [f"LABEL_{i}" for i in range(len(head(adapter)["bias"]))]


def head(adapter: Path) -> dict[str, torch.Tensor]:
    """The classifier of an adapter's file, whose keys start otherwise for prompts and prefixes."""
    with safe_open(adapter / "adapter_model.safetensors", "pt") as weights:
        # With bias=all PEFT also saves the bias of the base's own head, under one name more.
        keys = [key for key in weights.keys() if key.endswith((".classifier.weight", ".classifier.bias"))]
        return {key.rpartition(".")[2]: weights.get_tensor(key) for key in keys}


def base(work: Path, labels: int) -> transformers.PreTrainedModel:
    # The classifier comes with the adapter; the base's own may have another number of labels.
    return transformers.AutoModelForSequenceClassification.from_pretrained(
        work / "model", num_labels=labels, ignore_mismatched_sizes=True
    ).eval()


def head_only(work: Path, adapter: Path) -> transformers.PreTrainedModel:
    classifier = head(adapter)
    model = base(work, len(classifier["bias"]))
    model.classifier.load_state_dict(classifier)
    return model


def load(work: Path, adapter: Path, labels: int) -> peft.PeftModel:
    return read_into(base(work, labels), adapter)


def is_copy(name: str) -> bool:
    return ".original_module." in name or ".modules_to_save." in name


def read_into(model: torch.nn.Module, adapter: Path) -> peft.PeftModel:
    """Stops if PEFT leaves out anything of the file or holds other values."""
    with warnings.catch_warnings():
        # PEFT only warns about keys that are missing from the file.
        warnings.filterwarnings("error", message=".*adapter keys.*")
        model = peft.PeftModel.from_pretrained(model, adapter)
    with safe_open(adapter / "adapter_model.safetensors", "pt") as weights:
        stored = {name: weights.get_tensor(name) for name in weights.keys()}
    # With all biases PEFT writes those of its wrappers too: copies, which nobody needs.
    loaded = {name: tensor for name, tensor in peft.get_peft_model_state_dict(model).items() if not is_copy(name)}
    stored = {name: tensor for name, tensor in stored.items() if not is_copy(name)}
    if stored.keys() != loaded.keys():
        raise SystemExit(f"PEFT did not take these keys of {adapter}: {sorted(stored.keys() ^ loaded.keys())}")
    for name, tensor in stored.items():
        if not torch.equal(tensor, loaded[name]):
            raise SystemExit(f"PEFT holds other values than {adapter} for {name}")
    return model.eval()


def encode(work: Path, texts: list[str]) -> dict[str, torch.Tensor]:
    tokenizer = tokenizers.Tokenizer.from_file(str(work / "tokenizer.json"))
    tokenizer.enable_padding()
    encodings = tokenizer.encode_batch(texts)
    return {
        "input_ids": torch.tensor([e.ids for e in encodings]),
        "attention_mask": torch.tensor([e.attention_mask for e in encodings]),
    }


def served(url: str, name: str, texts: list[str], labels: list[str]) -> torch.Tensor:
    post(f"{url}/v1/adapters", {"model": name})
    answer = post(f"{url}/v1/classify", {"model": name, "input": texts})
    rows = []
    for entry in sorted(answer["data"], key=lambda entry: entry["index"]):
        scores = {score["label"]: score["score"] for score in entry["scores"]}
        rows.append([scores[label] for label in labels])
    return torch.tensor(rows, dtype=torch.float64).log()


def post(url: str, body: dict) -> dict:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read().decode()}") from error


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5], Path(sys.argv[6]))
