"""Loads an adapter directory into PEFT and answers with it: what Banyan writes is PEFT's own format, of whatever method.

    python check_methods.py BASE ADAPTER_DIR INPUTS.json [RESULT_TITLE RESULTS.jsonl]

BASE: a folder in which tiny_bert.py made its files (made there if it is empty), or the name of a model in
../parity/fixtures/families. INPUTS.json: the model's inputs as nested lists, and if they are to be compared, `logits`.
PEFT must take every key of the file and hold its values. Prints `logits`, and how far they are from those given; exit 1
if that is more than 1e-4.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
import transformers

import compare_logits
import tiny_bert

sys.path.append(str(Path(__file__).parent.parent / "parity"))
import families  # noqa: E402


def main(base: str, adapter: Path, inputs: Path, *result: str) -> None:
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    given = json.loads(inputs.read_text())
    expected = given.pop("logits", None)
    model = compare_logits.read_into(base_of(base, adapter), adapter)
    with torch.no_grad():
        logits = model(**{name: torch.tensor(values) for name, values in given.items()}).logits
    print(json.dumps({"logits": logits.tolist()}))
    if expected is None:
        return
    expected = torch.tensor(expected)
    if expected.shape != logits.shape:
        raise SystemExit(f"PEFT answers {list(logits.shape)} numbers, {list(expected.shape)} were given")
    error = (logits - expected).abs().max().item()
    passed = error <= compare_logits.TOLERANCE
    row = {"check": result[0] if result else f"PEFT loads {adapter}", "compared": f"logits {list(logits.shape)}",
           "largest_difference": error, "tolerance": compare_logits.TOLERANCE, "passed": passed,
           "note": model.peft_config["default"].peft_type}  # fmt: skip
    if result:
        with Path(result[1]).open("a") as out:
            out.write(json.dumps(row) + "\n")
    print(json.dumps(row), file=sys.stderr)
    sys.exit(0 if passed else 1)


def base_of(name: str, adapter: Path) -> torch.nn.Module:
    if name in families.FAMILIES:
        model = families.random_model(families.FAMILIES[name])
        return families.batch_norm_fused(model) if name.startswith("resnet") else model
    if not (Path(name) / "model").exists():
        tiny_bert.main(Path(name))
    return compare_logits.base(Path(name), len(compare_logits.head(adapter)["bias"]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
