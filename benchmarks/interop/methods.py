"""The adapters that record_methods.py records: one of each method and of its shapes, on which base, and how it is trained."""

from collections.abc import Callable
from dataclasses import dataclass, field

import peft

BERT, GPT2, LLAMA, RESNET = "bert", "gpt2_opset16", "llama_opset14", "resnet_opset17"


@dataclass(frozen=True)
class Method:
    """One fixture. `targets` and `settings` go to PEFT's configuration class; `optimizer` is one of those in record_methods.py."""

    config: Callable[..., peft.PeftConfig]
    targets: tuple[str, ...] = ()
    settings: dict = field(default_factory=dict)
    base: str = BERT
    optimizer: str = "adamw"
    converts: bool = False

    def peft_config(self) -> peft.PeftConfig:
        task = {BERT: "SEQ_CLS", RESNET: None}.get(self.base, "CAUSAL_LM")
        targets = {"target_modules": list(self.targets)} if self.targets else {}
        return self.config(task_type=task, **targets, **self.settings)

    @property
    def virtual_tokens(self) -> int:
        """How many rows of logits a decoder has in front of the text's."""
        return self.settings["num_virtual_tokens"] if self.config is peft.PromptTuningConfig else 0


SOME = ("query", "value", "intermediate.dense")
# PEFT takes attention.output.dense for output.dense too.
NARROW_AND_WIDE = ("query", "intermediate.dense", "output.dense")
CONVOLUTIONS = ("stages.1.layers.0.layer.0.convolution", "stages.1.layers.0.layer.1.convolution", "stages.1.layers.0.shortcut.convolution")
RANK_2 = {"r": 2, "lora_alpha": 4}
LYCORIS = {"r": 2, "alpha": 6}

METHODS = {
    "lora": Method(peft.LoraConfig, SOME, RANK_2),
    "rslora": Method(peft.LoraConfig, SOME, {**RANK_2, "use_rslora": True}),
    "lora_fa": Method(peft.LoraConfig, SOME, RANK_2, optimizer="lora_fa"),
    "lora_plus": Method(peft.LoraConfig, SOME, RANK_2, optimizer="lora_plus"),
    "bias_all": Method(peft.LoraConfig, ("query", "value"), {**RANK_2, "bias": "all"}),
    "dora": Method(peft.LoraConfig, SOME, {**RANK_2, "use_dora": True}),
    "dora_rslora": Method(peft.LoraConfig, ("query", "value"), {**RANK_2, "use_dora": True, "use_rslora": True}),
    "pissa": Method(peft.LoraConfig, SOME, {**RANK_2, "init_lora_weights": "pissa"}, converts=True),
    "olora": Method(peft.LoraConfig, SOME, {**RANK_2, "init_lora_weights": "olora"}, converts=True),
    "olora_rslora": Method(peft.LoraConfig, ("query",), {**RANK_2, "init_lora_weights": "olora", "use_rslora": True}, converts=True),
    "vera": Method(peft.VeraConfig, NARROW_AND_WIDE, {"r": 3}),
    "vera_no_projection": Method(peft.VeraConfig, NARROW_AND_WIDE, {"r": 3, "save_projection": False, "projection_prng_key": 7}),
    "loha": Method(peft.LoHaConfig, SOME, LYCORIS),
    "loha_patterns": Method(
        peft.LoHaConfig, ("query", "value"), {**LYCORIS, "rank_pattern": {"value": 3}, "alpha_pattern": {"layer.1.attention.self.query": 5}}
    ),
    "lokr": Method(peft.LoKrConfig, NARROW_AND_WIDE, LYCORIS),
    "lokr_decompose_both": Method(peft.LoKrConfig, NARROW_AND_WIDE, {"r": 1, "alpha": 2, "decompose_both": True}),
    "lokr_full": Method(peft.LoKrConfig, NARROW_AND_WIDE, {"r": 8, "alpha": 12, "decompose_factor": 4}),
    # 32 numbers in blocks of 5: the last block is padded.
    "miss": Method(peft.MissConfig, SOME, {"r": 5}),
    "miss_mini": Method(peft.MissConfig, SOME, {"r": 4, "mini_r": 8, "init_weights": "mini"}),
    "ia3": Method(peft.IA3Config, ("key", "value", "output.dense"), {"feedforward_modules": ["output.dense"]}),
    "ln_tuning": Method(peft.LNTuningConfig, ("LayerNorm",)),
    "prompt_tuning": Method(peft.PromptTuningConfig, settings={"num_virtual_tokens": 3}),
    "prefix_tuning": Method(peft.PrefixTuningConfig, settings={"num_virtual_tokens": 3}),
    "embedding": Method(peft.LoraConfig, ("word_embeddings",), RANK_2),
    "embedding_dora": Method(peft.LoraConfig, ("word_embeddings",), {**RANK_2, "use_dora": True}),
    "gpt2_lora": Method(peft.LoraConfig, ("c_attn",), RANK_2, GPT2),
    "gpt2_dora": Method(peft.LoraConfig, ("c_attn",), {**RANK_2, "use_dora": True}, GPT2),
    "gpt2_vera": Method(peft.VeraConfig, ("c_attn", "mlp.c_proj"), {"r": 3}, GPT2),
    "gpt2_ia3": Method(peft.IA3Config, ("c_attn", "mlp.c_proj"), {"feedforward_modules": ["mlp.c_proj"]}, GPT2),
    "gpt2_prompt_tuning": Method(peft.PromptTuningConfig, settings={"num_virtual_tokens": 3}, base=GPT2),
    "gpt2_prefix_tuning": Method(peft.PrefixTuningConfig, settings={"num_virtual_tokens": 3}, base=GPT2),
    "llama_prefix_tuning": Method(peft.PrefixTuningConfig, settings={"num_virtual_tokens": 3}, base=LLAMA),
    "conv_lora": Method(peft.LoraConfig, CONVOLUTIONS, RANK_2, RESNET),
    "conv_dora": Method(peft.LoraConfig, CONVOLUTIONS, {**RANK_2, "use_dora": True}, RESNET),
}
