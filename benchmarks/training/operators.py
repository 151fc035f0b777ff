"""Where a training step's time goes: ONNX Runtime's profile of a bundle's gradient graph, by operator.

Runs in Python's onnxruntime, whose version the table names; Banyan's own is in pom.xml.
"""

import collections
import importlib.metadata
import json
import statistics
import time
from pathlib import Path

import measure
from measure import Report, Settings
from minilm import minilm, prepared

RANK = 8
LABELS = 2
WARMUP = 3
CONSTANT = {"lora_scaling": 2.0, "label_smoothing": 0.0, "class_weights": 1.0}
# Operators that take less than this share are left out.
SHOWN = 0.002


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--shape", default="16x128", help="rows x tokens (default: 16x128)")
    parser.add_argument("--targets", default="query,value", help="(default: query,value)")
    parser.add_argument("--bundle", type=Path, help="instead of one of all-MiniLM-L6-v2")
    parser.add_argument("--graph", default="gradient_model.onnx", help="(default: gradient_model.onnx)")
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    settings = measure.settings(given)
    graph = (given.bundle or prepared(settings, minilm(settings), given.targets)) / given.graph
    rows, length = (int(size) for size in given.shape.split("x"))
    kernels, times = profiled(settings, graph, (rows, length), given.steps)
    report = Report(
        f"Operators of {graph.parent.name}/{graph.name}, {rows}x{length}",
        f"onnxruntime {importlib.metadata.version('onnxruntime')}; {settings.threads} threads; "
        f"{given.steps} steps, {statistics.median(times):.0f} ms each while profiled",
        ["operator", "nodes", "ms a step", "share", "the slowest node"],
    )
    tabulate(report, kernels, given.steps)
    report.finish(settings.work / "operators.md")


def profiled(settings: Settings, graph: Path, shape: tuple[int, int], steps: int) -> tuple[list[dict], list[float]]:
    """The profile's events of the steps after the warm-up, one for each run of a node, and the steps' milliseconds."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_mem_pattern = False
    options.intra_op_num_threads = settings.threads
    options.log_severity_level = 3
    options.enable_profiling = True
    options.profile_file_prefix = str(settings.folder("logs") / "operators")
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feeds = {put.name: feed(put, shape) for put in session.get_inputs()}
    times = []
    for _ in range(WARMUP + steps):
        begin = time.perf_counter()
        session.run(None, feeds)
        times.append((time.perf_counter() - begin) * 1e3)
    trace = Path(session.end_profiling())
    nodes = [event for event in json.loads(trace.read_text()) if event.get("cat") == "Node"]
    trace.unlink()
    kernels = [event for event in nodes if event["name"].endswith("_kernel_time")]
    return kernels[len(kernels) * WARMUP // (WARMUP + steps) :], times[WARMUP:]


def tabulate(report: Report, kernels: list[dict], steps: int) -> None:
    total = sum(kernel["dur"] for kernel in kernels)
    by_operator = collections.defaultdict(list)
    for kernel in kernels:
        by_operator[kernel["args"]["op_name"]].append(kernel)
    for operator, found in sorted(by_operator.items(), key=lambda item: -sum(k["dur"] for k in item[1])):
        spent = sum(kernel["dur"] for kernel in found)
        slowest = max(found, key=lambda kernel: kernel["dur"])["name"].removesuffix("_kernel_time")
        if spent > total * SHOWN:
            count, millis = len(found) // steps, spent / steps / 1e3
            report.add(operator, str(count), f"{millis:.1f}", f"{spent / total:.1%}", f"`{slowest}`")
    report.add("all", str(len(kernels) // steps), f"{total / steps / 1e3:.1f}", "100%", "")


def feed(put, shape: tuple[int, int]):
    import numpy as np

    draw = np.random.default_rng(0)
    if put.name in CONSTANT:
        return np.full(sizes(put), CONSTANT[put.name], np.float32)
    if put.name == "labels":
        return draw.integers(0, LABELS, shape[0])
    if put.type == "tensor(int64)":
        constant = {"attention_mask": 1, "token_type_ids": 0}.get(put.name)
        return draw.integers(1000, 20000, shape) if constant is None else np.full(shape, constant)
    return (draw.standard_normal(sizes(put)) * 0.02).astype(np.float32)


def sizes(put) -> list[int]:
    return [{"rank": RANK, "labels": LABELS}.get(size, size) for size in put.shape]


if __name__ == "__main__":
    main()
