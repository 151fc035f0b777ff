#!/usr/bin/env bash
# Runs Banyan against PEFT and against ONNX Runtime's Python training API, and prints what was compared.
#
#   benchmarks/interop/run.sh [WORK]        default WORK: target/interop under the repository
#
# PEFT_PYTHON and ORT_TRAINING_PYTHON name the interpreters of the two environments (see README.md). Port: PORT, 18080.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
work="${1:-$root/target/interop}"
port="${PORT:-18080}"
url="http://localhost:$port"
: "${PEFT_PYTHON:?the Python with requirements.txt}" "${ORT_TRAINING_PYTHON:?the Python with requirements-ort-training.txt}"
banyan="$root/banyan"
results="$work/results.jsonl"
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore

rm -rf "$work"
mkdir -p "$work"
cd "$work"
server=""
stop() {
  [[ -n "$server" ]] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=""
}
trap stop EXIT

# step LOG COMMAND..: runs quietly; on failure shows the log and stops, for all later steps need this one.
step() {
  local log="$1"
  shift
  "$@" >"$log.log" 2>&1 || { cat "$log.log" >&2; echo "failed: $*" >&2; exit 1; }
}

# check LOG COMMAND..: runs quietly; a failed comparison is in the table, anything else is shown.
failed=0
check() {
  local log="$1"
  shift
  "$@" >"$log.log" 2>&1 || { failed=1; tail -5 "$log.log" >&2; echo "failed: $*" >&2; }
}

start_server() {
  "$banyan" serve --bundle "$1" --adapters "$2" --port "$port" "${@:3}" >"$1.serve.log" 2>&1 &
  server=$!
  for _ in $(seq 120); do
    curl -sf "$url/readyz" >/dev/null && return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.5
  done
  cat "$1.serve.log" >&2
  echo "the server did not become ready" >&2
  exit 1
}

step tiny_bert "$PEFT_PYTHON" "$here/tiny_bert.py" .
for targets in query,value all-linear; do
  folder="${targets/,/-}"
  step "prepare-$folder" "$banyan" prepare --model encoder.onnx --tokenizer tokenizer.json --task text-classification \
    --targets "$targets" --pooling pooler --max-length 64 --out "bundle-$folder"
  step "prepare-dropout-$folder" "$banyan" prepare --model encoder.onnx --tokenizer tokenizer.json --task text-classification \
    --targets "$targets" --pooling pooler --max-length 64 --lora-dropout --out "bundle-dropout-$folder"
  mkdir -p "adapters-$folder/banyan" "adapters-$folder/peft"
  step "train-$folder" "$banyan" train --bundle "bundle-$folder" --data three.jsonl --rank 4 --alpha 8 --epochs 20 \
    --batch-size 8 --learning-rate 5e-3 --out "adapters-$folder/banyan/three"
  step "train-patterns-$folder" "$banyan" train --bundle "bundle-dropout-$folder" --data three.jsonl --rank 4 --alpha 8 \
    --rank-pattern value=2 --alpha-pattern query=20,layer.1=3 --lora-dropout 0.1 --epochs 20 \
    --batch-size 8 --learning-rate 5e-3 --out "adapters-$folder/banyan/patterns"
  step "combine-$folder" "$banyan" combine --adapter "adapters-$folder/banyan/three=0.6" \
    --adapter "adapters-$folder/banyan/patterns=0.4" --type svd --out "adapters-$folder/banyan/combined"
  step "peft-$folder" "$PEFT_PYTHON" "$here/peft_writes.py" . "$targets" "adapters-$folder/peft/three"
  start_server "bundle-$folder" "adapters-$folder"
  check "compare-banyan-$folder" "$PEFT_PYTHON" "$here/compare_logits.py" . "adapters-$folder/banyan/three" "$url" \
    banyan/three "PEFT loads what Banyan wrote ($targets)" "$results"
  check "compare-patterns-$folder" "$PEFT_PYTHON" "$here/compare_logits.py" . "adapters-$folder/banyan/patterns" "$url" \
    banyan/patterns "PEFT loads what Banyan wrote with patterns and dropout ($targets)" "$results"
  check "compare-combined-$folder" "$PEFT_PYTHON" "$here/compare_logits.py" . "adapters-$folder/banyan/combined" "$url" \
    banyan/combined "PEFT loads what Banyan combined ($targets)" "$results"
  check "compare-peft-$folder" "$PEFT_PYTHON" "$here/compare_logits.py" . "adapters-$folder/peft/three" "$url" \
    peft/three "Banyan serves what PEFT wrote ($targets)" "$results"
  stop
done

# Every other method: the name in methods.py, how a bundle is prepared, flags of the training.
while IFS='|' read -r name method flags; do
  # shellcheck disable=SC2086
  step "prepare-$name" "$banyan" prepare --model encoder.onnx --tokenizer tokenizer.json --task text-classification \
    --method "$method" --pooling pooler --max-length 64 --out "bundle-$name"
  mkdir -p "adapters-$name/banyan" "adapters-$name/peft"
  # shellcheck disable=SC2086
  step "train-$name" "$banyan" train --bundle "bundle-$name" --data three.jsonl --epochs 20 --batch-size 8 \
    --learning-rate 5e-3 $flags --out "adapters-$name/banyan/three"
  step "peft-$name" "$PEFT_PYTHON" "$here/peft_writes.py" . "$name" "adapters-$name/peft/three"
  start_server "bundle-$name" "adapters-$name" --max-rank 60
  check "compare-banyan-$name" "$PEFT_PYTHON" "$here/compare_logits.py" . "adapters-$name/banyan/three" "$url" \
    banyan/three "PEFT loads what Banyan wrote ($name)" "$results"
  check "compare-peft-$name" "$PEFT_PYTHON" "$here/compare_logits.py" . "adapters-$name/peft/three" "$url" \
    peft/three "Banyan serves what PEFT wrote ($name)" "$results"
  stop
done <"$here/methods.txt"

for targets in query,value all-linear; do
  folder="${targets/,/-}"
  "$banyan" train --bundle "bundle-$folder" --data two.jsonl --rank 8 --alpha 16 --epochs 10 --batch-size 16 \
    --learning-rate 1e-2 --schedule constant --warmup 0 --weight-decay 0.01 --clip 1.0 --seed 42 \
    --out "adapters-$folder/banyan/two" --json >"two-$folder.json" 2>"two-$folder.log" \
    || { cat "two-$folder.log" >&2; exit 1; }
  check "ort-$folder" "$ORT_TRAINING_PYTHON" "$here/ort_training_python.py" "bundle-$folder" two.jsonl \
    "two-$folder.json" "adapters-$folder/banyan/two" 1e-2 "$results"
done

"$PEFT_PYTHON" "$here/table.py" "$results" || failed=1
exit "$failed"
