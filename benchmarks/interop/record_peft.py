"""Records adapters that PEFT wrote and the logits that PEFT gives with them, for tests that run without Python.

    PYTHONHASHSEED=0 python record_peft.py

Writes `../parity/fixtures/peft/`: `encoder.onnx` and `tokenizer.json` of the tiny BERT, `texts.json`, the directories
`query_value` and `all_linear` as `save_pretrained` left them, and `expected.safetensors`: `inputs/*` (the texts as
PEFT's side tokenized them) and `logits/query_value`, `logits/all_linear`. PEFT keeps target modules in a set and writes
them in hash order, hence the fixed hash seed.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import torch

import compare_logits
import peft_writes
import tiny_bert

sys.path.append(str(Path(__file__).parent.parent / "parity"))
from recording import make_deterministic, versions, write  # noqa: E402

FIXTURES = Path(__file__).parent.parent / "parity" / "fixtures" / "peft"


def main() -> None:
    make_deterministic()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tiny_bert.main(work)
        shutil.rmtree(FIXTURES, ignore_errors=True)
        FIXTURES.mkdir(parents=True)
        for name in ("encoder.onnx", "tokenizer.json", "texts.json"):
            shutil.copy(work / name, FIXTURES / name)
        inputs = compare_logits.encode(work, list(tiny_bert.UNSEEN))
        tensors = {f"inputs/{name}": value for name, value in inputs.items()}
        for targets in ("query,value", "all-linear"):
            name = targets.replace(",", "_").replace("-", "_")
            peft_writes.main(work, targets, FIXTURES / name)
            # The model card says nothing about this adapter; readers must do without it.
            (FIXTURES / name / "README.md").unlink()
            (FIXTURES / name / "adapter_model.safetensors").chmod(0o644)
            model = compare_logits.load(work, FIXTURES / name, 3)
            with torch.no_grad():
                tensors[f"logits/{name}"] = model(**inputs).logits
        write(tensors, {"pooling": "pooler", "versions": str(versions())}, FIXTURES / "expected.safetensors")


if __name__ == "__main__":
    main()
