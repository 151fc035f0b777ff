"""Causal-LM LoRA on SmolLM2-135M, its layers in NF4 by `banyan quantize`, against PEFT on the same weights in floats: memory."""

import sys
from pathlib import Path

import measure
from measure import HERE, STEP_COLUMNS, Report, Run
from smollm2 import float_onnx, smollm2
from words import texts

BAR = 0.35

# What is quantized, and how it is prepared.
FORMS = {
    "NF4": ([], []),
    "NF4, recompute": ([], ["--recompute"]),
    "NF4 with the head, recompute": (["--include-head"], ["--recompute"]),
}


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--model", type=Path, help="folder of the int4 model (default: ../shared/models/..)")
    parser.add_argument("--shape", default="4x128", help="rows x tokens (default: 4x128)")
    parser.add_argument("--steps", type=int, default=8, help="steps that count in each run (default: 8)")
    parser.add_argument("--alternations", type=int, default=2, help="runs of each program (default: 2)")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them (default: 2)")
    given = parser.parse_args()
    settings = measure.settings(given)
    source = given.model or settings.root.parent / "shared/models/smollm2-135m-instruct-int4"
    rows, length = (int(size) for size in given.shape.split("x"))
    steps = given.warmup + given.steps
    data = texts(settings.folder("data") / f"words-{rows * 8}-over-{length}.jsonl", rows * 8, length + 8)
    floats = smollm2(settings, source)
    model = float_onnx(settings, floats)

    def peft(turn: int) -> Run:
        command = [sys.executable, HERE / "peft_causal.py", "--model", floats, "--data", data]
        command += ["--rows", rows, "--length", length, "--steps", steps, "--threads", settings.threads]
        return measure.run(command, settings.folder("logs") / "peft-qlora.log")

    programs = {"PEFT": peft}
    for place, (name, (quantized, prepared)) in enumerate(FORMS.items()):
        small = settings.folder("smollm2") / f"nf4-{place}.onnx"
        bundle = settings.folder("bundles") / f"smollm2-nf4-{place}-{length}"
        if not small.exists():
            command = [settings.banyan, "quantize", "--model", model, "--scheme", "nf4", "--double-quant", *quantized]
            measure.run([*command, "--out", small, "--json"], settings.folder("logs") / "quantize.log")
        command = [settings.banyan, "prepare", "--model", small, "--tokenizer", source / "tokenizer.json", *prepared]
        command += ["--task", "causal-lm", "--targets", "all-linear", "--max-length", length, "--out", bundle, "--json"]
        measure.run(command, settings.folder("logs") / "prepare-qlora.log")

        def banyan(turn: int, bundle: Path = bundle) -> Run:
            command = [settings.banyan, "train", "--bundle", bundle, "--data", data, "--batch-size", rows]
            command += ["--pad-to", length, "--max-steps", steps, "--epochs", 1000, "--threads", settings.threads]
            command += ["--json", "--out", settings.folder("adapters") / "qlora", *settings.banyan_options]
            return measure.run(command, settings.folder("logs") / "banyan-qlora.log")

        programs[name] = banyan
    report = Report(
        "SmolLM2-135M-Instruct in NF4, causal LM, all linear layers, rank 8",
        f"{settings.threads} threads; {given.steps} steps after {given.warmup}; {given.alternations} alternations",
        ["rows x tokens", *STEP_COLUMNS],
    )
    runs = measure.alternate(given.alternations, programs)
    report.compare((given.shape,), runs, given.warmup)
    report.notes.append(f"Bar for the memory of one of the forms: {BAR}.")
    report.finish(settings.work / "qlora.md")


if __name__ == "__main__":
    main()
