#!/bin/sh
# The shared library exports us_ names and nothing else. Usage: symbols.sh LIBRARY
names=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }') || exit 1
echo "$names" | grep -qx us_context_create || { echo "us_context_create is not exported"; exit 1; }
others=$(echo "$names" | grep -v '^us_[a-z]' | grep -vE '^(_init|_fini|__bss_start|_edata|_end)$')
[ -z "$others" ] || { echo "exported, but not us_: $others"; exit 1; }
inside=$(echo "$names" | grep '^us__')
[ -z "$inside" ] || { echo "exported, but inside: $inside"; exit 1; }
