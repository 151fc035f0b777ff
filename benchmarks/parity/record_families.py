"""Exports a small random model of each family with PyTorch's real exporters and records a loss and the gradients of its weights.

    python record_families.py [NAME ...]

Writes `fixtures/families/NAME.onnx` (the model as a user would export it) and `fixtures/families/NAME.safetensors`:
the inputs, the loss, and PyTorch's gradient of every weight that the exporter left in the file (see README.md).
For some text encoders also `NAME_lora.safetensors`: what record_exports.py records.
"""

import argparse
import copy
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch.nn import functional

from families import FAMILIES, IGNORED, LORA, Batch, Family, Wrapped, batch_norm_fused, build, random_model
from lora_classifier import LoraClassifier
from record_exports import keep
from recording import make_deterministic, record, relative_error, versions, write

FOLDER = Path(__file__).parent / "fixtures" / "families"
# A gradient that is zero but for rounding (the bias of a key before a softmax) has no relative error to speak of.
REPRODUCIBLE = 1e-5


def export_model(model: Wrapped, family: Family, path: Path) -> None:
    batch = family.batch(rows=3, seed=1)
    names = {"input_names": list(batch.inputs), "output_names": [family.output], "opset_version": family.opset}
    if family.dynamo:
        shapes = {name: {axis: torch.export.Dim(label) for axis, label in axes.items()} for name, axes in family.axes.items()}
        torch.onnx.export(
            model, tuple(batch.inputs.values()), path, **names, dynamo=True, dynamic_shapes=(tuple(shapes.values()),),
            external_data=False, verbose=False,
        )  # fmt: skip
    else:
        axes = {**family.axes, family.output: {0: "batch"}}
        # PRESERVE leaves BatchNormalization (with frozen statistics) in the file, where EVAL would fold it into the Conv.
        mode = torch.onnx.TrainingMode.PRESERVE if family.keeps_batch_norm else torch.onnx.TrainingMode.EVAL
        torch.onnx.export(model, tuple(batch.inputs.values()), path, **names, dynamo=False, dynamic_axes=axes, training=mode)
    file = onnx.load(path)
    for node in file.graph.node:
        node.doc_string = ""
        keep(node.metadata_props)
    for value in (*file.graph.value_info, *file.graph.input, *file.graph.output, *file.graph.initializer):
        keep(value.metadata_props)
    onnx.checker.check_model(file)
    onnx.save(file, path)


