#!/usr/bin/env bash
# Library: Foundation of Swift 6.3.1 on Linux (swift-corelibs-foundation)
# Guess: JSONSerialization and JSONEncoder with `.sortedKeys` write the keys of one dictionary in the same order, that of
#   Swift's `<`, Python's `sort_keys` and `jq -S`, so that equal results have equal bytes and equal digests.
# Behaviour: JSONEncoder writes that order. JSONSerialization sorts as a file browser does: digits by their number, letters
#   without regard to case and accents first. Files that one wrote and the other rewrote differ in their bytes and
#   digests, and so do those of the same tool in another language.
# Seen: 2026-11-28:
#   Swift version 6.3.1 (swift-6.3.1-RELEASE)
#   JSONEncoder:       PGD-10 PGD-50 PGD-9 Square pgd-10 square
#   JSONSerialization: PGD-9 pgd-10 PGD-10 PGD-50 square Square
#   Swift's <:         PGD-10 PGD-50 PGD-9 Square pgd-10 square
#   Python sort_keys:  PGD-10 PGD-50 PGD-9 Square pgd-10 square
set -u
command -v swiftc >/dev/null && command -v python3 >/dev/null || { echo "swiftc or python3 is missing" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
swiftc --version 2>/dev/null | grep -o 'Swift version .*' | sed 's/ *$//'
cat >"$work/main.swift" <<'SWIFT'
import Foundation

let names = ["square", "PGD-9", "pgd-10", "Square", "PGD-50", "PGD-10"]
let results = Dictionary(uniqueKeysWithValues: names.map { ($0, 1) })
let encoder = JSONEncoder()
encoder.outputFormatting = .sortedKeys
func keys(_ data: Data) -> String {
  String(decoding: data, as: UTF8.self).split(separator: "\"").filter { $0.first?.isLetter == true }
    .joined(separator: " ")
}
print("JSONEncoder:      ", keys(try encoder.encode(results)))
print("JSONSerialization:", keys(try JSONSerialization.data(withJSONObject: results, options: .sortedKeys)))
print("Swift's <:        ", names.sorted().joined(separator: " "))
SWIFT
swiftc -o "$work/order" "$work/main.swift" || exit 2
"$work/order" >"$work/seen" || exit 2
python3 - >>"$work/seen" <<'PY'
import json

names = "square", "PGD-9", "pgd-10", "Square", "PGD-50", "PGD-10"
print("Python sort_keys: ", *json.loads(json.dumps(dict.fromkeys(names, 1), sort_keys=True)))
PY
cat "$work/seen"
of() { sed -n "s/^$1: *//p" "$work/seen"; }
[ "$(of JSONEncoder)" = "$(of "Swift's <")" ] && [ "$(of JSONEncoder)" = "$(of "Python sort_keys")" ] &&
  [ "$(of JSONSerialization)" != "$(of JSONEncoder)" ] || exit 1
