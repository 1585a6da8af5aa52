#!/usr/bin/env bash
# Library: Synchronization.Mutex of Swift 6.3 on Linux (swift.org), and the thread sanitizer of its toolchain
# Guess: The thread sanitizer knows the lock of the standard library, as it knows pthread's: what is touched under one
#   lock alone is no race.
# Behaviour: It knows a lock that is free. One that is contended is taken and given back by the kernel, in `_lockSlow` and
#   `_unlockSlow` of a library that is not instrumented, so the thread that waited is not ordered behind the one that
#   let it in. Every contended `Mutex` is reported as a race, in good programs too, and who silences frames with
#   `withLock` for that silences real races of a locked access and one without the lock.
#   Two calls at those places, `__tsan_acquire` behind the one and `__tsan_release` before the other, end it.
# Seen: 2026-11-28:
#   Swift version 6.3.1 (swift-6.3.1-RELEASE)
#   a free lock: 0 reports
#   a contended lock: 1 report
set -u
command -v swiftc >/dev/null || { echo "swiftc is missing" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
cat >main.swift <<'SWIFT'
import Foundation
import Synchronization

final class Count: Sendable { let value = Mutex(0) }
let count = Count()
let isContended = CommandLine.arguments.count > 1
let ends = DispatchSemaphore(value: 0)
for _ in 0..<4 {
  Thread {
    for _ in 0..<200 {
      count.value.withLock {
        $0 += 1
        if isContended { usleep(10) }
      }
    }
    ends.signal()
  }.start()
  // Without contention one thread is done before the next begins.
  if !isContended { ends.wait() }
}
if isContended { for _ in 0..<4 { ends.wait() } }
guard count.value.withLock(\.self) == 800 else { fatalError("the lock does not hold") }
SWIFT
swiftc -swift-version 6 -O -sanitize=thread main.swift -o program 2>log || { cat log >&2; exit 2; }

swift --version 2>/dev/null | grep -o 'Swift version .*' | sed 's/ *$//'
status=0
expect() {  # what should be seen, what is tried, words
  local seen
  seen=$(./program "${@:3}" 2>&1 | grep -c 'WARNING: ThreadSanitizer')
  echo "$2: $seen report$([ "$seen" = 1 ] || echo s)"
  [ "$seen" = "$1" ] || status=1
}
expect 0 "a free lock"
expect 1 "a contended lock" contended
exit $status
