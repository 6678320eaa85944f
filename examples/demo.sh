#!/usr/bin/env bash
# The demo: a network trained on real data, then one that stands still on a saddle, and how it gets off.
# Usage: demo.sh PATH-TO-UNSTUCK
set -euo pipefail
unstuck=$(realpath "$1")
images=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}/train-images-idx3-ubyte.gz
[ -r "$images" ] || { echo "demo: $images is not there; Debian's package dataset-fashion-mnist has it" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

if [ -t 1 ]; then bold=$'\033[1m' cyan=$'\033[36m' dim=$'\033[2m' off=$'\033[0m'; else bold='' cyan='' dim='' off=''; fi
title() { printf '\n%s%s%s\n' "$bold" "$1" "$off"; }
tell() { printf '%s%s%s\n' "$dim" "$1" "$off"; }
run() { printf '\n%s$ unstuck %s%s\n' "$cyan" "$*" "$off"; "$unstuck" "$@"; }

title "1. Training on real data: 60,000 pictures of clothes, ten kinds"
tell "A network with one hidden layer of 128 units, Adam, batches of 32. The test pictures are never trained on."
run train "$images" --model mlp:128 --optimizer adam --lr 0.001 --batch 32 --epochs 8 --run fashion

title "2. A network that stands still"
tell "500 points of y = sin(2a) + b/2. A network of 4 tanh units, all weights zero, as a beginner might start it."
awk 'BEGIN { srand(7); print "a,b,y"; for (i = 0; i < 500; i++) { a = 4 * rand() - 2; b = 4 * rand() - 2;
  printf "%.6f,%.6f,%.6f\n", a, b, sin(2 * a) + b / 2 + 0.05 * (rand() - 0.5) } }' >points.csv
run train points.csv --target y --model mlp:4:tanh --init zero --optimizer sgd --lr 0.1 --batch full --steps 300 \
  --test-fraction 0 --precision f64 --run stuck
tell "The loss did not move in 300 steps: 0.5, half the variance of y. Has it learnt all there is? No gradient, no way on?"

title "3. Why?"
tell "The gradient is zero, so ask the second derivatives: the eigenvalues of the Hessian, exactly, at this point."
run diagnose stuck
tell "A negative eigenvalue: this is no minimum but a saddle. Along that eigenvector the loss falls, on both sides;"
tell "plain descent can't know, for on the saddle itself the gradient is zero."

title "4. Off the saddle"
tell "Move along the most negative eigenvector, by a line search, on a copy; train on; keep it if it beats carrying on."
run unstick stuck

title "5. And now?"
run diagnose stuck --no-remedies

title "6. The same question, asked of a formula"
run critical '(1-w1*w2)^2' --at w1=0,w2=0
printf '\n'
tell "That was the demo. Your turn: unstuck train YOUR.csv, then unstuck diagnose runs/YOUR-1"
