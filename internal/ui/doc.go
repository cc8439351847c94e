// Package ui is how kraftstack speaks to people and to programs. Its rules, in
// one place:
//
//   - Results go to standard output, everything else to standard error: with
//     --json, standard output holds one JSON document and nothing more.
//   - On a terminal, work in progress is a board that is redrawn in place and
//     leaves only its summary behind. Elsewhere (a pipe, CI, TERM=dumb) it is
//     one line per step that ended, and for warnings and waits that last; the
//     cloud's many small parts are counted. With --json it is nothing.
//   - Colour only on a terminal, and never as the only carrier of a meaning.
//     NO_COLOR (any value) and TERM=dumb turn it off.
//   - No line on a board is wider than the terminal; what does not fit is cut
//     with an ellipsis. No board is higher than the terminal; what does not fit
//     is counted. What failed is always shown first and in full.
//   - Silence is a bug: without a terminal, a line at least every half minute
//     says what is being waited for.
//   - An error is "kraftstack: " and what failed, below it the host and step
//     where it happened, then lines that begin "next: ". No Go types, no stack
//     traces, no punctuation for drama. With --json it is one JSON object on
//     standard error.
//   - Output is deterministic: hosts in natural order (broker-2 before
//     broker-10), nothing in the order of a map.
//   - Names, states and steps are lower case words, times are "3.2s" or "2m03s".
//   - Secrets never reach this package.
package ui
