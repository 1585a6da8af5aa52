#!/usr/bin/env bash
# Library: Swift Package Manager of Swift 6.3 on Linux (swift.org), libFuzzer in its toolchain
# Guess: `swift build --sanitize fuzzer --sanitize address`, an option that may be repeated, instruments code for both, as
#   `swiftc -sanitize=fuzzer,address` does; or one of them is refused.
# Behaviour: Both are passed on as options of their own, of which the compiler takes one: address, in either order. The
#   fuzzer is linked and runs, over code that tells it nothing of what an input reaches, so that millions of
#   inputs "without a crash" were drawn blindly. `-Xswiftc -sanitize=fuzzer,address` instruments for both.
# Seen: 2026-11-28:
#   Swift version 6.3.1 (swift-6.3.1-RELEASE)
#   --sanitize fuzzer: coverage yes, address no
#   --sanitize address: coverage no, address yes
#   --sanitize fuzzer --sanitize address: coverage no, address yes
#   --sanitize address --sanitize fuzzer: coverage no, address yes
#   --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address: coverage yes, address yes
set -u
command -v swift >/dev/null && command -v nm >/dev/null || { echo "swift or nm is missing" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/Sources/Target" && cd "$work" || exit 2
cat >Package.swift <<'SWIFT'
// swift-tools-version: 6.0
import PackageDescription
let package = Package(name: "Target", targets: [.executableTarget(name: "Target")])
SWIFT
cat >Sources/Target/Target.swift <<'SWIFT'
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  var sum = 0
  for place in 0..<count where start[place] > 100 { sum += 1 }
  return sum < 0 ? 1 : 0
}
SWIFT

swift --version 2>/dev/null | grep -o 'Swift version .*' | sed 's/ *$//'
# Whether the target's own object file calls what records coverage, and what checks addresses.
instrumented() {
  rm -rf .build
  swift build --configuration release "$@" >log 2>&1 || { cat log >&2; echo "$* does not build" >&2; exit 2; }
  local object symbols
  object=$(find .build/ -name Target.swift.o | head -n 1)
  symbols=$(nm "$object") || exit 2
  has() { if grep -q "$1" <<<"$symbols"; then echo yes; else echo no; fi; }
  echo "coverage $(has __sanitizer_cov), address $(has __asan)"
}
status=0
expect() {  # what should be seen, options
  local seen
  seen=$(instrumented "${@:2}") || exit 2
  echo "${*:2}: $seen"
  [ "$seen" = "$1" ] || status=1
}
expect "coverage yes, address no" --sanitize fuzzer
expect "coverage no, address yes" --sanitize address
expect "coverage no, address yes" --sanitize fuzzer --sanitize address
expect "coverage no, address yes" --sanitize address --sanitize fuzzer
expect "coverage yes, address yes" --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address
exit $status
