"""The model that every fixture records: a frozen encoder with PEFT LoRA, pooling and a linear classifier.

PyTorch and PEFT are the reference here. Names and orientation in the recorded files are Banyan's:
`<module path>.lora_A` is `[in, rank]`, `<module path>.lora_B` is `[rank, out]`, `classifier.weight` is
`[hidden, labels]`; PyTorch keeps the transpose of each.
"""

from dataclasses import dataclass

import peft
import torch
from torch import nn


@dataclass(frozen=True)
class Recipe:
    """What is trained: the LoRA shape, the pooling in front of the classifier, the number of labels."""

    pooling: str
    targets: tuple[str, ...]
    rank: int
    alpha: float
    labels: int
    seed: int

    @property
    def scaling(self) -> float:
        return self.alpha / self.rank


class LoraClassifier(nn.Module):
    def __init__(self, encoder: nn.Module, recipe: Recipe):
        super().__init__()
        config = peft.LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=0.0,
            bias="none",
            target_modules=list(recipe.targets),
        )
        hidden = encoder.config.hidden_size
        self.encoder = peft.get_peft_model(encoder, config)
        self.classifier = nn.Linear(hidden, recipe.labels)
        self.pooling = recipe.pooling
        self._fill(recipe.seed)
        # Dropout of the base stays off: the graphs that Banyan trains were exported for inference.
        self.eval()

    def _fill(self, seed: int) -> None:
        """Seeded values, B not zero: with PEFT's zero B the gradient of every A would be zero."""
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.trainable().items():
                bound = parameter.shape[-1] ** -0.5
                uniform = torch.rand(parameter.shape, generator=random) * 2 - 1
                parameter.copy_(uniform * (bound if name.endswith("lora_A") else 0.05))

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.classifier(self._pool(self.encoder(**inputs), inputs["attention_mask"]))

    def _pool(self, outputs, mask: torch.Tensor) -> torch.Tensor:
        if self.pooling == "pooler":
            return outputs.pooler_output
        hidden = outputs.last_hidden_state
        if self.pooling == "cls":
            return hidden[:, 0]
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)

    def trainable(self) -> dict[str, nn.Parameter]:
        """Trainable parameters under Banyan's names, in PyTorch's orientation."""
        return {banyan_name(n): p for n, p in self.named_parameters() if p.requires_grad}


def banyan_name(name: str) -> str:
    name = name.removeprefix("encoder.base_model.model.")
    return name.replace(".lora_A.default.weight", ".lora_A").replace(".lora_B.default.weight", ".lora_B")


def banyan_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """A Linear's `[out, in]` weight as ONNX's `[in, out]`; a bias stays as it is."""
    return tensor.detach().t().contiguous() if tensor.dim() == 2 else tensor.detach().clone()
