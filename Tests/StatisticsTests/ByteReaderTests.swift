import Foundation
import PropertyChecks
import PropertyTesting
import Statistics
import Testing

@Suite("What is read of outside bytes")
struct ByteReaderTests {
  @Test("Numbers are where they were written, and nowhere behind the end")
  func numbers() async {
    await check(
      "numbers", .array(of: .integer(in: UInt8.min...UInt8.max), count: 0...20),
      .oneOf(.integer(in: -3...25), .integer())
    ) { bytes, place in
      // A slice, whose first byte is not at index 0.
      let reader = ByteReader((Data([1, 2]) + bytes).dropFirst(2))
      func expected(_ size: Int) -> UInt64? {
        guard place >= 0, place <= bytes.count - size else { return nil }
        return bytes[place..<place + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      }
      #expect(reader.count == bytes.count)
      #expect(reader.value(at: place, as: UInt8.self).map(UInt64.init) == expected(1))
      #expect(reader.value(at: place, as: UInt32.self).map(UInt64.init) == expected(4))
      #expect(reader.value(at: place, as: UInt64.self) == expected(8))
      let offset = expected(8).flatMap { $0 <= UInt64(bytes.count) ? Int($0) : nil }
      #expect(reader.offset(at: place) == offset)
      let text = (0..<bytes.count ~= place) ? bytes[place...] : []
      #expect(
        reader.text(at: place)
          == text.firstIndex(of: 0).map { String(decoding: text[..<$0], as: UTF8.self) })
    }
  }

  @Test("A product of extents is what it is, or there is none: below zero, or above the limit")
  func products() async {
    await check(
      "products", .array(of: .oneOf(.integer(in: -1...9), .integer()), count: 0...5),
      .oneOf(.integer(in: 0...1000), .always(.max))
    ) { extents, limit in
      let factors = extents.filter { $0 != 0 }
      var product: Int? = extents.contains { $0 < 0 } ? nil : 1
      for factor in factors {
        product = product.flatMap {
          let (next, overflow) = $0.multipliedReportingOverflow(by: factor)
          return overflow || next > limit ? nil : next
        }
      }
      if extents.contains(0), product != nil { product = 0 }
      #expect(extents.product(atMost: limit) == product)
    }
    #expect([0, 1 << 62, 4].product(atMost: .max) == nil)
    #expect([Int]().product(atMost: 1) == 1)
  }
}
