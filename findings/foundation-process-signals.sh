#!/usr/bin/env bash
# Library: Foundation's Process of Swift 6.3 on Linux (swift.org)
# Guess: A program that is started from a task listens to signals as one that is started from the main thread:
#   terminate(), which sends SIGTERM, ends `sleep 5` at once.
# Behaviour: The program inherits the signal mask of the thread that starts it, and on the threads of Swift's concurrency
#   nearly all signals are blocked. SIGTERM, SIGINT and SIGHUP stay pending for ever: `sleep 5` takes its five seconds and
#   ends with status 0. So a time limit that terminates a slow model ends nothing, and its children neither; only SIGKILL
#   does.
# Seen: 2026-11-28:
#   Swift version 6.3.1 (swift-6.3.1-RELEASE)
#   SIGTERM blocked in a program started from the main thread: no, from a task: yes
#   sleep 5 terminated from the main thread: ended by the signal, from a task: took five seconds
set -u
command -v swiftc >/dev/null || { echo "swiftc is missing" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cat >"$work/main.swift" <<'SWIFT'
import Foundation

func blocksSIGTERM() throws -> String {
  let (process, output) = (Process(), Pipe())
  process.executableURL = URL(fileURLWithPath: "/bin/grep")
  process.arguments = ["SigBlk", "/proc/self/status"]
  process.standardOutput = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  let mask = UInt64(text.split(separator: "\t").last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "", radix: 16)
  return (mask ?? 0) >> UInt64(SIGTERM - 1) & 1 == 1 ? "yes" : "no"
}

func terminated() throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sleep")
  process.arguments = ["5"]
  try process.run()
  process.terminate()
  process.waitUntilExit()
  return process.terminationReason == .uncaughtSignal ? "ended by the signal" : "took five seconds"
}

// Before anything is awaited, behind which the rest of a program runs on another thread.
let (blocks, ending) = (try blocksSIGTERM(), try terminated())
let task = try await Task.detached { (try blocksSIGTERM(), try terminated()) }.value
print("SIGTERM blocked in a program started from the main thread: \(blocks), from a task: \(task.0)")
print("sleep 5 terminated from the main thread: \(ending), from a task: \(task.1)")
SWIFT
swift --version 2>/dev/null | grep -o 'Swift version .*' | sed 's/ *$//'
swiftc -swift-version 5 -o "$work/program" "$work/main.swift" 2>"$work/log" || { cat "$work/log" >&2; exit 2; }
"$work/program" >"$work/seen" || exit 2
cat "$work/seen"
grep -q 'main thread: no, from a task: yes' "$work/seen" &&
  grep -q 'main thread: ended by the signal, from a task: took five seconds' "$work/seen"