def check(model: Wrapped, family: Family, path: Path) -> float:
    """The exported file against PyTorch on a batch that was not the exported one."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batch = family.batch(rows=5, seed=2)
    seen = session.run([family.output], {name: value.numpy() for name, value in batch.inputs.items()})[0]
    with torch.no_grad():
        expected = model(*batch.inputs.values()).numpy()
    error = float((np.abs(seen - expected) * batch.counted(expected.shape)).max() / np.abs(expected).max())
    if error > 1e-5:
        raise SystemExit(f"{path.name}: PyTorch differs from ONNX Runtime by {error}; expected at most 1e-5")
    return error


def loss_of(output: torch.Tensor, batch: Batch, projection: torch.Tensor) -> torch.Tensor:
    """Cross entropy for a language model, else the mean of the output times fixed random numbers."""
    if batch.labels is not None:
        return functional.cross_entropy(output.transpose(1, 2), batch.labels, ignore_index=IGNORED)
    return (output * projection.to(output.dtype)).mean()


def gradients_of(model: Wrapped, batch: Batch, projection: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    wanted = dict(model.named_parameters())
    inputs = {}
    for name, value in batch.inputs.items():
        if value.is_floating_point():
            value = value.detach().clone().to(next(model.parameters()).dtype).requires_grad_()
            wanted[name] = value
        inputs[name] = value
    loss = loss_of(model(*inputs.values()), batch, projection)
    gradients = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
    return loss.detach(), {name: gradient for name, gradient in zip(wanted, gradients, strict=True) if gradient is not None}


def places(path: Path, model: Wrapped) -> dict[str, list[dict]]:
    """Where each parameter lies in the file: initializers of its values, as they are or transposed; a tied one has two.

    Gemma multiplies by 1 + weight, and the exporters fold that sum: it has the same gradient.
    """
    constants = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer if t.data_type == onnx.TensorProto.FLOAT}
    found = {}
    for name, parameter in model.named_parameters():
        value = parameter.detach().numpy()
        hits = [{"initializer": key, "transposed": False} for key, held in constants.items() if same(held, value) or same(held, value + 1)]
        if value.ndim == 2:
            hits += [{"initializer": key, "transposed": True} for key, held in constants.items() if same(held, value.T)]
        found[name] = hits
    return found


def same(held: np.ndarray, value: np.ndarray) -> bool:
    return held.shape == value.shape and np.allclose(held, value, rtol=1e-5, atol=1e-7)


def record_weights(family: Family, path: Path, model: Wrapped) -> None:
    batch = family.batch(rows=3, seed=3)
    with torch.no_grad():
        output = model(*batch.inputs.values())
    projection = torch.randn(output.shape, generator=torch.Generator().manual_seed(4))
    exact_loss, exact = gradients_of(copy.deepcopy(model).double(), batch, projection)
    loss, gradients = gradients_of(model, batch, projection)
    tensors = {f"inputs/{name}": value for name, value in batch.inputs.items()}
    tensors |= {"projection": projection} if batch.labels is None else {"labels": batch.labels}
    tensors["loss"] = loss
    where = places(path, model)
    weights, folded, vanishing, worst = {}, [], [], 0.0
    for name, gradient in gradients.items():
        error = relative_error(gradient, exact[name])
        if error > REPRODUCIBLE:
            vanishing.append(name)
        elif name in where and not where[name]:
            folded.append(name)
        else:
            worst = max(worst, error)
            tensors[f"gradients/{name}"] = gradient
            if name in where:
                weights[name] = where[name]
    metadata = {
        "family": family.name,
        "exporter": "torch.export" if family.dynamo else "torchscript",
        "opset": str(family.opset),
        "output": family.output,
        "weights": json.dumps(weights),
        "folded": json.dumps(folded),
        "vanishing": json.dumps(vanishing),
        "loss_float64": repr(exact_loss.item()),
        "gradient_error_against_float64": f"{worst:.1e}",
        "versions": json.dumps(versions()),
    }
    out = path.with_suffix(".safetensors")
    write(tensors, metadata, out)
    print(
        f"  {out.stat().st_size} bytes, loss {loss.item():.6f}, {len(weights)} weights, float64 error {worst:.1e},"
        f" vanishing {vanishing}, folded {folded}"
    )


def record_lora(family: Family, path: Path) -> None:
    recipe = LORA[path.stem]
    record(
        LoraClassifier(random_model(family), recipe),
        recipe,
        family.batch(rows=4, seed=5).inputs,
        torch.tensor([0, 2, 1, 2]),
        path.with_name(f"{path.stem}_lora.safetensors"),
        base=path.name,
        exporter="torch.export" if family.dynamo else "torchscript",
        opset=str(family.opset),
        attention=family.attention,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("names", nargs="*", metavar="NAME")
    warnings.filterwarnings("ignore")
    make_deterministic()
    FOLDER.mkdir(exist_ok=True)
    print(versions())
    for name in arguments.parse_args().names or FAMILIES:
        family = FAMILIES[name]
        path = FOLDER / f"{name}.onnx"
        export_model(build(family), family, path)
        model = build(family)
        print(f"{path.name}: {path.stat().st_size} bytes, against PyTorch {check(model, family, path):.1e}", flush=True)
        record_weights(family, path, model if family.keeps_batch_norm else batch_norm_fused(model))
        if name in LORA:
            record_lora(family, path)


if __name__ == "__main__":
    main()
