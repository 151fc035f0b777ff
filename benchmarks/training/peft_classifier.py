"""The peer: a BERT encoder with PEFT's LoRA, mean pooling and a linear classifier, trained in PyTorch's eager mode.

It computes what Banyan computes: the same LoRA shape, AdamW with decoupled decay, gradients clipped at norm 1, a linear
rate after a warm-up of a tenth, 32-bit floats, no dropout unless it is asked for (its masks would only cost the peer
time, and Banyan has none in the base). Attention is what transformers chooses by itself.
"""

from collections.abc import Mapping
from pathlib import Path

import peft
import torch
import transformers
from torch import nn


class Classifier(nn.Module):
    def __init__(self, folder: Path, targets: str, labels: int, dropout: float = 0.0):
        super().__init__()
        encoder = transformers.BertModel.from_pretrained(
            folder, add_pooling_layer=False, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
        )
        config = peft.LoraConfig(
            r=8, lora_alpha=16, target_modules=targets if targets == "all-linear" else targets.split(",")
        )
        self.encoder = peft.get_peft_model(encoder, config)
        self.classifier = nn.Linear(encoder.config.hidden_size, labels)

    def forward(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        hidden = self.encoder(**inputs).last_hidden_state
        weights = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        return self.classifier((hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


class Training:
    """What a step does around the model."""

    def __init__(self, model: nn.Module, rate: float, steps: int):
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=rate, weight_decay=0.01)
        self.schedule = transformers.get_linear_schedule_with_warmup(self.optimizer, steps // 10, steps)

    def step(self, loss: torch.Tensor) -> float:
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return loss.item()
