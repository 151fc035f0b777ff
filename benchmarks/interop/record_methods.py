"""Records one adapter of each of PEFT's methods, and what PEFT computes with it, for tests that run without Python.

    PYTHONHASHSEED=0 python record_methods.py [NAME ..]

Writes `../parity/fixtures/peft-methods/NAME/` for the adapters of methods.py: what `save_pretrained` left there, and
`expected.safetensors` (see ../parity/README.md). The bases are models that are recorded already: the tiny BERT of
`../parity/fixtures/peft/encoder.onnx` and some of `../parity/fixtures/families`. Stops if the recorded file answers
otherwise than PyTorch, if the adapter read again does, or if the adapter changes almost nothing.
"""

import copy
import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import onnxruntime
import peft
import peft.optimizers.lorafa
import torch
import transformers
from peft.optimizers import create_lorafa_optimizer, create_loraplus_optimizer
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

import compare_logits
import tiny_bert
from methods import BERT, METHODS, RESNET, Method

sys.path.append(str(Path(__file__).parent.parent / "parity"))
import families  # noqa: E402
from recording import make_deterministic, relative_error, versions, write  # noqa: E402

PARITY = Path(__file__).parent.parent / "parity" / "fixtures"
FIXTURES = PARITY / "peft-methods"
# Of 12, 3 and 9 tokens.
TEXTS = [tiny_bert.UNSEEN[i] for i in (5, 3, 6)]
LABELS = torch.tensor([0, 2, 1])
STEPS, LEARNING_RATE, RATIO, WEIGHT_DECAY, CLIP = 3, 1e-2, 4.0, 0.01, 1.0
# Below that a gradient is what rounding left of a zero, and AdamW makes a full step of it.
VANISHING = 1e-3
NOTICED = 0.01


class Recording:
    """A base with its batch, and what one adapter does to it."""

    def __init__(self, method: Method, work: Path):
        self.method, self.work = method, work
        if method.base == BERT:
            self.inputs = compare_logits.encode(work, TEXTS)
            self.labels = LABELS
        else:
            batch = families.FAMILIES[method.base].batch(rows=3 if method.base != RESNET else 4, seed=3)
            self.inputs = batch.inputs
            self.labels = LABELS if batch.labels is None else batch.labels

    def base(self) -> nn.Module:
        if self.method.base == BERT:
            return transformers.AutoModelForSequenceClassification.from_pretrained(self.work / "model").eval()
        family = families.FAMILIES[self.method.base]
        model = families.random_model(family)
        return families.batch_norm_fused(model) if self.method.base == RESNET else model

    def check_base(self) -> None:
        """The ONNX file that the tests read computes what PyTorch computes with the base."""
        base, feeds = self.base(), {name: value.numpy() for name, value in self.inputs.items()}
        with torch.no_grad():
            if self.method.base == BERT:
                path, output = PARITY / "peft" / "encoder.onnx", "pooler_output"
                feeds["token_type_ids"] = torch.zeros_like(self.inputs["input_ids"]).numpy()
                expected = base.bert(**self.inputs).pooler_output
            else:
                path, output = PARITY / "families" / f"{self.method.base}.onnx", "logits"
                expected = base(**self.inputs).logits
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (seen,) = session.run([output], feeds)
        expect(f"{path.name} differs from PyTorch", (torch.from_numpy(seen) - expected).abs().max().item(), 1e-4)

    def logits(self, model: nn.Module) -> torch.Tensor:
        return model(**self.inputs).logits

    def loss(self, logits: torch.Tensor) -> torch.Tensor:
        """Of a decoder only what follows a token of the text counts, not what PEFT's prompt predicts."""
        if logits.dim() == 2:
            return functional.cross_entropy(logits, self.labels)
        text = logits[:, self.method.virtual_tokens :]
        return functional.cross_entropy(text.transpose(1, 2), self.labels, ignore_index=families.IGNORED)


def main(names: list[str]) -> None:
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    make_deterministic()
    with tempfile.TemporaryDirectory() as folder:
        tiny_bert.main(Path(folder))
        for name in names or METHODS:
            record(name, Recording(METHODS[name], Path(folder)))


