"""Causal-LM LoRA on all linear layers of SmolLM2-135M: Banyan on the int4 graph, PEFT on the same weights in floats."""

import sys
from pathlib import Path

import measure
from measure import HERE, STEP_COLUMNS, Report, Run
from smollm2 import smollm2
from words import texts


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--model", type=Path, help="folder of the int4 model (default: ../shared/models/..)")
    parser.add_argument("--shape", default="4x128", help="rows x tokens (default: 4x128)")
    parser.add_argument("--steps", type=int, default=15, help="steps that count in each run (default: 15)")
    parser.add_argument("--alternations", type=int, default=3, help="runs of each program (default: 3)")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them (default: 3)")
    parser.add_argument("--programs", nargs="+", choices=["PEFT", "Banyan"], default=["PEFT", "Banyan"])
    given = parser.parse_args()
    settings = measure.settings(given)
    source = given.model or settings.root.parent / "shared/models/smollm2-135m-instruct-int4"
    if not (source / "model.onnx").exists():
        raise SystemExit(f"{source} holds no model.onnx; --model names the folder of SmolLM2-135M-Instruct in int4")
    rows, length = (int(size) for size in given.shape.split("x"))
    steps = given.warmup + given.steps
    data = texts(settings.folder("data") / f"words-{rows * 8}-over-{length}.jsonl", rows * 8, length + 8)

    dequantized = smollm2(settings, source)

    def peft(turn: int) -> Run:
        command = [sys.executable, HERE / "peft_causal.py", "--model", dequantized, "--data", data]
        command += ["--rows", rows, "--length", length, "--steps", steps, "--threads", settings.threads]
        return measure.run(command, settings.folder("logs") / "peft-llm.log")

    bundle = settings.folder("bundles") / f"smollm2-{length}"

    def banyan(turn: int) -> Run:
        command = [settings.banyan, "train", "--bundle", bundle, "--data", data, "--batch-size", rows]
        command += ["--pad-to", length, "--max-steps", steps, "--epochs", 1000, "--threads", settings.threads, "--json"]
        command += ["--out", settings.folder("adapters") / "llm", *settings.banyan_options]
        return measure.run(command, settings.folder("logs") / "banyan-llm.log")

    if "Banyan" in given.programs:
        command = [settings.banyan, "prepare", "--model", source / "model.onnx"]
        command += ["--tokenizer", source / "tokenizer.json", "--task", "causal-lm", "--targets", "all-linear"]
        command += ["--max-length", length, "--out", bundle, "--json"]
        measure.run(command, settings.folder("logs") / "prepare-llm.log")
    report = Report(
        "SmolLM2-135M-Instruct, causal LM, all linear layers, rank 8",
        f"{settings.threads} threads; {given.steps} steps after {given.warmup}; {given.alternations} alternations",
        ["rows x tokens", *STEP_COLUMNS],
    )
    programs = {"PEFT": peft, "Banyan": banyan}
    runs = measure.alternate(given.alternations, {name: programs[name] for name in given.programs})
    report.compare((given.shape,), runs, given.warmup)
    report.notes.append(
        "PEFT trains on the file's weights dequantized to 32-bit floats, with q, k and v apart; Banyan on the int4 "
        "weights, with q, k and v packed as in the graph."
    )
    report.finish(settings.work / "llm.md")


if __name__ == "__main__":
    main()
