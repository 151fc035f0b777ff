"""Prints RESULTS.jsonl as a Markdown table; exit 1 if a check failed."""

import json
import sys
from pathlib import Path


def main(results: Path) -> None:
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    print("| check | compared | largest difference | allowed | result | |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        verdict = "passed" if row["passed"] else "FAILED"
        print(f"| {row['check']} | {row['compared']} | {row['largest_difference']:.1e} | {row['tolerance']:.0e} "
              f"| {verdict} | {row['note']} |")
    sys.exit(0 if rows and all(row["passed"] for row in rows) else 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
