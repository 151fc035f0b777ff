"""SmolLM2-135M-Instruct for the peer: the int4 graph of ONNX Runtime GenAI's model builder as a folder of transformers.

    python smollm2.py MODEL_FOLDER TARGET_FOLDER
    python smollm2.py --onnx TRANSFORMERS_FOLDER MODEL.onnx       the floats as PyTorch exports them

The weights are the dequantized ones, so that the peer's model and the one Banyan trains differ by nothing; the script
stops unless the logits agree.
"""

import subprocess
import sys
from pathlib import Path

from measure import Settings, note

BLOCK = 32
Q_ROWS, KV_ROWS = 576, 192


def smollm2(settings: Settings, model: Path) -> Path:
    """Converts the model where that was not done yet."""
    folder = settings.folder("smollm2") / "transformers"
    if not (folder / "model.safetensors").exists():
        note("Converting SmolLM2-135M-Instruct for the peer")
        subprocess.run([sys.executable, __file__, model, folder], check=True)
    return folder


def float_onnx(settings: Settings, transformers: Path) -> Path:
    """The same weights in floats as an ONNX file, where that was not made yet."""
    model = settings.folder("smollm2") / "onnx" / "model.onnx"
    if not model.exists():
        note("Exporting SmolLM2-135M-Instruct in floats")
        model.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, __file__, "--onnx", transformers, model], check=True)
    return model


def export(folder: str, target: str) -> None:
    """A decoder without a past, as torch.export writes it; its weights lie beside it."""
    import torch
    import transformers

    llama = transformers.LlamaForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()

    class Decoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = llama

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits

    ids = torch.arange(3, 36).reshape(3, 11)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    torch.onnx.export(
        Decoder(), (ids, torch.ones_like(ids)), target, input_names=["input_ids", "attention_mask"],
        output_names=["logits"], opset_version=18, dynamo=True, dynamic_shapes=(axes, axes), external_data=True,
        verbose=False,
    )  # fmt: skip


def convert(source: str, folder: str) -> None:
    """Runs in a process of its own: it needs much memory."""
    import onnx
    import torch
    import transformers

    model = onnx.load(Path(source) / "model.onnx")
    # rope_theta and the like are not in genai_config.json; a wrong one shows in the logits.
    config = transformers.LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    llama = transformers.LlamaForCausalLM(config)
    missing, unexpected = llama.load_state_dict(
        {name: torch.from_numpy(value) for name, value in weights(model).items()}, strict=False
    )
    if set(missing) - {"lm_head.weight"} or unexpected:
        raise SystemExit(f"weights do not fit LlamaForCausalLM: missing {missing}, unexpected {unexpected}")
    llama.tie_weights()
    print(f"logits against ONNX Runtime: largest difference {check(llama.eval(), model):.1e}", file=sys.stderr)
    llama.save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(Path(source) / "tokenizer.json"), pad_token="<|im_end|>", eos_token="<|im_end|>"
    ).save_pretrained(folder)


def weights(model) -> dict:
    """PyTorch's names and orientation: MatMulNBits keeps `[out, in]` as PyTorch does; q, k and v are packed."""
    from onnx import numpy_helper

    initializers = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    state = {}
    for name, value in initializers.items():
        if name.endswith("layernorm.weight"):
            name = "model.norm.weight" if "final_norm" in name else name
            state[name] = value.copy()
    for node in model.graph.node:
        if node.op_type == "MatMulNBits":
            site = node.name.removeprefix("/").removesuffix("/MatMul_Q4").replace("/", ".")
            site = site.replace(".attn.", ".self_attn.")
            value = dequantized(initializers[node.input[1]], initializers[node.input[2]])
            if site.endswith("qkv_proj"):
                q, k, v = value[:Q_ROWS], value[Q_ROWS : Q_ROWS + KV_ROWS], value[Q_ROWS + KV_ROWS :]
                for part, rows in (("q_proj", q), ("k_proj", k), ("v_proj", v)):
                    state[f"{site.removesuffix('qkv_proj')}{part}.weight"] = rows
            else:
                state["model.embed_tokens.weight" if site == "lm_head" else f"{site}.weight"] = value
    return state


def dequantized(packed, scales):
    """`[out, blocks, 16]` bytes, low half first, with an implied zero point of 8, times one scale a block."""
    import numpy as np

    packed = packed.reshape(packed.shape[0], -1, BLOCK // 2)
    halves = np.stack([packed & 0xF, packed >> 4], axis=-1).reshape(packed.shape[0], -1, BLOCK)
    values = (halves.astype(np.float32) - 8) * scales.reshape(packed.shape[0], -1, 1)
    return values.reshape(packed.shape[0], -1).astype(np.float32)


def check(llama, model) -> float:
    import numpy as np
    import onnxruntime
    import torch

    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1  # products in 32-bit floats; as built, activations are rounded to 8 bits
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = np.random.default_rng(0).integers(3, 49152, (2, 24))
    feeds = {put.name: np.zeros((2, 3, 0, 64), np.float32) for put in session.get_inputs()}
    feeds |= {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    (expected,) = session.run(["logits"], feeds)
    with torch.no_grad():
        seen = llama(torch.from_numpy(ids)).logits.numpy()
    error = float(np.abs(seen - expected).max())
    if error > 1e-3:
        raise SystemExit(f"PyTorch's logits differ from ONNX Runtime's by {error}; expected at most 1e-3")
    return error


if __name__ == "__main__":
    if sys.argv[1] == "--onnx":
        export(*sys.argv[2:])
    else:
        convert(*sys.argv[1:])