def record(name: str, recording: Recording) -> None:
    recording.check_base()
    out = FIXTURES / name
    shutil.rmtree(out, ignore_errors=True)
    torch.manual_seed(3)
    model = peft.get_peft_model(recording.base(), recording.method.peft_config()).eval()
    if recording.method.base == BERT:
        # PEFT notes the path of the base otherwise, which means nothing on another machine.
        model.peft_config["default"].base_model_name_or_path = "tiny-bert"
    tensors = {f"inputs/{key}": value for key, value in recording.inputs.items()} | {"labels": recording.labels}
    initial = saved(model) if recording.method.converts else {}
    perturb(model)
    save(model, out)
    with torch.no_grad():
        tensors["logits"] = recording.logits(model).clone()
    read_again(recording, out, tensors["logits"])
    if initial:
        tensors |= {f"initial/{key}": value for key, value in initial.items() if "lora_" in key}
        save_converted(model, initial, out / "converted")
        read_again(recording, out / "converted", tensors["logits"], exactly=False)
    about = {"base": recording.method.base, "moved": f"{moved(recording, out, tensors['logits']):.3f}"}
    if hasattr(model, "merge_and_unload"):
        with torch.no_grad():
            tensors["merged_logits"] = recording.logits(copy.deepcopy(model).merge_and_unload())
        error = (tensors["merged_logits"] - tensors["logits"]).abs().max().item()
        about["merge_error"] = f"{expect('PEFT answers otherwise after its own merge', error, 1e-4):.1e}"
    about |= train(model, recording, tensors)
    write(tensors, {**about, "versions": json.dumps(versions())}, out / "expected.safetensors")
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{name}: {size} bytes, {({k: v for k, v in about.items() if k != 'optimizer'})}", flush=True)


def perturb(model: peft.PeftModel) -> None:
    """Away from the start, where most methods change nothing and have no gradients; scales by a factor, the rest by a term."""
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if not parameter.requires_grad:
                continue
            if "prompt_encoder" in name:
                parameter.copy_(noise * 0.4)
            elif "magnitude" in name or "ia3_l" in name:
                parameter.mul_(1 + noise * 0.2)
            else:
                parameter.add_(noise * (0.3 if "vera_lambda_d" in name else 0.15))


def save(model: peft.PeftModel, out: Path) -> None:
    model.save_pretrained(out)
    # The model card says nothing about this adapter; readers must do without it.
    (out / "README.md").unlink()
    (out / "adapter_model.safetensors").chmod(0o644)


def saved(model: peft.PeftModel) -> dict[str, torch.Tensor]:
    return {key: value.detach().clone() for key, value in peft.get_peft_model_state_dict(model).items()}


def save_converted(model: peft.PeftModel, initial: dict[str, torch.Tensor], out: Path) -> None:
    """As `path_initial_model_for_weight_conversion` writes it, and with the head, without which PEFT cannot read the folder."""
    whole = copy.deepcopy(model)
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "start"
        whole.peft_config["default"].init_lora_weights = True
        whole.save_pretrained(start)
        save_file(initial, start / "adapter_model.safetensors", {"format": "pt"})
        whole.save_pretrained(out, path_initial_model_for_weight_conversion=str(start))
    (out / "README.md").unlink()
    head = {key: value for key, value in saved(model).items() if "lora_" not in key}
    tensors = load_file(out / "adapter_model.safetensors") | head
    save_file(tensors, out / "adapter_model.safetensors", {"format": "pt"})
    (out / "adapter_model.safetensors").chmod(0o644)


def read_again(recording: Recording, folder: Path, logits: torch.Tensor, exactly: bool = True) -> None:
    model = compare_logits.read_into(recording.base(), folder)
    with torch.no_grad():
        error = (recording.logits(model) - logits).abs().max().item()
    expect(f"{folder} read again answers otherwise", error, 1e-6 if exactly else 1e-4)


