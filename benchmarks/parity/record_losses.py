"""Records PyTorch's losses and their gradients on small random predictions.

    python record_losses.py

Writes `fixtures/losses.json`: for each case the kind of loss, what it is fed, its value and the gradient of the
prediction, all in float64 of PyTorch.
"""

import json
from pathlib import Path

import torch
from torch.nn import functional

FILE = Path(__file__).parent / "fixtures" / "losses.json"
IGNORED = -100


def tensor(values: torch.Tensor) -> dict:
    return {"shape": list(values.shape), "values": [float(f"{value:.9g}") for value in values.flatten().tolist()]}


def random(generator: torch.Generator, *shape: int) -> torch.Tensor:
    # Rounded to what the file holds, so that both sides compute on the same numbers.
    return torch.round(torch.randn(*shape, generator=generator, dtype=torch.float64), decimals=4)


def case(name: str, kind: str, prediction: torch.Tensor, loss_of, **fed: torch.Tensor) -> dict:
    prediction = prediction.clone().requires_grad_()
    loss = loss_of(prediction)
    loss.backward()
    return {
        "name": name,
        "kind": kind,
        "prediction": tensor(prediction.detach()),
        "fed": {key: tensor(value) for key, value in fed.items()},
        "loss": loss.item(),
        "gradient": tensor(prediction.grad),
    }


def cross_entropy(name: str, scores: torch.Tensor, labels: torch.Tensor, smoothing: float, weights: torch.Tensor) -> dict:
    classes = scores.shape[-1]
    return case(
        name,
        "cross-entropy",
        scores,
        lambda x: functional.cross_entropy(
            x.reshape(-1, classes), labels.reshape(-1), weight=weights, label_smoothing=smoothing, ignore_index=IGNORED
        ),
        labels=labels,
        label_smoothing=torch.tensor(smoothing),
        class_weights=weights,
    )


def contrastive(name: str, parts: int, temperature: float, generator: torch.Generator) -> dict:
    count = 4
    embeddings = torch.round(functional.normalize(random(generator, parts * count, 5)), decimals=6)
    recorded = case(
        name,
        "contrastive",
        embeddings,
        lambda x: functional.cross_entropy(x[:count] @ x[count:].T / temperature, torch.arange(count)),
    )
    return recorded | {"texts": parts, "temperature": temperature}


def main() -> None:
    generator = torch.Generator().manual_seed(7)
    scores = random(generator, 5, 4) * 3
    labels = torch.tensor([2, 0, 3, 3, 1])
    ones, weights = torch.ones(4, dtype=torch.float64), torch.tensor([0.5, 2.0, 1.0, 3.0], dtype=torch.float64)
    tokens = random(generator, 3, 4, 3) * 2
    tags = torch.tensor([[IGNORED, 2, IGNORED, 0], [1, 1, IGNORED, IGNORED], [IGNORED] * 4])
    tag_weights = torch.tensor([0.2, 4.0, 1.5], dtype=torch.float64)
    several = (random(generator, 5, 4) > 0).double()
    numbers, values = random(generator, 6, 1), random(generator, 6) * 2
    pairs = torch.round(functional.normalize(random(generator, 8, 5)), decimals=6)
    cosines = torch.tensor([1.0, 0.25, -0.5, 0.0], dtype=torch.float64)
    cases = [
        cross_entropy("labels", scores, labels, 0.0, ones),
        cross_entropy("labels, smoothed", scores, labels, 0.1, ones),
        cross_entropy("labels, weighted", scores, labels, 0.0, weights),
        cross_entropy("labels, smoothed and weighted", scores, labels, 0.3, weights),
        cross_entropy("tags", tokens, tags, 0.0, ones[:3]),
        cross_entropy("tags, smoothed and weighted", tokens, tags, 0.2, tag_weights),
        case(
            "several labels",
            "binary-cross-entropy",
            scores * 10,  # far from zero too
            lambda x: functional.binary_cross_entropy_with_logits(x, several),
            labels=several,
        ),
        case("numbers", "squared-error", numbers, lambda x: functional.mse_loss(x.reshape(-1), values), labels=values),
        contrastive("pairs", 2, 0.05, generator),
        contrastive("pairs, warmer", 2, 0.5, generator),
        contrastive("triplets", 3, 0.1, generator),
        case(
            "scored pairs",
            "cosine-error",
            pairs,
            lambda x: functional.mse_loss((x[:4] * x[4:]).sum(1), cosines),
            labels=cosines,
        ),
    ]
    FILE.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
