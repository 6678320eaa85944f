#!/bin/sh
# Includes point down only, and the command line uses the public headers only. Usage: layers.sh SOURCE-ROOT
cd "$1" || exit 1
order="base vec data problem graph model curvature landscape descend train diagnose remedy run report"
# Which floor a public header belongs to.
floor_of_header() {
  case $1 in
    version.h | context.h | rng.h) echo base ;;
    vec.h) echo vec ;;
    data.h | safetensors.h) echo data ;;
    problem.h | linear.h | units.h) echo problem ;;
    graph.h) echo graph ;;
    model.h) echo model ;;
    condition.h | curvature.h | density.h | lanczos.h | lowest.h | operator.h) echo curvature ;;
    landscape.h) echo landscape ;;
    rule.h | solve.h) echo descend ;;
    range.h | train.h) echo train ;;
    diagnose.h | critical.h | trend.h | watch.h | log.h) echo diagnose ;;
    remedy.h) echo remedy ;;
    race.h | run.h) echo run ;;
    report.h) echo report ;;
    unstuck.h) echo every ;;
    *) echo "unknown:$1" ;;
  esac
}
rank() {
  n=0
  for floor in $order; do
    [ "$floor" = "$1" ] && { echo $n; return; }
    n=$((n + 1))
  done
  echo 99
}
bad=0
files=0
for floor in $order; do
  mine=$(rank "$floor")
  for file in $(find "src/$floor" -name '*.[ch]'); do
    files=$((files + 1))
    for target in $(sed -n -e 's/^#include <unstuck\/\([a-z_]*\.h\)>.*/public:\1/p' -e 's/^#include "\([a-z_]*\)\/.*/\1/p' "$file"); do
      case $target in
        public:*) below=$(floor_of_header "${target#public:}") ;;
        *) below=$target ;;
      esac
      [ "$below" = ops ] || [ "$below" = rules ] || [ "$below" = solvers ] && continue
      if [ "$(rank "$below")" -gt "$mine" ]; then
        echo "$file includes $target, which is above $floor"
        bad=1
      fi
    done
  done
done
if grep -nE '^#include "(base|vec|data|problem|graph|model|curvature|landscape|descend|train|diagnose|remedy|run|report)/' src/cli/*.[ch]; then
  echo "the command line includes a private header"
  bad=1
fi
[ "$files" -gt 10 ] || { echo "only $files files looked at"; bad=1; }
exit $bad
