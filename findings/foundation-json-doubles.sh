#!/usr/bin/env bash
# Library: Foundation of Swift 6.3.1 on Linux (swift-corelibs-foundation), JSONSerialization
# Guess: A double that is written with its shortest decimal, which any correct reader takes back for the same double, is
#   read as that double, as JSONDecoder of the same Foundation, Python and JavaScript read it.
# Behaviour: Nearly half of ordinary quotients come back as another double, up to 4 units in the last place away:
#   1/255 is read as 0.0039215686274509795. JSONDecoder reads all of them as they are. Values that are compared,
#   hashed or written again are others, and a text that was read and written says other digits.
# Seen: 2026-11-28:
#   Swift version 6.3.1 (swift-6.3.1-RELEASE)
#   1/255 written as 0.00392156862745098, read as 0.0039215686274509795
#   JSONSerialization: 340 of 768 quotients are another double, by up to 4 units in the last place
#   JSONDecoder: 0 of 768
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
command -v swiftc >/dev/null || { echo "there is no swiftc" >&2; exit 2; }
swiftc --version 2>/dev/null | head -n 1
cat >"$work/main.swift" <<'SWIFT'
import Foundation

var (serialization, decoder, furthest, count) = (0, 0, 0, 0)
for numerator in 0...255 {
  for denominator in [255, 1000, 1797] {
    let number = Double(numerator) / Double(denominator)
    let text = Data("[\(number)]".utf8)
    guard let array = try JSONSerialization.jsonObject(with: text) as? [Any], let read = array[0] as? Double
    else { exit(2) }
    if numerator == 1, denominator == 255 { print("1/255 written as \(number), read as \(read)") }
    count += 1
    if read != number { serialization += 1 }
    furthest = max(furthest, abs(Int(read.bitPattern) - Int(number.bitPattern)))
    if try JSONDecoder().decode([Double].self, from: text) != [number] { decoder += 1 }
  }
}
print(
  "JSONSerialization: \(serialization) of \(count) quotients are another double, by up to \(furthest) units in the "
    + "last place")
print("JSONDecoder: \(decoder) of \(count)")
exit(serialization > 0 && decoder == 0 ? 0 : 1)
SWIFT
swiftc -o "$work/numbers" "$work/main.swift" || exit 2
"$work/numbers"
