"""Records what PEFT's `add_weighted_adapter` makes of several adapters, for tests that run without Python.

    PYTHONHASHSEED=0 python record_combined.py

Writes `../parity/fixtures/peft-combined/`: the adapters `a` to `e` as `save_pretrained` left them and `expected.safetensors`,
whose metadata lists the cases under `cases`: what was asked for, and `r` and `lora_alpha` of the result. Its tensors
are `<case>/<key of the adapter's file>` and, for types that drop at random, the masks that PEFT drew:
`masks/<case>/<number of the adapter>/<key>`, where the key of a mask over a product is that of `lora_A`.

The base is no model that anyone would use, only one layer of each kind that a factor can have another shape for.
"""

import json
import shutil
import sys
from pathlib import Path

import peft
import torch
from torch import nn

sys.path.append(str(Path(__file__).parent.parent / "parity"))
from recording import make_deterministic, versions  # noqa: E402

FIXTURES = Path(__file__).parent.parent / "parity" / "fixtures" / "peft-combined"
EMBEDDINGS_AND_CONVOLUTIONS = ["words", "wide", "narrow"]
ADAPTERS = {
    "a": {"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]},
    "b": {"r": 4, "lora_alpha": 6, "target_modules": ["query", "value"]},
    "c": {"r": 4, "lora_alpha": 4, "target_modules": ["query", "key"]},
    "d": {
        "r": 2,
        "lora_alpha": 8,
        "target_modules": ["query", "value", *EMBEDDINGS_AND_CONVOLUTIONS],
        "rank_pattern": {"layer.1.value": 3},
        "alpha_pattern": {"layer.1.value": 5},
    },
    "e": {"r": 4, "lora_alpha": 4, "use_rslora": True, "target_modules": ["query", *EMBEDDINGS_AND_CONVOLUTIONS]},
}
CASES = {
    "linear": ("linear", {"a": 0.7, "b": 0.3}, {}),
    "linear_negative": ("linear", {"a": 1.0, "b": -0.5, "c": 0.25}, {}),
    "linear_shapes": ("linear", {"a": 0.5, "e": 0.5}, {}),
    "cat": ("cat", {"a": 0.7, "d": -0.3, "c": 0.5}, {}),
    "cat_shapes": ("cat", {"d": 0.4, "a": 0.6, "e": 0.2}, {}),
    "svd": ("svd", {"a": 0.7, "d": 0.3}, {}),
    "svd_rank": ("svd", {"a": 0.6, "b": 0.6, "c": 0.4}, {"svd_rank": 3}),
    "svd_shapes": ("svd", {"d": 1.0, "a": -1.0, "e": 0.5}, {"svd_rank": 4}),
    "ties": ("ties", {"a": 1.0, "b": 0.8, "c": -0.6}, {"density": 0.5}),
    "ties_frequency": ("ties", {"a": 1.0, "b": 0.8, "e": 0.6}, {"density": 0.7, "majority_sign_method": "frequency"}),
    "ties_svd": ("ties_svd", {"a": 1.0, "d": 0.8, "c": 0.6}, {"density": 0.4}),
    "ties_svd_frequency": (
        "ties_svd",
        {"a": 0.5, "b": 0.5, "e": 0.5},
        {"density": 0.6, "majority_sign_method": "frequency", "svd_rank": 5},
    ),
    "magnitude_prune": ("magnitude_prune", {"a": 0.7, "b": 0.3}, {"density": 0.3}),
    "magnitude_prune_svd": ("magnitude_prune_svd", {"a": 0.7, "d": -0.3}, {"density": 0.3}),
    "dare_linear": ("dare_linear", {"a": 0.7, "b": 0.3}, {"density": 0.7}),
    "dare_ties": ("dare_ties", {"a": 0.7, "b": 0.3, "c": 0.4}, {"density": 0.6, "majority_sign_method": "frequency"}),
    "dare_linear_svd": ("dare_linear_svd", {"a": 0.7, "d": 0.3}, {"density": 0.5}),
    "dare_ties_svd": ("dare_ties_svd", {"a": 0.7, "b": -0.3, "e": 0.4}, {"density": 0.8}),
}


class Block(nn.Module):
    """Rectangular, so that a factor that is turned the wrong way round does not fit."""

    def __init__(self):
        super().__init__()
        self.query = nn.Linear(12, 20)
        self.key = nn.Linear(12, 20)
        self.value = nn.Linear(20, 12)


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 12)
        self.layer = nn.ModuleList([Block(), Block()])
        self.wide = nn.Conv2d(4, 6, 3)
        self.narrow = nn.Conv2d(6, 5, 1)


