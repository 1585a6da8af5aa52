#!/usr/bin/env bash
# Library: Linux with automatic process groups (`kernel.sched_autogroup_enabled`, on in Debian 12 and most others), with
#   `nice` of GNU coreutils 9.1 and `setsid` of util-linux 2.38
# Guess: What runs at niceness 19 takes what others leave: beside a process at 0 on the same processor some 1.5% of it, as
#   the weights 15 and 1024 of the scheduler say. So attacks that run for a night are harmless behind `nice`, however
#   they were started.
# Behaviour: Where a process has a session of its own, as by `setsid`, ssh, cron or a terminal, its niceness counts against
#   its own session alone, and sessions share alike: the nice one takes half of the processor. Times that are taken
#   beside it double. Only the niceness of the session, in /proc/PID/autogroup, makes it yield, and `renice` does not touch that.
# Seen: 2026-11-30, Linux 6.18:
#   a process of niceness 19 beside one of 0, share of the processor
#     in the session of the other: 1%
#     in a session of its own: 50%
#     there, with 19 in /proc/PID/autogroup: 2%
set -u
for tool in nice setsid taskset awk; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
[ "$(cat /proc/sys/kernel/sched_autogroup_enabled 2>/dev/null)" = 1 ] ||
  { echo "the kernel makes no groups of processes by session here" >&2; exit 2; }
grep -qx '.*:cpu[,a-z]*:/\|0::/.*' /proc/self/cgroup || { echo "a control group decides here" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
processor=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# The share of the second of two loops on one processor, in percent; $1 is what stands before the second.
share() {
  taskset -c "$processor" bash -c 'while :; do :; done' &
  local first=$!
  # shellcheck disable=SC2086
  taskset -c "$processor" $1 nice -n 19 bash -c 'while :; do :; done' &
  local second=$!
  sleep 0.5
  [ -z "${2:-}" ] || echo 19 >"/proc/$second/autogroup" || exit 2
  local before after
  before="$(ticks $first) $(ticks $second)"
  sleep 4
  after="$(ticks $first) $(ticks $second)"
  kill "$first" "$second"
  wait "$first" "$second" 2>/dev/null
  awk -v before="$before" -v after="$after" 'BEGIN {
    split(before, a); split(after, b)
    printf "%.0f", 100 * (b[2] - a[2]) / (b[1] - a[1] + b[2] - a[2])
  }'
}

echo "a process of niceness 19 beside one of 0, share of the processor"
together=$(share "")
echo "  in the session of the other: $together%"
apart=$(share setsid)
echo "  in a session of its own: $apart%"
yielding=$(share setsid yielding)
echo "  there, with 19 in /proc/PID/autogroup: $yielding%"
[ "$together" -lt 10 ] && [ "$apart" -gt 35 ] && [ "$yielding" -lt 10 ]
