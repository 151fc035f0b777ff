"""Every adapter method, with `banyan compare` and with PEFT where it has it, on the same data and seeds."""

import json
import statistics
import sys

import measure
from measure import HERE, Report, Run, note
from minilm import minilm
from spam_assassin import mails
from topics import topics

COLUMNS = (
    "method", "rate", "trained", "accuracy %", "by seed", "PEFT or PyTorch %", "by seed", "difference",
    "adapter KiB", "ms a step", "peak MiB", "peak / peer", "serving",
)


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--methods", default="all", help="as banyan compare takes them (default: all)")
    parser.add_argument("--data", choices=("mail", "topics"), default="mail", help="(default: mail)")
    parser.add_argument("--targets", default="query,value", help="layers of methods that name none (default: query,value)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--train", type=int, default=2000, help="mails to learn from (default: 2000)")
    parser.add_argument("--test", type=int, default=1000, help="mails to be judged by (default: 1000)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--without-peer", action="store_true", help="Banyan alone")
    given = parser.parse_args()
    settings = measure.settings(given)
    model = minilm(settings)
    data = mails(settings, given.train, given.test) if given.data == "mail" else topics(settings)
    out = settings.folder("methods") / given.data
    command = [settings.banyan, "compare", "--model", model.onnx, "--tokenizer", model.tokenizer]
    command += ["--task", "text-classification", "--methods", given.methods, "--targets", given.targets]
    command += ["--data", data.train, "--eval", data.test, "--epochs", given.epochs, "--batch-size", given.batch_size]
    command += ["--max-length", given.max_length, "--seeds", ",".join(map(str, given.seeds))]
    command += ["--threads", settings.threads, "--out", out, "--json"]
    report = Report(
        f"Methods on {given.data}: {given.epochs} epochs, all-MiniLM-L6-v2, {given.targets} where a method names no layers",
        f"{settings.threads} threads; batches of {given.batch_size}, at most {given.max_length} tokens; seeds "
        f"{', '.join(map(str, given.seeds))}; serving is 32 rows of 64 tokens on 4 adapters over the bare base",
        COLUMNS,
    )
    table = out / "table.json"
    table.unlink(missing_ok=True)
    try:
        measure.run(command, settings.folder("logs") / "compare.log")
    except SystemExit as failure:
        # A method that failed is in the table with its reason; without a table nothing was compared.
        if not table.exists():
            raise failure
    rows = json.loads(table.read_text())["methods"]
    for row in rows:
        if "problem" in row:
            report.notes.append(f"{row['method']} failed: {row['problem']}")
            continue
        peers = [] if given.without_peer else peer(given, settings, model, data, row)
        add(report, row, peers)
    report.finish(settings.work / f"methods-{given.data}.md")


def peer(given, settings, model, data, row) -> list[Run]:
    """The same method, rate and seeds in PyTorch; none where it has no counterpart there."""
    runs = []
    for seed in given.seeds:
        command = [sys.executable, HERE / "peft_method.py", "--model", model.transformers, "--train", data.train]
        command += ["--test", data.test, "--method", row["method"], "--targets", given.targets]
        command += ["--epochs", given.epochs, "--batch-size", given.batch_size, "--learning-rate", row["learning_rate"]]
        command += ["--max-length", given.max_length, "--seed", seed, "--threads", settings.threads]
        try:
            runs.append(measure.run(command, settings.folder("logs") / f"peer-{row['method']}.log"))
        except SystemExit as failure:
            note(f"no peer for {row['method']}: {str(failure)[-200:]}")
            return []
    return runs


def add(report: Report, row: dict, peers: list[Run]) -> None:
    ours = [100 * score["accuracy"] for score in row["scores"]]
    theirs = [100 * run.output["accuracy"] for run in peers]
    report.add(
        row["method"],
        f"{row['learning_rate']:g}",
        f"{row['trainable_parameters']:,}",
        f"{statistics.mean(ours):.2f}",
        ", ".join(f"{value:.1f}" for value in ours),
        f"{statistics.mean(theirs):.2f}" if theirs else "",
        ", ".join(f"{value:.1f}" for value in theirs),
        f"{statistics.mean(ours) - statistics.mean(theirs):+.2f}" if theirs else "",
        f"{row['adapter_bytes'] / 1024:.0f}",
        f"{row['ms_per_step']:.0f}",
        f"{row['peak_rss_mib']}",
        f"{row['peak_rss_mib'] / max(run.peak_mib for run in peers):.2f}" if peers else "",
        f"{row['serving_cost']:.2f}",
    )


if __name__ == "__main__":
    main()
