"""Records PyTorch's loss and gradients of every weight of two small models, for tests that run without Python.

    PYTHONHASHSEED=0 python record_full.py

Writes `../parity/fixtures/full/NAME.safetensors` for the tiny BERT of `../parity/fixtures/peft/encoder.onnx` with a head on
its pooler, and for the decoder `../parity/fixtures/families/llama_opset14.onnx`: `inputs/*`, `labels`, `logits`, `loss`,
`gradients/<name>` of each parameter by its own name, `head/*`, and `losses`, before each of three steps of AdamW.
"""

import json
import tempfile
import warnings
from pathlib import Path

import peft
import torch
import transformers

import tiny_bert
from methods import BERT, Method
from record_methods import CLIP, LEARNING_RATE, PARITY, STEPS, Recording, families, make_deterministic, versions, write

MODELS = {"bert": BERT, "llama_opset14": "llama_opset14"}


def main() -> None:
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    make_deterministic()
    (PARITY / "full").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        tiny_bert.main(Path(work))
        for name, base in MODELS.items():
            record(name, Recording(Method(peft.LoraConfig, base=base), Path(work)))


def record(name: str, recording: Recording) -> None:
    recording.check_base()
    model = recording.base()
    if recording.labels.dim() == 2:
        # What follows the last token is in none of the inputs.
        recording.labels[:, -1] = families.IGNORED
    tensors = {f"inputs/{key}": value for key, value in recording.inputs.items()} | {"labels": recording.labels}
    tensors |= {f"head/{k}": v.clone() for k, v in model.state_dict().items() if k.startswith("classifier.")}
    logits = recording.logits(model)
    loss = recording.loss(logits)
    loss.backward()
    tensors |= {"logits": logits.detach().clone(), "loss": loss.detach().clone()}
    tensors |= {f"gradients/{key}": value.grad.clone() for key, value in model.named_parameters()}
    # As is usual, what is added and what scales a normalized value is not decayed; nothing is, here.
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = recording.loss(recording.logits(model))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        losses.append(loss.detach())
    tensors["losses"] = torch.stack(losses)
    write(tensors, {"versions": json.dumps(versions())}, PARITY / "full" / f"{name}.safetensors")
    print(name, len(tensors), [round(value.item(), 4) for value in losses], flush=True)


if __name__ == "__main__":
    main()
