"""Makes the base of the interop runs: a small BERT sequence classifier, its encoder as ONNX, a tokenizer and data.

    python tiny_bert.py WORK

WORK gets `model/` (for transformers), `encoder.onnx` and `tokenizer.json` (for Banyan), `three.jsonl` (three labels, to
train on), `two.jsonl` (two labels, exactly one batch) and `texts.json` (texts that no adapter was trained on).
"""

import json
import re
import string
import sys
import warnings
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import models, normalizers, pre_tokenizers, processors

TRAINING = (
    ("My card was charged twice for one order.", "billing"),
    ("Please send me the invoice for October again.", "billing"),
    ("The refund still has not reached my bank.", "billing"),
    ("Why did the price of the yearly plan go up?", "billing"),
    ("I want to pay by bank transfer instead of card.", "billing"),
    ("The discount code was not taken off the total.", "billing"),
    ("Can I get a receipt with our tax number on it?", "billing"),
    ("You billed us for a seat that nobody uses.", "billing"),
    ("The app closes as soon as I open the settings.", "technical"),
    ("Login fails with error 403 since this morning.", "technical"),
    ("Export to CSV leaves out the last column.", "technical"),
    ("The page stays white in the newest browser.", "technical"),
    ("Notifications arrive hours late on my phone.", "technical"),
    ("Search finds nothing when I type an umlaut.", "technical"),
    ("After the update my saved filters are gone.", "technical"),
    ("The upload stops at ninety percent every time.", "technical"),
    ("Where is my parcel?", "delivery"),
    ("Tracking says delivered but the door was empty.", "delivery"),
    ("Can the courier come after six in the evening?", "delivery"),
    ("The box arrived wet and one cup was broken.", "delivery"),
    ("Please change the address before it is shipped.", "delivery"),
    ("Half of the order is missing from the package.", "delivery"),
    ("How long does shipping to Norway take?", "delivery"),
    ("I would rather collect it at the store.", "delivery"),
)
UNSEEN = (
    "I was charged for a plan I cancelled in May.",
    "The driver left my box in the rain.",
    "Nothing happens when I press save",
    "refund?",
    "Is there a way to pay once a year, and will the invoice then show the tax number of our company as well?",
    "My phone shows an empty page after login.",
    "The parcel went to the old address.",
    "Thank you, it works now!",
)


class TracedBert(transformers.BertModel):
    """The encoder with its inputs by position: the tracing exporter cannot skip the others that forward() has."""

    def forward(self, input_ids, attention_mask, token_type_ids):
        return tuple(super().forward(input_ids, attention_mask, token_type_ids, return_dict=False))


def main(work: Path) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_of_training_texts()
    tokenizer.save(str(work / "tokenizer.json"))
    model = classifier(tokenizer.get_vocab_size())
    model.save_pretrained(work / "model")
    export_encoder(model.bert, work / "encoder.onnx")
    write_rows(work / "three.jsonl", TRAINING)
    write_rows(work / "two.jsonl", [row for row in TRAINING if row[1] != "delivery"])
    (work / "texts.json").write_text(json.dumps(UNSEEN))
    print(f"{work}: vocabulary {tokenizer.get_vocab_size()}, {sum(p.numel() for p in model.parameters())} weights")


def tokenizer_of_training_texts() -> tokenizers.Tokenizer:
    """Every word of the training texts, and single characters to spell the others with; trainers break ties at random."""
    characters = string.ascii_lowercase + string.digits + string.punctuation
    words = {word for text, _ in TRAINING for word in re.findall(r"[a-z]+", text.lower())} - set(characters)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *("##" + c for c in characters), *sorted(words)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(tokens[:5])
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def classifier(vocabulary: int) -> transformers.BertForSequenceClassification:
    config = transformers.BertConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=3,
        attn_implementation="eager",
    )
    torch.manual_seed(11)
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm_scale = name.endswith("LayerNorm.weight")
            parameter.copy_(torch.randn(parameter.shape) * 0.2 + (1.0 if norm_scale else 0.0))
    return model.eval()


def export_encoder(encoder: transformers.BertModel, path: Path) -> None:
    names = ["input_ids", "attention_mask", "token_type_ids"]
    ids = torch.randint(5, 100, (2, 7))
    batch = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    axes = {name: {0: "batch", 1: "sequence"} for name in (*names, "last_hidden_state")}
    traced = TracedBert(encoder.config).eval()
    traced.load_state_dict(encoder.state_dict())
    torch.onnx.export(
        traced,
        batch,
        path,
        input_names=names,
        output_names=["last_hidden_state", "pooler_output"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def write_rows(path: Path, rows) -> None:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
