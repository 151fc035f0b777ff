"""The small random models of record_families.py: one of each family, through which exporter at which opset, and what LoRA is trained on some."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import transformers
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lora_classifier import Recipe

VOCABULARY, HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS = 60, 16, 2, 2, 32, 32
LENGTH, IMAGE, MELS, FRAMES = 9, 32, 8, 24
IGNORED = -100

TEXT_AXES = {0: "batch", 1: "sequence"}
Wrapped = torch.nn.Module


@dataclass(frozen=True)
class Batch:
    inputs: dict[str, torch.Tensor]
    labels: torch.Tensor | None = None

    def counted(self, shape: tuple[int, ...]) -> np.ndarray:
        """1 where an output counts: not at padding."""
        if "attention_mask" not in self.inputs:
            return np.ones(shape)
        return self.inputs["attention_mask"].numpy()[:, :, None]


@dataclass(frozen=True)
class Family:
    """One fixture: which model, through which exporter."""

    name: str
    make: Callable[[str], torch.nn.Module]
    kind: str
    output: str
    opset: int = 17
    dynamo: bool = False
    attention: str = "sdpa"
    fixed: dict = field(default_factory=dict)
    keeps_batch_norm: bool = False

    @property
    def axes(self) -> dict[str, dict[int, str]]:
        match self.kind:
            case "image":
                return {"pixel_values": {0: "batch"}}
            case "audio":
                return {"input_features": {0: "batch"}}
        return {"input_ids": TEXT_AXES, "attention_mask": TEXT_AXES}

    def batch(self, rows: int, seed: int) -> Batch:
        random = torch.Generator().manual_seed(seed)
        match self.kind:
            case "image":
                return Batch({"pixel_values": torch.randn((rows - 1, 3, IMAGE, IMAGE), generator=random)})
            case "audio":
                return Batch({"input_features": torch.randn((rows, MELS, 2 * FRAMES), generator=random)})
        lengths = torch.randint(3, LENGTH + 1, (rows,), generator=random)
        lengths[0] = LENGTH
        mask = (torch.arange(LENGTH) < lengths[:, None]).long()
        ids = torch.where(mask.bool(), torch.randint(5, VOCABULARY, (rows, LENGTH), generator=random), 0)
        inputs = {"input_ids": ids, "attention_mask": mask}
        if self.kind == "encoder":
            return Batch(inputs)
        following = torch.nn.functional.pad(torch.where(mask.bool(), ids, IGNORED)[:, 1:], (0, 1), value=IGNORED)
        return Batch(inputs, following)


def build(family: Family) -> Wrapped:
    """The model that is exported, in the shape that both exporters take."""
    model = random_model(family)
    with_positional_inputs(model, family)
    return model


def random_model(family: Family) -> torch.nn.Module:
    """Every tensor random, biases, norms and running statistics too: equal tensors would be merged by the exporters."""
    torch.manual_seed(7)
    model = family.make(family.attention)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Gemma's norms multiply by 1 + weight.
            is_norm = "norm" in name.lower() and name.endswith("weight") and "gemma" not in family.name.lower()
            parameter.copy_(torch.randn(parameter.shape) * 0.15 + (1.0 if is_norm else 0.0))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape) * 0.15)
            elif name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape) + 0.5)
    return model.eval()


def with_positional_inputs(model: torch.nn.Module, family: Family) -> None:
    """Gives the model a forward from the inputs in order to the one output; a wrapping module would rename every node."""
    parent, names, output, fixed = type(model), tuple(family.axes), family.output, family.fixed

    def forward(self, *values):
        return parent.forward(self, **dict(zip(names, values, strict=True)), return_dict=True, **fixed)[output]

    model.__class__ = type(parent.__name__, (parent,), {"forward": forward})


def batch_norm_fused(model: torch.nn.Module) -> torch.nn.Module:
    """The model as the exporters write it: each BatchNorm2d is part of the convolution before it."""
    fused = copy.deepcopy(model)
    for module in list(fused.modules()):
        if isinstance(getattr(module, "normalization", None), torch.nn.BatchNorm2d):
            module.convolution = fuse_conv_bn_eval(module.convolution, module.normalization)
            module.normalization = torch.nn.Identity()
    return fused.requires_grad_()


def deberta(attention: str) -> torch.nn.Module:
    return transformers.DebertaV2Model(
        transformers.DebertaV2Config(
            **text_sizes(), relative_attention=True, position_buckets=8, max_relative_positions=-1, pos_att_type=["p2c", "c2p"],
            position_biased_input=False, share_att_key=True, norm_rel_ebd="layer_norm", type_vocab_size=0,
        )  # fmt: skip
    )


def t5(attention: str) -> torch.nn.Module:
    return transformers.T5EncoderModel(
        transformers.T5Config(
            vocab_size=VOCABULARY, d_model=HIDDEN, d_kv=HIDDEN // HEADS, d_ff=INTERMEDIATE, num_layers=LAYERS, num_heads=HEADS,
            relative_attention_num_buckets=8, relative_attention_max_distance=16, feed_forward_proj="gated-gelu",
            attn_implementation=attention,
        )  # fmt: skip
    )


def gpt2(attention: str) -> torch.nn.Module:
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=VOCABULARY, n_positions=POSITIONS, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, bos_token_id=1,
            eos_token_id=2, attn_implementation=attention,
        )  # fmt: skip
    )


def decoder(model: type, config: type, tied: bool, **more) -> Callable[[str], torch.nn.Module]:
    """A decoder with two query heads on one key head (grouped queries)."""

    def make(attention: str) -> torch.nn.Module:
        return model(
            config(
                **text_sizes(), num_key_value_heads=1, bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=tied,
                attn_implementation=attention, **more,
            )  # fmt: skip
        )

    return make


def text_sizes() -> dict[str, int]:
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": POSITIONS,
    }


def vit(attention: str) -> torch.nn.Module:
    return transformers.ViTModel(
        transformers.ViTConfig(
            hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INTERMEDIATE,
            image_size=IMAGE, patch_size=8, attn_implementation=attention,
        ),  # fmt: skip
        add_pooling_layer=False,
    )


def resnet(attention: str) -> torch.nn.Module:
    """ResNet-18's layers (two basic blocks a stage), narrow."""
    return transformers.ResNetForImageClassification(
        transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4, 6, 8, 10], depths=[2, 2, 2, 2], layer_type="basic", num_labels=5)
    )


