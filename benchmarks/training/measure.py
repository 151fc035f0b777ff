"""Runs programs one after the other as processes of their own, and tells what each took.

Only the standard library is used here, so that what measures stays small beside what is measured.
"""

import argparse
import importlib.metadata
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    """One process: the JSON object that it printed, its seconds, and its largest resident set in MiB."""

    output: dict
    seconds: float
    peak_mib: float


def run(command: Sequence[str | Path], log: Path) -> Run:
    """Runs a command to its end; its standard error goes to the log.

    Peak memory is the operating system's figure for the process, so it is taken alike for every program.
    """
    with log.open("w") as errors:
        start = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=errors)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.stderr.write(log.read_text()[-3000:])
        raise SystemExit(f"{shlex.join(map(str, command))} ended with {process.returncode}; its output is in {log}")
    lines = output.decode().strip().splitlines()
    return Run(json.loads(lines[-1]) if lines else {}, seconds, usage.ru_maxrss / 1024)


def run_again(command: Sequence[str | Path], log: Path, turn: int) -> Run:
    """The same command in every turn."""
    return run(command, log)


def alternate(count: int, programs: dict[str, Callable[[int], Run]]) -> dict[str, list[Run]]:
    """Runs each program so often, in turns; every round begins with another one, so that none is favoured."""
    names = list(programs)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for turn in range(count):
        for place in range(len(names)):
            name = names[(turn + place) % len(names)]
            runs[name].append(programs[name](turn))
            latest = runs[name][-1]
            note(f"  {name} {turn + 1}/{count}: {latest.seconds:.1f} s, {latest.peak_mib:.0f} MiB")
    return runs


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass
class Settings:
    """Where things are, and what every benchmark may be told."""

    root: Path
    work: Path
    threads: int
    banyan_options: list[str] = field(default_factory=list)

    @property
    def banyan(self) -> Path:
        return self.root / "banyan"

    def folder(self, name: str) -> Path:
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of each program (default: cores)")
    parser.add_argument("--banyan-options", default="", help="more flags for banyan train, as one word")
    return parser


def settings(given: argparse.Namespace) -> Settings:
    return Settings(given.root, given.work, given.threads, shlex.split(given.banyan_options))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def ratios(ours: Sequence[float], peers: Sequence[float]) -> str:
    """The median ratio over the turns, and the ratio of each turn."""
    each = [a / b for a, b in zip(ours, peers, strict=True)]
    return f"**{statistics.median(each):.2f}** ({', '.join(f'{ratio:.2f}' for ratio in each)})"


STEP_COLUMNS = ("program", "ms a step", "quartiles", "peak MiB", "time / PEFT", "memory / PEFT")


class Report:
    """A Markdown table under a line about the machine; printed, and written beside the results."""

    def __init__(self, title: str, how: str, columns: Sequence[str]):
        self.title = title
        self.how = how
        self.columns = columns
        self.rows: list[Sequence[str]] = []
        self.notes: list[str] = []
        self.load = load()

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def compare(self, first: Sequence[str], runs: dict[str, list[Run]], warmup: int) -> None:
        """A row for each program with the time of its steps after the warm-up and its memory: STEP_COLUMNS."""
        steps = {name: [run.output["step_ms"][warmup:] for run in each] for name, each in runs.items()}
        medians = {name: [statistics.median(times) for times in each] for name, each in steps.items()}
        peaks = {name: [run.peak_mib for run in each] for name, each in runs.items()}
        for name in runs:
            low, middle, high = quartiles([time for times in steps[name] for time in times])
            against = ("1", "1")
            if name != "PEFT":
                against = (ratios(medians[name], medians["PEFT"]), ratios(peaks[name], peaks["PEFT"]))
            self.add(*first, name, f"{middle:.0f}", f"{low:.0f} - {high:.0f}", f"{max(peaks[name]):.0f}", *against)

    def finish(self, path: Path) -> None:
        about = f"{machine()}; {self.how}; load average before {self.load}, after {load()}."
        lines = [f"### {self.title}", "", about, ""]
        lines += ["| " + " | ".join(cells) + " |" for cells in (self.columns, ["---"] * len(self.columns), *self.rows)]
        lines += ["", *self.notes] if self.notes else []
        path.write_text("\n".join(lines) + "\n")
        print("\n".join(lines), flush=True)
        note(f"(also in {path})")


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def machine() -> str:
    facts = [line.split(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    names = [fact[1].strip() for fact in facts if fact[0].startswith("model name")]
    about = [time.strftime("%Y-%m-%d %H:%M"), f"{os.cpu_count()} x {names[0] if names else 'unknown'}", *peers()]
    return "; ".join(about)


def peers() -> list[str]:
    """What the peer is made of, where it is there."""
    try:
        return [", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "transformers", "peft"))]
    except importlib.metadata.PackageNotFoundError:
        return []