def moved(recording: Recording, folder: Path, logits: torch.Tensor) -> float:
    """How far the logits are from those of the base with the same head."""
    alone = compare_logits.head_only(recording.work, folder) if recording.method.base == BERT else recording.base()
    with torch.no_grad():
        text = logits[:, recording.method.virtual_tokens :] if logits.dim() == 3 else logits
        distance = (recording.logits(alone) - text).abs().max().item()
    if distance < NOTICED:
        raise SystemExit(f"the adapter moves the logits by {distance}; expected at least {NOTICED}")
    return distance


def train(model: peft.PeftModel, recording: Recording, tensors: dict[str, torch.Tensor]) -> dict[str, str]:
    """Adds `loss`, `gradients/*`, `losses` and `trained/*`; says how far all that is from the same in float64."""
    exact = {}
    steps(copy.deepcopy(model).double(), doubled(recording), exact)
    with torch.no_grad():
        tensors["loss"] = recording.loss(tensors["logits"])
    found = {}
    optimizer = steps(model, recording, found)
    errors = {key: relative_error(found[key], exact[key]) for key in found if key.startswith("gradients/")}
    vanishing = [key.removeprefix("gradients/") for key, error in errors.items() if error > VANISHING]
    for key, value in found.items():
        if key.partition("/")[2] not in vanishing:
            tensors[key] = value
    away = {key: (value - exact[key]).abs().max().item() for key, value in found.items() if key in tensors}
    return {
        "gradient_error_against_float64": f"{max(e for e in errors.values() if e <= VANISHING):.1e}",
        "trained_difference_from_float64": f"{max(a for key, a in away.items() if key.startswith('trained/')):.1e}",
        "vanishing": json.dumps(vanishing),
        "optimizer": json.dumps(optimizer),
    }


def doubled(recording: Recording) -> Recording:
    exact = copy.copy(recording)
    exact.inputs = {key: value.double() if value.is_floating_point() else value for key, value in recording.inputs.items()}
    return exact


def steps(model: peft.PeftModel, recording: Recording, found: dict[str, torch.Tensor]) -> dict:
    optimizer, about = make_optimizer(model, recording.method)
    parameters = {saved_as(name): p for name, p in model.named_parameters() if p.requires_grad}
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = recording.loss(recording.logits(model))
        loss.backward()
        if step == 0:
            found |= {f"gradients/{key}": p.grad.clone() for key, p in parameters.items()}
        nn.utils.clip_grad_norm_(parameters.values(), CLIP)
        optimizer.step()
        losses.append(loss.item())
    found["losses"] = torch.tensor(losses)
    found |= {f"trained/{key}": p.detach().clone() for key, p in parameters.items()}
    return about


def make_optimizer(model: peft.PeftModel, method: Method) -> tuple[torch.optim.Optimizer, dict]:
    about = {"name": method.optimizer, "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY, "betas": (0.9, 0.999),
             "epsilon": 1e-8, "clip": CLIP, "steps": STEPS}  # fmt: skip
    trained = [p for p in model.parameters() if p.requires_grad]
    match method.optimizer:
        case "lora_fa":
            # Else PEFT projects the gradients of B in 16 bits, which is 3 digits of what its formula says.
            peft.optimizers.lorafa.is_bf16_available = lambda: False
            optimizer = create_lorafa_optimizer(
                model, r=method.settings["r"], lora_alpha=method.settings["lora_alpha"], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
            )
            return optimizer, about | {"epsilon": 1e-6}
        case "lora_plus":
            optimizer = create_loraplus_optimizer(
                model, torch.optim.AdamW, lr=LEARNING_RATE, loraplus_lr_ratio=RATIO, loraplus_weight_decay=WEIGHT_DECAY
            )
            return optimizer, about | {"ratio": RATIO}
    return torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY), about


def saved_as(name: str) -> str:
    """A parameter's key in the adapter's file."""
    if name.startswith("prompt_encoder."):
        return "prompt_embeddings"
    name = name.replace(".modules_to_save.default", "").replace(".default", "")
    return name.removesuffix(".weight") if "lora_magnitude_vector" in name else name


def expect(what: str, error: float, allowed: float) -> float:
    if error > allowed:
        raise SystemExit(f"{what}: {error} away; expected at most {allowed}")
    return error


if __name__ == "__main__":
    main(sys.argv[1:])
