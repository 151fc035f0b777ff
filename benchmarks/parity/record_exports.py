"""Exports small random encoders with PyTorch's real exporters and records LoRA gradients on each.

    python record_exports.py [NAME ...]

Writes `fixtures/NAME.onnx` (the encoder as a user would export it) and `fixtures/NAME.safetensors` (see recording.py).
"""

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import transformers

from lora_classifier import LoraClassifier, Recipe
from recording import make_deterministic, record, versions

FIXTURES = Path(__file__).parent / "fixtures"
VOCABULARY, HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS = 100, 32, 2, 4, 64, 64
# Facts about a node worth keeping; the exporter also writes stack traces with paths of the exporting machine.
KEPT_METADATA = {"namespace", "pkg.torch.onnx.class_hierarchy", "pkg.torch.onnx.name_scopes"}

QUERY_VALUE = ("query", "value")
LINEAR = ("query", "key", "value", "dense")


@dataclass(frozen=True)
class Export:
    """One fixture: which encoder, through which exporter, and what is trained on it."""

    encoder: str
    opset: int
    dynamo: bool
    attention: str
    recipe: Recipe


def recipe(pooling: str, targets: tuple[str, ...], seed: int) -> Recipe:
    return Recipe(pooling, targets, rank=4, alpha=8, labels=3, seed=seed)


EXPORTS = {
    "bert_opset14": Export("bert", 14, False, "eager", recipe("mean", QUERY_VALUE, 1)),
    "bert_opset17": Export("bert", 17, False, "sdpa", recipe("pooler", QUERY_VALUE, 2)),
    "bert_dynamo18": Export("bert", 18, True, "sdpa", recipe("pooler", LINEAR, 3)),
    "bert_dynamo20": Export("bert", 20, True, "eager", recipe("mean", QUERY_VALUE, 4)),
    "roberta_opset17": Export("roberta", 17, False, "sdpa", recipe("cls", QUERY_VALUE, 5)),
    "roberta_dynamo20": Export("roberta", 20, True, "sdpa", recipe("cls", QUERY_VALUE, 6)),
    "distilbert_opset14": Export("distilbert", 14, False, "eager", recipe("mean", ("q_lin", "v_lin"), 7)),
    "distilbert_dynamo18": Export(
        "distilbert", 18, True, "sdpa", recipe("mean", ("q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"), 8)
    ),
    "mpnet_opset17": Export("mpnet", 17, False, "eager", recipe("mean", ("q", "v"), 9)),
    "mpnet_dynamo18": Export("mpnet", 18, True, "eager", recipe("mean", ("q", "v"), 10)),
}


def config(name: str) -> transformers.PretrainedConfig:
    sizes = {
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": POSITIONS,
    }
    match name:
        case "bert":
            return transformers.BertConfig(**sizes)
        case "roberta":
            # RoBERTa and MPNet count positions from pad_token_id + 1.
            return transformers.RobertaConfig(**{**sizes, "max_position_embeddings": POSITIONS + 2}, type_vocab_size=1)
        case "mpnet":
            return transformers.MPNetConfig(**{**sizes, "max_position_embeddings": POSITIONS + 2})
        case "distilbert":
            return transformers.DistilBertConfig(
                vocab_size=VOCABULARY,
                dim=HIDDEN,
                n_layers=LAYERS,
                n_heads=HEADS,
                hidden_dim=INTERMEDIATE,
                max_position_embeddings=POSITIONS,
            )
    raise ValueError(name)


def build(export: Export) -> transformers.PreTrainedModel:
    """Every tensor random, biases and norms too: equal tensors would be merged by the exporters."""
    torch.manual_seed(7)
    encoder = transformers.AutoModel.from_config(config(export.encoder), attn_implementation=export.attention)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            norm_scale = "norm" in name.lower() and name.endswith("weight")
            parameter.copy_(torch.randn(parameter.shape) * 0.15 + (1.0 if norm_scale else 0.0))
    return encoder.eval()


