"""Trains SmolLM2-135M on its int4 weights and on the floats that they stand for, and compares each step's loss."""

from pathlib import Path

import measure
from measure import Report, Run
from words import texts

BAR = 1e-4


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--model", type=Path, help="folder of the int4 model (default: ../shared/models/..)")
    parser.add_argument("--shape", default="4x64", help="rows x tokens (default: 4x64)")
    parser.add_argument("--steps", type=int, default=10, help="steps of both runs (default: 10)")
    given = parser.parse_args()
    settings = measure.settings(given)
    source = given.model or settings.root.parent / "shared/models/smollm2-135m-instruct-int4"
    rows, length = (int(size) for size in given.shape.split("x"))
    data = texts(settings.folder("data") / f"words-{rows * 8}-over-{length}.jsonl", rows * 8, length + 8)

    def trained(name: str, *options: str) -> Run:
        bundle = settings.folder("bundles") / f"smollm2-{name}-{length}"
        command = [settings.banyan, "prepare", "--model", source / "model.onnx", *options]
        command += ["--tokenizer", source / "tokenizer.json", "--task", "causal-lm", "--targets", "all-linear"]
        command += ["--max-length", length, "--out", bundle, "--json"]
        measure.run(command, settings.folder("logs") / f"prepare-{name}.log")
        command = [settings.banyan, "train", "--bundle", bundle, "--data", data, "--batch-size", rows, "--seed", 7]
        command += ["--pad-to", length, "--max-steps", given.steps, "--epochs", 1000, "--learning-rate", 1e-3]
        command += ["--threads", settings.threads, "--json", "--out", settings.folder("adapters") / name]
        return measure.run([*command, *settings.banyan_options], settings.folder("logs") / f"banyan-{name}.log")

    kept = trained("int4")
    floats = trained("dequantized", "--dequantize")
    losses = list(zip(kept.output["losses"], floats.output["losses"], strict=True))
    furthest = max(abs(a - b) for a, b in losses)
    report = Report(
        "SmolLM2-135M-Instruct on int4 weights against the same weights as floats",
        f"{settings.threads} threads; {given.shape} tokens, all linear layers, {len(losses)} steps at rate 1e-3",
        ["step", "loss on int4", "loss on floats", "difference"],
    )
    for step, (a, b) in enumerate(losses, 1):
        report.add(str(step), f"{a:.6f}", f"{b:.6f}", f"{abs(a - b):.1e}")
    report.notes.append(f"Largest difference {furthest:.1e}; bar {BAR:.0e}.")
    report.notes.append(f"Peak memory {kept.peak_mib:.0f} MiB on int4, {floats.peak_mib:.0f} MiB on floats.")
    report.finish(settings.work / "int4.md")
    if not furthest <= BAR:
        raise SystemExit(f"the losses differ by {furthest:.1e}")


if __name__ == "__main__":
    main()
