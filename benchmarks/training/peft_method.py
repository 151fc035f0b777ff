"""One method with PEFT, or with PyTorch alone where PEFT has no such method: learns, judges, saves.

Prints {"accuracy": .., "trainable": .., "step_ms": [..]}. Model, optimizer, schedule and data are those of peft_job.py.
"""

import argparse
import json
import time

import peft
import peft.optimizers
import torch
import transformers
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.utils.data import DataLoader

from peft_classifier import Training
from peft_job import arguments, encoded, judge, parsed

TOKENS = 20


def config(method: str, targets: list[str], rank: int) -> peft.PeftConfig | None:
    """PEFT's configuration with the settings that `banyan compare` uses; None for what PEFT does not have."""
    low = {"r": rank, "lora_alpha": 2 * rank, "target_modules": targets}
    lycoris = {"r": rank, "alpha": 2 * rank, "target_modules": targets}
    task = {"task_type": "FEATURE_EXTRACTION"}
    match method:
        case "lora" | "lora-fa":
            return peft.LoraConfig(**low)
        case "dora":
            return peft.LoraConfig(**low, use_dora=True)
        case "pissa" | "olora":
            return peft.LoraConfig(**low, init_lora_weights=method)
        case "vera":
            return peft.VeraConfig(r=256, target_modules=targets)
        case "loha":
            return peft.LoHaConfig(**lycoris)
        case "lokr":
            return peft.LoKrConfig(**lycoris)
        case "miss":
            return peft.MissConfig(r=rank, target_modules=targets)
        case "ia3":
            return peft.IA3Config(target_modules=targets, feedforward_modules=[])
        case "norms":
            return peft.LNTuningConfig(target_modules=["LayerNorm"])
        case "prompt":
            return peft.PromptTuningConfig(num_virtual_tokens=TOKENS, **task)
        case "prefix":
            return peft.PrefixTuningConfig(num_virtual_tokens=TOKENS, **task)
        case "full" | "bitfit" | "head" | "sparse":
            return None
    raise SystemExit(f"no such method: {method}")


class Sparse(nn.Module):
    """A weight of which the share of largest magnitude is changed, the change lying beside it."""

    def __init__(self, weight: torch.Tensor, share: float = 0.005):
        super().__init__()
        largest = weight.detach().abs().flatten().argsort(descending=True, stable=True)
        mask = torch.zeros(weight.numel()).index_fill_(0, largest[: max(1, round(share * weight.numel()))], 1)
        self.register_buffer("mask", mask.view_as(weight))
        self.delta = nn.Parameter(torch.zeros_like(weight))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + self.delta * self.mask


class Adapted(nn.Module):
    """A BERT encoder with one method, mean pooling and a linear classifier."""

    def __init__(self, given: argparse.Namespace, labels: int):
        super().__init__()
        encoder = transformers.BertModel.from_pretrained(
            given.model, add_pooling_layer=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        )
        made = config(given.method, given.targets.split(","), given.rank)
        self.prompt = given.method == "prompt"
        if made is None:
            self.encoder = encoder
            for name, parameter in encoder.named_parameters():
                parameter.requires_grad = given.method == "full" or (given.method == "bitfit" and name.endswith("bias"))
            if given.method == "sparse":
                ends = tuple(given.targets.split(","))
                for layer in [layer for name, layer in encoder.named_modules() if name.endswith(ends)]:
                    parametrize.register_parametrization(layer, "weight", Sparse(layer.weight))
        else:
            self.encoder = peft.get_peft_model(encoder, made)
        self.classifier = nn.Linear(encoder.config.hidden_size, labels)

    def forward(self, inputs):
        hidden = self.encoder(**inputs).last_hidden_state
        mask = inputs["attention_mask"]
        if self.prompt:
            mask = torch.cat([torch.ones(len(mask), hidden.shape[1] - mask.shape[1], dtype=mask.dtype), mask], dim=1)
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return self.classifier((hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


class Projected(Training):
    """LoRA-FA with PEFT's own optimizer."""

    def __init__(self, model: Adapted, rate: float, steps: int, rank: int):
        super().__init__(model, rate, steps)
        # It asks for these of a whole PEFT model; here the head stands beside one.
        model.active_adapters = model.encoder.active_adapters
        model.peft_config = model.encoder.peft_config
        self.optimizer = peft.optimizers.create_lorafa_optimizer(
            model=model, r=rank, lora_alpha=2 * rank, lr=rate, weight_decay=0.01
        )
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.schedule = transformers.get_linear_schedule_with_warmup(self.optimizer, steps // 10, steps)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--method", required=True)
    parser.add_argument("--rank", type=int, default=8)
    given = parsed(parser)

    tokenizer = transformers.AutoTokenizer.from_pretrained(given.model)
    collate = transformers.DataCollatorWithPadding(tokenizer)
    train, labels = encoded(given.train, tokenizer, given.max_length)
    test, _ = encoded(given.test, tokenizer, given.max_length)
    batches = DataLoader(train, batch_size=given.batch_size, shuffle=True, collate_fn=collate)
    model = Adapted(given, len(labels)).train()
    steps = given.epochs * len(batches)
    if given.method == "lora-fa":
        training = Projected(model, given.learning_rate, steps, given.rank)
    else:
        training = Training(model, given.learning_rate, steps)
    times = []
    for _ in range(given.epochs):
        for batch in batches:
            begin = time.perf_counter()
            expected = batch.pop("labels")
            training.step(functional.cross_entropy(model(batch), expected))
            times.append((time.perf_counter() - begin) * 1e3)
    accuracy = judge(model, DataLoader(test, batch_size=given.batch_size, collate_fn=collate))
    trainable = sum(parameter.numel() for parameter in training.parameters)
    for part in model.modules():
        if isinstance(part, Sparse):
            trainable -= part.mask.numel() - int(part.mask.sum())
    print(json.dumps({"accuracy": accuracy, "trainable": trainable, "step_ms": times}))


if __name__ == "__main__":
    main()
