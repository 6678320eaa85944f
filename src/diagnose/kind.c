/* What a critical point is called, from the signs of its eigenvalues: the table of DESIGN.md. */
#include <unstuck/diagnose.h>

const char *us_kind_name(us_kind kind) {
    static const char *const NAMES[] = {
        [US_KIND_MINIMUM] = "minimum",       [US_KIND_MAXIMUM] = "maximum",           [US_KIND_SADDLE] = "saddle",
        [US_KIND_DEGENERATE] = "degenerate", [US_KIND_NOT_CRITICAL] = "not-critical", [US_KIND_UNDECIDED] = "undecided"};
    return (unsigned)kind < sizeof NAMES / sizeof *NAMES ? NAMES[kind] : "undecided";
}

us_kind us_kind_from_counts(bool critical, size_t negative, size_t zero, size_t positive) {
    if (!critical) return US_KIND_NOT_CRITICAL;
    if (negative && positive) return US_KIND_SADDLE; /* whatever is zero: a way down and a way up are proved */
    if (zero || !(negative || positive)) return US_KIND_DEGENERATE;
    return negative ? US_KIND_MAXIMUM : US_KIND_MINIMUM;
}
