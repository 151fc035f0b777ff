"""Peak memory of training by each adapter method, against full fine-tuning and against the size of the weights."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import measure
from measure import Report, Run, Settings, note
from minilm import unpacked
from smollm2 import float_onnx, smollm2
from words import texts

# Those that adapt layers, and are told which.
LAYERS = ("lora", "lora-fa", "pissa", "olora", "dora", "vera", "loha", "lokr", "miss", "ia3", "sparse")
METHODS = ("full", "last-layers:n=1", "bitfit", "norms", "head", *LAYERS, "bottleneck", "prompt", "prefix")
MIB = 1024 * 1024

# Where every weight has a number beside it, a state as large as the base passes through the heap, which is 1 GiB by default.
HEAP = "-Xmx6g"


@dataclass(frozen=True)
class Base:
    """A model, and the shape of its batches."""

    name: str
    model: Path
    tokenizer: Path
    task: str
    weights: Path
    rows: int
    length: int
    targets: str


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--model", type=Path, help="folder of the int4 model (default: ../shared/models/..)")
    parser.add_argument("--bases", nargs="+", choices=("minilm", "smollm2"), default=["minilm", "smollm2"])
    parser.add_argument("--methods", nargs="+", default=METHODS, help="as prepare's --method takes them (default: all)")
    parser.add_argument("--steps", type=int, default=3, help="steps of each run (default: 3)")
    given = parser.parse_args()
    settings = measure.settings(given)
    bases = [small(settings) if name == "minilm" else decoder(settings, given) for name in given.bases]
    columns = ["method"]
    for base in bases:
        columns += [f"{base.name}: trained", "peak MiB", "/ full", "/ weights"]
    report = Report(
        "Peak memory of training",
        f"{settings.threads} threads; {given.steps} steps; "
        + "; ".join(
            f"{base.name}: {base.rows} x {base.length} tokens, weights of {base.weights.stat().st_size / MIB:.0f} MiB, {base.targets}"
            for base in bases
        )
        + " where a method is told its layers; sizes as train has them by default",
        columns,
    )
    full: dict[str, float] = {}
    for method in given.methods:
        cells = [method]
        for base in bases:
            cells += row(settings, base, method, given.steps, full)
        report.add(*cells)
    report.finish(settings.work / "memory.md")


def small(settings: Settings) -> Base:
    model = unpacked(settings)
    return Base("MiniLM-L6", model.onnx, model.tokenizer, "text-classification", model.onnx, 16, 128, "query,value")


def decoder(settings: Settings, given: argparse.Namespace) -> Base:
    source = given.model or settings.root.parent / "shared/models/smollm2-135m-instruct-int4"
    model = float_onnx(settings, smollm2(settings, source))
    weights = model.with_name(model.name + ".data")
    return Base("SmolLM2-135M", model, source / "tokenizer.json", "causal-lm", weights, 4, 128, "all-linear")


def row(settings: Settings, base: Base, method: str, steps: int, full: dict[str, float]) -> list[str]:
    """The cells of one method on one base; empty where it is refused there."""
    try:
        run = trained(settings, base, method, steps)
    except SystemExit as failure:
        note(f"{method} on {base.name}: {str(failure)[-300:]}")
        return ["refused", "", "", ""]
    if method == "full":
        full[base.name] = run.peak_mib
    against = f"{run.peak_mib / full[base.name]:.2f}" if base.name in full else ""
    weights = base.weights.stat().st_size / MIB
    return [f"{run.output['trainable_parameters']:,}", f"{run.peak_mib:.0f}", against, f"{run.peak_mib / weights:.1f}"]


def trained(settings: Settings, base: Base, method: str, steps: int) -> Run:
    data = texts(settings.folder("data") / f"words-{base.rows * 8}-over-{base.length}.jsonl", base.rows * 8, base.length + 8)
    bundle = settings.folder("bundles") / "memory"
    command = [settings.banyan, "prepare", "--model", base.model, "--tokenizer", base.tokenizer, "--task", base.task]
    command += ["--targets", base.targets] if method in LAYERS else []
    command += ["--method", method, "--max-length", base.length, "--out", bundle, "--json"]
    heap = ["env", f"BANYAN_JAVA_OPTS={HEAP} {os.environ.get('BANYAN_JAVA_OPTS', '')}"]
    large = method in ("full", "sparse") and base.task == "causal-lm"
    measure.run([*heap, *command] if large else command, settings.folder("logs") / "prepare-memory.log")
    command = [settings.banyan, "train", "--bundle", bundle, "--data", data, "--batch-size", base.rows]
    command += ["--pad-to", base.length, "--max-steps", steps, "--epochs", 1000, "--threads", settings.threads]
    command += ["--json", "--out", settings.folder("adapters") / "memory", *settings.banyan_options]
    return measure.run([*heap, *command] if large else command, settings.folder("logs") / "banyan-memory.log")


if __name__ == "__main__":
    main()
