#!/bin/sh
# Every public header compiles alone, as C11 and as C++17. Usage: headers.sh SOURCE-ROOT
cd "$1" || exit 1
bad=0
for header in include/unstuck/*.h; do
  gcc -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c "$header" || bad=1
  g++ -std=c++17 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c++ "$header" || bad=1
done
exit $bad
