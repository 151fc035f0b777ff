"""Records the codes and magnitudes that bitsandbytes stores for a small random matrix, as fixtures/bnb4.json.

    python record_bnb4.py        needs bitsandbytes==0.50.2 too, which nothing else here does
"""

import json
from pathlib import Path

import bitsandbytes
import bitsandbytes.functional as functional
import torch

ROWS, COLUMNS, BLOCK = 6, 64, 64


def main() -> None:
    torch.manual_seed(5)
    matrix = torch.randn(ROWS, COLUMNS)
    matrix[4] = 0
    matrix[5] *= 1e-3
    recorded = {"shape": [ROWS, COLUMNS], "block": BLOCK, "values": matrix.flatten().tolist()}
    for kind in ("nf4", "fp4"):
        packed, state = functional.quantize_4bit(matrix, blocksize=BLOCK, quant_type=kind)
        recorded[kind] = {
            "packed": packed.flatten().tolist(),
            "magnitudes": state.absmax.tolist(),
            "dequantized": functional.dequantize_4bit(packed, state).flatten().tolist(),
        }
    recorded["versions"] = {"bitsandbytes": bitsandbytes.__version__, "torch": torch.__version__}
    file = Path(__file__).parent / "fixtures" / "bnb4.json"
    file.write_text(json.dumps(recorded) + "\n")


if __name__ == "__main__":
    main()
