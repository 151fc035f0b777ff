"""Records bottleneck adapters, which PEFT does not have, as PyTorch computes them, for tests that run without Python.

    PYTHONHASHSEED=0 python record_bottlenecks.py

Writes `../parity/fixtures/peft-methods/bottleneck_KIND/` as record_methods.py does for PEFT's methods: the adapter in the files
that docs/formats.md describes, and `expected.safetensors`. The networks are written here, from the papers.
"""

import json
import shutil
import tempfile
import warnings
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

import tiny_bert
from methods import BERT, Method
from record_methods import FIXTURES, Recording, make_deterministic, train, versions, write

WIDTH = 4
KINDS = {
    "houlsby": (functional.silu, "silu", 1.0, ("attention.output.dense", "output.dense")),
    "pfeiffer": (functional.relu, "relu", 1.0, ("output.dense",)),
    "parallel": (functional.gelu, "gelu", 4.0, ("output.dense",)),
}


def remember(layer: nn.Module, inputs: tuple) -> None:
    layer.seen = inputs[0]


class Adapted(nn.Module):
    """A layer with a bottleneck behind it, or beside the block that it ends."""

    def __init__(self, dense: nn.Linear, kind: str, opening: nn.Linear):
        super().__init__()
        self.dense = dense
        self.activation, _, self.scaling, _ = KINDS[kind]
        self.adapter_down = nn.Linear(dense.out_features, WIDTH)
        self.adapter_up = nn.Linear(WIDTH, dense.out_features)
        # In a list, so that it is no part of this module.
        self.opening = [opening] if kind == "parallel" else []
        for layer in self.opening:
            layer.register_forward_pre_hook(remember)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        own = self.dense(x)
        read = self.opening[0].seen if self.opening else own
        return own + self.scaling * self.adapter_up(self.activation(self.adapter_down(read)))


class Named(nn.Module):
    """Names of parameters as PEFT writes them."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.base_model = nn.Module()
        self.base_model.model = model

    def forward(self, **inputs: torch.Tensor):
        return self.base_model.model(**inputs)


def main() -> None:
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    make_deterministic()
    with tempfile.TemporaryDirectory() as work:
        tiny_bert.main(Path(work))
        for kind in KINDS:
            record(kind, Recording(Method(peft.LoraConfig), Path(work)))


def record(kind: str, recording: Recording) -> None:
    recording.check_base()
    torch.manual_seed(3)
    model = recording.base()
    with torch.no_grad():
        bare = recording.logits(model).clone()
    targets = []
    for i, layer in enumerate(model.bert.encoder.layer):
        for path in KINDS[kind][3]:
            parent = layer.get_submodule(path.removesuffix(".dense"))
            parent.dense = Adapted(parent.dense, kind, layer.intermediate.dense)
            targets.append(f"bert.encoder.layer.{i}.{path}")
    named = Named(model).eval()
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in named.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            parameter.requires_grad_("adapter_" in name or "classifier" in name)
            if "adapter_" in name:
                parameter.copy_(noise * 0.3)
            elif parameter.requires_grad:
                parameter.add_(noise * 0.15)
    tensors = {f"inputs/{key}": value for key, value in recording.inputs.items()} | {"labels": recording.labels}
    with torch.no_grad():
        tensors["logits"] = recording.logits(named).clone()
    out = FIXTURES / f"bottleneck_{kind}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    weights = {name: p.detach().clone() for name, p in named.named_parameters() if p.requires_grad}
    save_file(weights, out / "adapter_model.safetensors", {"format": "pt"})
    (out / "adapter_model.safetensors").chmod(0o644)
    settings = {"activation": KINDS[kind][1], "bottleneck": str(WIDTH), "kind": kind, "scaling": str(KINDS[kind][2])}
    config = {"peft_type": "BANYAN", "target_modules": targets, "modules_to_save": ["classifier"], "task_type": "SEQ_CLS",
              "base_model_name_or_path": "tiny-bert", "inference_mode": True, "parts": [],
              "methods": [{"name": "bottleneck", "settings": settings}]}  # fmt: skip
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True))
    moved = (tensors["logits"] - bare).abs().max().item()
    about = {"base": BERT, "moved": f"{moved:.3f}"} | train(named, recording, tensors)
    write(tensors, {**about, "versions": json.dumps(versions())}, out / "expected.safetensors")
    print(kind, about, flush=True)


if __name__ == "__main__":
    main()
