"""Runs a LoraClassifier on one batch and writes what it did to a safetensors file."""

import copy
import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from torch.nn import functional

from lora_classifier import LoraClassifier, Recipe, banyan_tensor

STEPS = 10
LEARNING_RATE = 1e-3
BETAS = (0.9, 0.999)
EPSILON = 1e-8
WEIGHT_DECAY = 0.01
CLIP = 1.0
PACKAGES = ("torch", "transformers", "peft", "onnx", "onnxruntime", "onnxscript", "safetensors", "numpy")


def make_deterministic() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}}


def record(model: LoraClassifier, recipe: Recipe, batch: dict, labels: torch.Tensor, out: Path, **about) -> None:
    """Writes `parameters/*`, `gradients/*`, `inputs/*`, `labels`, `logits`, `loss`, `losses` to `out`."""
    exact_loss, exact = _gradients(copy.deepcopy(model).double(), batch, labels)
    loss, gradients = _gradients(model, batch, labels)
    tensors = {f"inputs/{name}": value for name, value in batch.items()}
    tensors["labels"] = labels
    with torch.no_grad():
        tensors["logits"] = model(batch)
    tensors["loss"] = loss
    for name, parameter in model.trainable().items():
        tensors[f"parameters/{name}"] = banyan_tensor(parameter)
    for name, gradient in gradients.items():
        tensors[f"gradients/{name}"] = banyan_tensor(gradient)
    norm = torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients.values()]))
    worst = max(relative_error(gradients[name], exact[name]) for name in gradients)
    tensors["losses"] = _train(model, batch, labels)
    metadata = {
        "pooling": recipe.pooling,
        "targets": ",".join(recipe.targets),
        "rank": str(recipe.rank),
        "alpha": str(recipe.alpha),
        "scaling": str(recipe.scaling),
        "labels": str(recipe.labels),
        "optimizer": json.dumps(
            {
                "name": "AdamW",
                "learning_rate": LEARNING_RATE,
                "betas": BETAS,
                "epsilon": EPSILON,
                "weight_decay": WEIGHT_DECAY,
                "clip": CLIP,
                "steps": STEPS,
            }
        ),
        "gradient_norm": repr(norm.item()),
        "loss_float64": repr(exact_loss.item()),
        "gradient_error_against_float64": f"{worst:.1e}",
        "versions": json.dumps(versions()),
        **about,
    }
    write(tensors, metadata, out)
    losses = " ".join(f"{v:.6f}" for v in tensors["losses"].tolist())
    print(f"{out.name}: {out.stat().st_size} bytes, gradient norm {norm:.4f}, float64 error {worst:.1e}, losses {losses}")


def write(tensors: dict[str, torch.Tensor], metadata: dict[str, str], out: Path) -> None:
    """A safetensors file in the order given; the library's own writer shuffles the metadata from run to run."""
    header = {"__metadata__": metadata}
    data = bytearray()
    for name, tensor in tensors.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    out.write_bytes(len(text).to_bytes(8, "little") + text + data)


def _gradients(model: LoraClassifier, batch: dict, labels: torch.Tensor):
    loss = functional.cross_entropy(model(batch), labels)
    parameters = model.trainable()
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    return loss.detach(), dict(zip(parameters, gradients, strict=True))


def relative_error(seen: torch.Tensor, expected: torch.Tensor) -> float:
    expected = expected.double()
    return (torch.linalg.vector_norm(seen.double() - expected) / torch.linalg.vector_norm(expected)).item()


def _train(model: LoraClassifier, batch: dict, labels: torch.Tensor) -> torch.Tensor:
    """The loss before each of the steps; weight decay on every trainable parameter, all in one group."""
    parameters = list(model.trainable().values())
    optimizer = torch.optim.AdamW(
        parameters, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=WEIGHT_DECAY
    )
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(batch), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)
