"""A whole job on mail of uneven length: seconds from a process's start to a saved, judged adapter, and its accuracy."""

import statistics
import sys
from pathlib import Path

import measure
from measure import HERE, Report, Run
from minilm import minilm, prepared
from spam_assassin import mails

TARGETS = "query,value"
COLUMNS = ("program", "seconds", "by seed", "steps alone", "accuracy %", "by seed", "peak MiB", "seconds / PEFT")


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one run each (default: 1 2 3)")
    parser.add_argument("--train", type=int, default=2000, help="mails to learn from (default: 2000)")
    parser.add_argument("--test", type=int, default=1000, help="mails to be judged by (default: 1000)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--max-length", type=int, default=512, help="tokens after which a mail is cut (default: 512, the model's own limit)")
    given = parser.parse_args()
    settings = measure.settings(given)
    model = minilm(settings)
    data = mails(settings, given.train, given.test)
    bundle = prepared(settings, model, TARGETS, given.max_length)
    common = ["--epochs", given.epochs, "--batch-size", given.batch_size, "--learning-rate", given.learning_rate]
    common += ["--threads", settings.threads]

    def peft(turn: int) -> Run:
        command = [sys.executable, HERE / "peft_job.py", "--model", model.transformers, "--train", data.train]
        command += ["--test", data.test, "--targets", TARGETS, "--max-length", given.max_length]
        command += [*common, "--seed", given.seeds[turn], "--out", out("peft", turn)]
        return measure.run(command, settings.folder("logs") / "peft-job.log")

    def banyan(turn: int) -> Run:
        command = [settings.banyan, "train", "--bundle", bundle, "--data", data.train, "--out", out("banyan", turn)]
        command += [*common, "--seed", given.seeds[turn], "--json", *settings.banyan_options]
        trained = measure.run(command, settings.folder("logs") / "banyan-job.log")
        command = [settings.banyan, "evaluate", "--bundle", bundle, "--adapter", out("banyan", turn)]
        command += ["--data", data.test, "--threads", settings.threads, "--json"]
        judged = measure.run(command, settings.folder("logs") / "banyan-judge.log")
        output = {**trained.output, "accuracy": judged.output["accuracy"], "judging": judged.seconds}
        return Run(output, trained.seconds + judged.seconds, max(trained.peak_mib, judged.peak_mib))

    def out(program: str, turn: int) -> Path:
        return settings.folder("adapters") / f"job-{program}-{given.seeds[turn]}"

    report = Report(
        f"{given.train} mails, {given.epochs} epochs, {given.test} judged; all-MiniLM-L6-v2, {TARGETS}, rank 8",
        f"{settings.threads} threads; batches of {given.batch_size}, at most {given.max_length} tokens a mail; "
        f"seeds {', '.join(map(str, given.seeds))}; seconds are from a process's start to the saved, judged adapter",
        COLUMNS,
    )
    runs = measure.alternate(len(given.seeds), {"PEFT": peft, "Banyan": banyan})
    for name, each in runs.items():
        seconds = [run.seconds for run in each]
        accuracies = [100 * run.output["accuracy"] for run in each]
        report.add(
            name,
            f"{statistics.median(seconds):.1f}",
            ", ".join(f"{value:.1f}" for value in seconds),
            f"{statistics.median(sum(run.output['step_ms']) / 1e3 for run in each):.1f}",
            f"{statistics.mean(accuracies):.2f}",
            ", ".join(f"{value:.1f}" for value in accuracies),
            f"{max(run.peak_mib for run in each):.0f}",
            measure.ratios(seconds, [run.seconds for run in runs["PEFT"]]) if name != "PEFT" else "1",
        )
    report.finish(settings.work / "job.md")


if __name__ == "__main__":
    main()
