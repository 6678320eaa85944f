#!/bin/sh
# Every operation of the graph is named in a test of operations: its value against a plain loop, and its rules. What has no
# derivative is left out: leaves, and numbers that tests of dropout, batch normalisation and losses see. Usage: operations.sh
# SOURCE-ROOT
cd "$1" || exit 1
status=0
for name in $(sed -n '/^extern const us__op /,/;/p' src/graph/graph.h | grep -o 'us__op_[a-z_]*'); do
  case ${name#us__op_} in
    parameter | features | targets | labels | constant | array | weight | tangent | running | training | mask | one_hot) continue ;;
  esac
  grep -qw "$name" tests/graph/ops_test.c tests/graph/samples_test.c || { echo "$name: no test names it"; status=1; }
done
exit $status
