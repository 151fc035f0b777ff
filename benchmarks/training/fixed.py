"""Steps of fixed shapes on all-MiniLM-L6-v2: milliseconds a step and peak memory, Banyan against PEFT."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import measure
from measure import HERE, STEP_COLUMNS, Report, Settings
from minilm import MiniLm, minilm, prepared
from words import texts


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--shapes", default="16x128,32x64", help="rows x tokens (default: 16x128,32x64)")
    parser.add_argument("--targets", nargs="+", default=["query,value", "all-linear"], help="(default: both)")
    parser.add_argument("--steps", type=int, default=15, help="steps that count in each run (default: 15)")
    parser.add_argument("--alternations", type=int, default=3, help="runs of each program (default: 3)")
    parser.add_argument("--warmup", type=int, default=4, help="steps before them (default: 4)")
    parser.add_argument("--dropout", type=float, default=0.0, help="the peer's dropout (default: 0)")
    given = parser.parse_args()
    settings = measure.settings(given)
    model = minilm(settings)
    report = Report(
        "Fixed shapes, all-MiniLM-L6-v2, rank 8",
        f"{settings.threads} threads; {given.steps} steps after {given.warmup}; {given.alternations} alternations",
        ["rows x tokens", "targets", *STEP_COLUMNS],
    )
    for targets in given.targets:
        bundle = prepared(settings, model, targets)
        for shape in given.shapes.split(","):
            measure.note(f"{shape} {targets}")
            rows, length = (int(size) for size in shape.split("x"))
            # With [CLS] and [SEP], every text fills its row.
            data = texts(settings.folder("data") / f"words-{rows * 8}x{length}.jsonl", rows * 8, length - 2)
            size = Size(rows, length, given.warmup + given.steps)
            peer = [*peft(model, data, size), "--targets", targets, "--dropout", given.dropout]
            peer += ["--threads", settings.threads]
            logs = settings.folder("logs")
            programs = {
                "PEFT": partial(measure.run_again, peer, logs / "peft-fixed.log"),
                "Banyan": partial(measure.run_again, banyan(settings, bundle, data, size), logs / "banyan-fixed.log"),
            }
            runs = measure.alternate(given.alternations, programs)
            report.compare((shape, targets), runs, given.warmup)
    report.finish(settings.work / "fixed.md")


@dataclass(frozen=True)
class Size:
    rows: int
    length: int
    steps: int


def peft(model: MiniLm, data: Path, size: Size) -> list:
    command = [sys.executable, HERE / "peft_fixed.py", "--model", model.transformers, "--data", data]
    return [*command, "--rows", size.rows, "--length", size.length, "--steps", size.steps]


def banyan(settings: Settings, bundle: Path, data: Path, size: Size) -> list:
    out = settings.folder("adapters") / "fixed"
    command = [settings.banyan, "train", "--bundle", bundle, "--data", data, "--out", out]
    command += ["--batch-size", size.rows, "--pad-to", size.length, "--max-steps", size.steps, "--epochs", 1000]
    return [*command, "--threads", settings.threads, "--json", *settings.banyan_options]


if __name__ == "__main__":
    main()