def convnext(attention: str) -> torch.nn.Module:
    return transformers.ConvNextForImageClassification(
        transformers.ConvNextConfig(hidden_sizes=[4, 6, 8, 10], depths=[1, 1, 2, 1], image_size=IMAGE, num_labels=5)
    )


def whisper(attention: str) -> torch.nn.Module:
    return transformers.WhisperModel(
        transformers.WhisperConfig(
            vocab_size=VOCABULARY, d_model=HIDDEN, encoder_layers=LAYERS, decoder_layers=1, encoder_attention_heads=HEADS,
            decoder_attention_heads=HEADS, encoder_ffn_dim=INTERMEDIATE, decoder_ffn_dim=INTERMEDIATE, num_mel_bins=MELS,
            max_source_positions=FRAMES, max_target_positions=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
            decoder_start_token_id=3, attn_implementation=attention,
        )  # fmt: skip
    ).encoder


NO_CACHE = {"use_cache": False}
llama = decoder(transformers.LlamaForCausalLM, transformers.LlamaConfig, tied=False)
qwen2 = decoder(transformers.Qwen2ForCausalLM, transformers.Qwen2Config, tied=True)
gemma = decoder(transformers.GemmaForCausalLM, transformers.GemmaConfig, tied=True, head_dim=HIDDEN // HEADS)

DEBERTA = Family("DeBERTa-v2", deberta, "encoder", "last_hidden_state", attention="eager")
T5 = Family("T5 encoder", t5, "encoder", "last_hidden_state", attention="eager")
GPT2 = Family("GPT-2", gpt2, "decoder", "logits", fixed=NO_CACHE)
LLAMA = Family("Llama", llama, "decoder", "logits", fixed=NO_CACHE)
QWEN2 = Family("Qwen2", qwen2, "decoder", "logits", fixed=NO_CACHE)
GEMMA = Family("Gemma", gemma, "decoder", "logits", fixed=NO_CACHE)
VIT = Family("ViT", vit, "image", "last_hidden_state")
RESNET = Family("ResNet-18", resnet, "image", "logits")
CONVNEXT = Family("ConvNeXt", convnext, "image", "logits")
WHISPER = Family("Whisper encoder", whisper, "audio", "last_hidden_state")

FAMILIES = {
    "deberta_opset14": replace(DEBERTA, opset=14),
    "deberta_dynamo18": replace(DEBERTA, opset=18, dynamo=True),
    "t5_opset15": replace(T5, opset=15),
    "t5_dynamo20": replace(T5, opset=20, dynamo=True),
    "gpt2_opset16": replace(GPT2, opset=16, attention="eager"),
    "gpt2_dynamo19": replace(GPT2, opset=19, dynamo=True),
    "llama_opset14": replace(LLAMA, opset=14),
    "llama_dynamo18": replace(LLAMA, opset=18, dynamo=True),
    "qwen2_opset17": replace(QWEN2, opset=17),
    "qwen2_dynamo20": replace(QWEN2, opset=20, dynamo=True, attention="eager"),
    "gemma_opset18": replace(GEMMA, opset=18, attention="eager"),
    "gemma_dynamo19": replace(GEMMA, opset=19, dynamo=True),
    "vit_opset14": replace(VIT, opset=14, attention="eager"),
    "vit_dynamo18": replace(VIT, opset=18, dynamo=True),
    "resnet_opset14": replace(RESNET, opset=14, keeps_batch_norm=True),
    "resnet_opset17": replace(RESNET, opset=17),
    "resnet_dynamo20": replace(RESNET, opset=20, dynamo=True),
    "convnext_opset16": replace(CONVNEXT, opset=16),
    "convnext_dynamo18": replace(CONVNEXT, opset=18, dynamo=True),
    "whisper_opset19": replace(WHISPER, opset=19),
    "whisper_dynamo20": replace(WHISPER, opset=20, dynamo=True),
}

# DeBERTa's query_proj and key_proj also multiply the position embeddings, and the exporters fold that away: only the
# other layers are used once.
LORA = {
    "deberta_opset14": Recipe("mean", ("value_proj", "dense"), rank=2, alpha=4, labels=3, seed=11),
    "deberta_dynamo18": Recipe("cls", ("value_proj", "dense"), rank=2, alpha=4, labels=3, seed=12),
    "t5_opset15": Recipe("mean", ("q", "v"), rank=2, alpha=4, labels=3, seed=13),
    "t5_dynamo20": Recipe("mean", ("q", "k", "v", "o", "wi_0", "wi_1", "wo"), rank=2, alpha=4, labels=3, seed=14),
}
