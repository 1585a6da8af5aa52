#!/usr/bin/env bash
# Library: GNU parallel 20221122 (Debian 12)
# Guess: Jobs that run in random order (`--shuf`) with a log (`--joblog`), of which some were done when the run ended, are
#   completed by the same command with `--resume`: each runs once. Or the two options are refused together.
# Behaviour: The log knows jobs by their number in the shuffled order, and the order is drawn anew. As many jobs run as
#   were missing, but which ones is by chance: half of those that were missing never run, as many run twice,
#   and the exit status is 0. `--resume-failed` repeats other jobs than those that failed. Without `--shuf` both are right.
# Seen: 2026-11-28:
#   GNU parallel 20221122
#   --shuf, ended after 20 of 40 jobs, then --resume: status 0, 10 of 40 never ran, 10 twice
#   --shuf, 8 of 40 jobs failed, then --resume-failed: status 0, 7 of 8 not repeated
#   in order, ended after 20 of 40 jobs, then --resume: status 0, 0 of 40 never ran, 0 twice
#   in order, 8 of 40 jobs failed, then --resume-failed: status 0, 0 of 8 not repeated
set -u
command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q '^GNU parallel' ||
  { echo "GNU parallel is missing" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export HOME=$work
parallel --version | head -n 1
status=0
for option in --shuf ""; do
  name=${option:-in order}
  rm -f log ran
  parallel $option --jobs 1 --joblog log --halt now,done=20 'echo {} >>ran' ::: {1..40} 2>/dev/null
  parallel $option --jobs 1 --joblog log --resume 'echo {} >>ran' ::: {1..40} 2>/dev/null
  ended=$?
  never=$((40 - $(sort -u ran | wc -l)))
  twice=$(sort ran | uniq -d | wc -l)
  echo "$name, ended after 20 of 40 jobs, then --resume: status $ended, $never of 40 never ran, $twice twice"

  rm -f log ran
  parallel $option --jobs 1 --joblog log '[ {} -gt 8 ]' ::: {1..40} 2>/dev/null
  parallel $option --jobs 1 --joblog log --resume-failed 'echo {} >>ran' ::: {1..40} 2>/dev/null
  repeated=$?
  missing=$((8 - $(awk '$1 <= 8' ran | sort -u | wc -l)))
  echo "$name, 8 of 40 jobs failed, then --resume-failed: status $repeated, $missing of 8 not repeated"
  # By chance nothing is missing once in 10^11 and once in 10^7 runs.
  if [ "$option" ]; then [ $never -gt 0 ] && [ $missing -gt 0 ]; else [ $never$twice$missing = 000 ]; fi &&
    [ $ended$repeated = 00 ] || status=1
done
exit $status
