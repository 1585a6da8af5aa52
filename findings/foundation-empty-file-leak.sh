#!/usr/bin/env bash
# Library: Foundation of Swift 6.3 on Linux (swift.org)
# Guess: `Data(contentsOf:)` of an empty file is an empty value, and leaves nothing behind.
# Behaviour: Every such read loses 4096 bytes for good. A file with a byte in it loses nothing, and neither does one of
#   `/proc`, whose size is said to be 0. A leak check of a program that looks into new files finds leaks that are not its own.
# Seen: 2026-11-28:
#   Swift version 6.3.1 (swift-6.3.1-RELEASE)
#   10 reads of an empty file: 40960 bytes lost
#   10 reads of a file of two bytes: 0 bytes lost
#   10 reads of /proc/self/statm: 0 bytes lost
set -u
command -v swiftc >/dev/null || { echo "swiftc is missing" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
cat >main.swift <<'SWIFT'
import Foundation
for _ in 0..<10 { _ = try Data(contentsOf: URL(filePath: CommandLine.arguments[1])) }
SWIFT
swiftc -swift-version 6 -O -sanitize=address main.swift -o program 2>log || { cat log >&2; exit 2; }
: >empty
echo x >two

swift --version 2>/dev/null | grep -o 'Swift version .*' | sed 's/ *$//'
status=0
expect() {  # bytes that should be lost, the file's name, the file
  local seen
  seen=$(ASAN_OPTIONS=detect_leaks=1 SWIFT_BACKTRACE=enable=no ./program "$3" 2>&1 |
    sed -n 's/^SUMMARY: AddressSanitizer: \([0-9]*\) byte.*/\1/p')
  echo "10 reads of $2: ${seen:-0} bytes lost"
  [ "${seen:-0}" = "$1" ] || status=1
}
expect 40960 "an empty file" empty
expect 0 "a file of two bytes" two
expect 0 "/proc/self/statm" /proc/self/statm
exit $status
