"""Records adapters of PEFT that hold weights of the base too: `bias` other than none, and `modules_to_save`.

    PYTHONHASHSEED=0 python record_peft_saved.py

Adds to `../parity/fixtures/peft/`, whose `encoder.onnx` and `tokenizer.json` stay as they are: the directories
`bias_lora_only`, `bias_all` and `modules_to_save` as `save_pretrained` left them, and `saved.safetensors`: `inputs/*`,
`labels`, and for each directory `logits/<directory>` and `gradients/<directory>/<key of the adapter's file>`, the
gradients of the cross entropy, as PEFT computes them.
"""

import sys
import tempfile
from pathlib import Path

import onnxruntime
import peft
import torch
from torch.nn import functional

import compare_logits
import peft_writes
import tiny_bert

sys.path.append(str(Path(__file__).parent.parent / "parity"))
from recording import make_deterministic, versions, write  # noqa: E402

FIXTURES = Path(__file__).parent.parent / "parity" / "fixtures" / "peft"
SETTINGS = {
    "bias_lora_only": {"bias": "lora_only"},
    "bias_all": {"bias": "all"},
    "modules_to_save": {"modules_to_save": ["pooler.dense", "1.attention.output.dense", "embeddings.LayerNorm"]},
}


def main() -> None:
    make_deterministic()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tiny_bert.main(work)
        inputs = compare_logits.encode(work, list(tiny_bert.UNSEEN))
        labels = torch.arange(len(tiny_bert.UNSEEN)) % 3
        tensors = {**{f"inputs/{name}": value for name, value in inputs.items()}, "labels": labels}
        for name, settings in SETTINGS.items():
            out = FIXTURES / name
            peft_writes.main(work, "query,value", out, **settings)
            (out / "README.md").unlink()
            (out / "adapter_model.safetensors").chmod(0o644)
            model = compare_logits.load(work, out, 3)
            tensors[f"logits/{name}"] = logits(model, inputs, work)
            for key, gradient in gradients(model, inputs, labels).items():
                tensors[f"gradients/{name}/{key}"] = gradient
        write(tensors, {"pooling": "pooler", "versions": str(versions())}, FIXTURES / "saved.safetensors")


def logits(model: peft.PeftModel, inputs: dict[str, torch.Tensor], work: Path) -> torch.Tensor:
    """Stops if the recorded encoder is another than PEFT's base."""
    session = onnxruntime.InferenceSession(FIXTURES / "encoder.onnx", providers=["CPUExecutionProvider"])
    feeds = {name: value.numpy() for name, value in inputs.items()}
    feeds["token_type_ids"] = torch.zeros_like(inputs["input_ids"]).numpy()
    (seen,) = session.run(["pooler_output"], feeds)
    with torch.no_grad():
        # PEFT trains a bias of the base in place; the base is read again for this comparison.
        base = compare_logits.transformers.AutoModelForSequenceClassification.from_pretrained(work / "model")
        error = (base.eval().bert(**inputs).pooler_output - torch.from_numpy(seen)).abs().max().item()
        if error > 1e-5:
            raise SystemExit(f"the recorded encoder is {error} away from the base; expected at most 1e-5")
        return model(**inputs).logits


def gradients(model: peft.PeftModel, inputs: dict[str, torch.Tensor], labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """By the keys of the adapter's file; the parameters that PEFT would train are those that it has saved."""
    names = dict(model.named_parameters())
    keys = {saved_as(name): name for name in names if ".original_module." not in name}
    wanted = [key for key in peft.get_peft_model_state_dict(model) if key in keys]
    chosen = [names[keys[key]] for key in wanted]
    for parameter in chosen:
        parameter.requires_grad_(True)
    loss = functional.cross_entropy(model(**inputs).logits, labels)
    found = torch.autograd.grad(loss, chosen)
    return dict(zip(wanted, found, strict=True))


def saved_as(name: str) -> str:
    return name.replace(".default", "").replace(".modules_to_save.", ".")


if __name__ == "__main__":
    main()
