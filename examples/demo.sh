#!/usr/bin/env bash
# The demo: a network trained on real data, then three that stand still for three different reasons, and how each is cured.
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
run train "$images" --model mlp:128 --optimizer adam --lr 0.001 --batch 32 --epochs 4 --run fashion

title "2. A network that stands still: why?"
tell "500 points of y = sin(2a) + b/2. A network of 4 tanh units, all weights zero, as a beginner might start it."
awk 'BEGIN { srand(7); print "a,b,y"; for (i = 0; i < 500; i++) { a = 4 * rand() - 2; b = 4 * rand() - 2;
  printf "%.6f,%.6f,%.6f\n", a, b, sin(2 * a) + b / 2 + 0.05 * (rand() - 0.5) } }' >points.csv
net() { run train points.csv --target y --batch full --test-fraction 0 --precision f64 "$@"; }
net --model mlp:4:tanh --init zero --optimizer sgd --lr 0.1 --steps 300 --run zero
tell "The loss did not move in 300 steps: 0.5, half the variance of y. Has it learnt all there is? No gradient, no way on?"
run diagnose zero
tell "A negative eigenvalue: this is no minimum but a saddle. Along that eigenvector the loss falls, on both sides;"
tell "plain descent can't know, for on the saddle itself the gradient is zero. The remedy: move along it, on a copy; train on;"
tell "keep it if it beats carrying on."
run unstick zero

title "3. Another that stands still, for another reason"
tell "The same points, weights drawn at random, a learning rate of a millionth."
net --model mlp:4:tanh --optimizer sgd --lr 1e-6 --steps 300 --run timid
run diagnose timid --no-remedies
run unstick timid

title "4. And one that blows up"
tell "A learning rate of 5, with momentum: the numbers end."
net --model mlp:16:relu --optimizer momentum --lr 5 --steps 300 --run wild || [ $? -eq 4 ]
run diagnose wild --no-remedies
run unstick wild

title "5. The same question, asked of a formula"
run critical '(1-w1*w2)^2' --at w1=0,w2=0
printf '\n'
tell "That was the demo. Your turn: unstuck train YOUR.csv, then unstuck diagnose runs/YOUR-1"