def batch_for(encoder: transformers.PreTrainedModel, rows: int, length: int, seed: int) -> dict[str, torch.Tensor]:
    """Random tokens, rows of different lengths, padding in the model's own pad token."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, length + 1, (rows,), generator=random)
    lengths[0] = length
    mask = (torch.arange(length) < lengths[:, None]).long()
    ids = torch.randint(5, VOCABULARY, (rows, length), generator=random)
    ids = torch.where(mask.bool(), ids, torch.tensor(encoder.config.pad_token_id))
    batch = {"input_ids": ids, "attention_mask": mask}
    if encoder.config.model_type == "bert":
        batch["token_type_ids"] = (torch.arange(length) >= length // 2).long().expand(rows, -1).contiguous()
    return batch


def export_model(encoder: transformers.PreTrainedModel, export: Export, path: Path) -> None:
    batch = batch_for(encoder, 3, 7, seed=1)
    outputs = ["last_hidden_state"] + ([] if export.encoder == "distilbert" else ["pooler_output"])
    names = {"input_names": list(batch), "output_names": outputs, "opset_version": export.opset}
    if export.dynamo:
        axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence", max=POSITIONS)}
        shapes = {name: axes for name in batch}
        torch.onnx.export(
            encoder, (), path, kwargs=batch, **names, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False
        )
    else:
        with_positional_inputs(encoder, list(batch))
        axes = {name: {0: "batch", 1: "sequence"} for name in (*batch, "last_hidden_state")}
        torch.onnx.export(encoder, tuple(batch.values()), path, **names, dynamo=False, dynamic_axes=axes)
    model = onnx.load(path)
    for node in model.graph.node:
        node.doc_string = ""
        keep(node.metadata_props)
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        keep(value.metadata_props)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def with_positional_inputs(encoder: transformers.PreTrainedModel, names: list[str]) -> None:
    """The tracing exporter passes inputs by position; forward() has others in between, so the class gets a plain one.

    A wrapper module would do the same but put its own name in front of every node's.
    """
    parent = type(encoder)

    def forward(self, *values):
        return tuple(parent.forward(self, **dict(zip(names, values, strict=True)), return_dict=False))

    encoder.__class__ = type(parent.__name__, (parent,), {"forward": forward})


def keep(metadata) -> None:
    kept = [(entry.key, entry.value) for entry in metadata if entry.key in KEPT_METADATA]
    del metadata[:]
    for key, value in kept:
        metadata.add(key=key, value=value)


def check(encoder: transformers.PreTrainedModel, path: Path) -> float:
    """The exported file against PyTorch on a shape that was not the exported one."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batch = batch_for(encoder, 5, 11, seed=2)
    seen = session.run(["last_hidden_state"], {name: value.numpy() for name, value in batch.items()})[0]
    with torch.no_grad():
        expected = encoder(**batch).last_hidden_state.numpy()
    error = float(np.abs(seen - expected)[batch["attention_mask"].bool().numpy()].max())
    if error > 1e-5:
        raise SystemExit(f"{path.name}: PyTorch differs from ONNX Runtime by {error}; expected at most 1e-5")
    return error


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("names", nargs="*", metavar="NAME")
    warnings.filterwarnings("ignore")
    make_deterministic()
    print(versions())
    for name in arguments.parse_args().names or EXPORTS:
        export = EXPORTS[name]
        path = FIXTURES / f"{name}.onnx"
        export_model(build(export), export, path)
        encoder = build(export)
        print(f"{path.name}: {path.stat().st_size} bytes, against PyTorch {check(encoder, path):.1e}")
        batch = batch_for(encoder, 4, 9, seed=3)
        model = LoraClassifier(encoder, export.recipe)
        exporter = "torch.export" if export.dynamo else "torchscript"
        record(
            model,
            export.recipe,
            batch,
            torch.tensor([0, 2, 1, 2]),
            path.with_suffix(".safetensors"),
            base=path.name,
            exporter=exporter,
            opset=str(export.opset),
            attention=export.attention,
        )


if __name__ == "__main__":
    main()