class Masks:
    """Takes down what `torch.bernoulli` draws, in PEFT's order: by layer, of a layer's A first, by adapter."""

    def __init__(self):
        self.drawn: list[torch.Tensor] = []
        self.bernoulli = torch.bernoulli

    def __enter__(self):
        torch.bernoulli = self.draw
        return self

    def __exit__(self, *_):
        torch.bernoulli = self.bernoulli

    def draw(self, chances: torch.Tensor) -> torch.Tensor:
        self.drawn.append(self.bernoulli(chances))
        return self.drawn[-1]

    def by_key(self, keys: list[str], holders: dict[str, list[str]], weights: dict[str, float], whole: bool):
        drawn = iter(self.drawn)
        for layer in keys:
            for factor in (layer,) if whole else (layer, layer.replace("lora_A", "lora_B").replace("ding_A", "ding_B")):
                for number, name in enumerate(weights):
                    if layer in holders[name]:
                        mask = next(drawn)
                        # The weight of an embedding is the product's transpose.
                        yield f"{number}/{factor}", mask.T if whole and "embedding" in factor else mask
        if next(drawn, None) is not None:
            raise SystemExit("PEFT drew more masks than its layers have factors")


def main() -> None:
    make_deterministic()
    shutil.rmtree(FIXTURES, ignore_errors=True)
    model = with_adapters()
    keys = {name: layers(model, name) for name in ADAPTERS}
    tensors, cases = {}, {}
    for case, (kind, weights, settings) in CASES.items():
        with Masks() as masks:
            model.add_weighted_adapter(list(weights), list(weights.values()), case, combination_type=kind, **settings)
        config = model.peft_config[case]
        cases[case] = {"type": kind, "weights": weights, **settings, "r": config.r, "lora_alpha": config.lora_alpha}
        for key, tensor in peft.get_peft_model_state_dict(model, adapter_name=case).items():
            tensors[f"{case}/{key}"] = tensor.detach()
        if masks.drawn:
            drawn = masks.by_key(layers(model, case), keys, weights, kind.endswith("svd"))
            tensors.update({f"masks/{case}/{key}": mask.to(torch.uint8) for key, mask in drawn})
    out = FIXTURES / "expected.safetensors"
    write(tensors, {"cases": json.dumps(cases), "versions": str(versions())}, out)
    print(f"{out}: {out.stat().st_size} bytes, {len(cases)} cases")


def with_adapters() -> peft.PeftModel:
    first, *others = ADAPTERS
    model = peft.get_peft_model(Base(), peft.LoraConfig(**ADAPTERS[first]), adapter_name=first)
    for name in others:
        model.add_adapter(name, peft.LoraConfig(**ADAPTERS[name]))
    torch.manual_seed(23)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape) * 0.4)
    model.save_pretrained(FIXTURES)
    for name in ADAPTERS:
        (FIXTURES / name / "adapter_model.safetensors").chmod(0o644)
    # The model card says nothing about these adapters.
    (FIXTURES / "README.md").unlink(missing_ok=True)
    return model


def layers(model: peft.PeftModel, adapter: str) -> list[str]:
    """Keys of an adapter's A factors, in the order of the model's modules, in which PEFT combines."""
    saved = peft.get_peft_model_state_dict(model, adapter_name=adapter)
    modules = [name for name, _ in model.named_modules()]
    keys = [key for key in saved if "lora_A" in key or "lora_embedding_A" in key]
    return sorted(keys, key=lambda key: modules.index(key.split(".lora_")[0]))


def write(tensors: dict[str, torch.Tensor], metadata: dict[str, str], out: Path) -> None:
    """As `recording.write`, with bytes."""
    header = {"__metadata__": metadata}
    data = bytearray()
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].dtype == torch.uint8):
        raw = tensor.contiguous().numpy().tobytes()
        kind = {torch.float32: "F32", torch.uint8: "U8"}[tensor.dtype]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    out.write_bytes(len(text).to_bytes(8, "little") + text + data)


if __name__ == "__main__":
    main()
