"""Several small jobs of different tenants as one gang, against a run for each, one after the other."""

import json
import statistics
from pathlib import Path

import measure
from measure import Report, Run
from minilm import prepared, unpacked
from words import uneven

COLUMNS = ("program", "seconds", "of each turn", "peak MiB", "memory / alone", "seconds / alone")


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=8, help="tenants (default: 8)")
    parser.add_argument("--examples", type=int, default=120, help="texts of each (default: 120)")
    parser.add_argument("--words", type=int, default=30, help="most words of a text (default: 30)")
    parser.add_argument("--batch-size", type=int, default=4, help="texts a step (default: 4)")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--targets", default="query,value", help="(default: query,value)")
    parser.add_argument("--alternations", type=int, default=3, help="runs of each (default: 3)")
    given = parser.parse_args()
    settings = measure.settings(given)
    model = unpacked(settings)
    bundle = prepared(settings, model, given.targets, gang=True)
    common = ["--epochs", given.epochs, "--batch-size", given.batch_size, "--learning-rate", 1e-3]
    common += ["--threads", settings.threads, "--json", *settings.banyan_options]
    folder = settings.folder("data")
    data = [uneven(folder / f"tenant-{job}.jsonl", given.examples, given.words, job) for job in range(given.jobs)]

    def alone(turn: int) -> Run:
        runs = []
        for job, texts in enumerate(data):
            command = [settings.banyan, "train", "--bundle", bundle, "--data", texts, "--out", out("alone", job)]
            command += ["--rank", rank(job), *common]
            runs.append(measure.run(command, settings.folder("logs") / "alone.log"))
        steps = [len(run.output["step_ms"]) for run in runs]
        return Run({"steps": steps}, sum(run.seconds for run in runs), max(run.peak_mib for run in runs))

    def gang(turn: int) -> Run:
        jobs = settings.folder("data") / "jobs.jsonl"
        lines = [
            {"data": str(texts), "out": str(out("gang", job)), "rank": rank(job)} for job, texts in enumerate(data)
        ]
        jobs.write_text("".join(json.dumps(line) + "\n" for line in lines))
        command = [settings.banyan, "train", "--bundle", bundle, "--jobs", jobs, "--together", given.jobs, *common]
        run = measure.run(command, settings.folder("logs") / "gang.log")
        return Run({"steps": [job["steps"] for job in run.output["jobs"]]}, run.seconds, run.peak_mib)

    def out(program: str, job: int) -> Path:
        return settings.folder("adapters") / f"{program}-{job}"

    report = Report(
        f"{given.jobs} jobs of {given.examples} texts; all-MiniLM-L6-v2, {given.targets}, ranks 4 and 8",
        f"{settings.threads} threads; batches of {given.batch_size}, at most {given.words} words a text, "
        f"{given.epochs} epochs; seconds are from a process's start to its end, of all jobs",
        COLUMNS,
    )
    runs = measure.alternate(given.alternations, {"alone": alone, "gang": gang})
    for pair in zip(runs["alone"], runs["gang"], strict=True):
        if pair[0].output != pair[1].output:
            raise SystemExit(f"the two did not make the same steps: {pair[0].output}, {pair[1].output}")
    for name, each in runs.items():
        seconds = [run.seconds for run in each]
        peaks = [run.peak_mib for run in each]
        against = ("1", "1")
        if name != "alone":
            against = (
                measure.ratios(peaks, [run.peak_mib for run in runs["alone"]]),
                measure.ratios(seconds, [run.seconds for run in runs["alone"]]),
            )
        turns = ", ".join(f"{value:.1f}" for value in seconds)
        report.add(name, f"{statistics.median(seconds):.1f}", turns, f"{max(peaks):.0f}", *against)
    report.finish(settings.work / "gang.md")


def rank(job: int) -> int:
    return (4, 8)[job % 2]


if __name__ == "__main__":
    main()
