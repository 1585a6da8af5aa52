import Foundation
import Statistics

/// The kinds of floating-point numbers, the simplest first.
public enum FloatingPointClass: Int, CaseIterable, Sendable, Codable {
  /// Whole numbers, positive and negative, of any size up to 2^(digits of the significand).
  case whole
  /// Multiples of 1/2, 1/4, … 1/1024.
  case fraction
  /// Any normal number in (0, 1), with a sign.
  case unit
  /// Any bit pattern of a normal number.
  case normal
  /// A power of two or a neighbour of one.
  case nearPowerOfTwo
  /// Below the least normal magnitude.
  case subnormal
  /// −0.
  case negativeZero
  /// ∞ and −∞.
  case infinity
  /// Not a number.
  case nan

  /// All numbers that are finite.
  public static let finite: Set<FloatingPointClass> = Set(allCases).subtracting([.infinity, .nan])
}

/// What `Generator` needs to know of Float and Double.
public protocol GeneratedFloatingPoint: BinaryFloatingPoint, Sendable
where RawSignificand: Sendable {
  /// The number with this bit pattern; a type with 32 bits ignores the upper ones.
  init(pattern: UInt64)
}

extension Double: GeneratedFloatingPoint {
  /// The number with these 64 bits.
  public init(pattern: UInt64) { self.init(bitPattern: pattern) }
}

extension Float: GeneratedFloatingPoint {
  /// The number with the lower 32 of these bits.
  public init(pattern: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: pattern)) }
}

extension Generator where Value: GeneratedFloatingPoint {
  /// Numbers of the given classes, each class as likely as the others. With no class the property is
  /// refused.
  public static func floatingPoint(
    of classes: Set<FloatingPointClass> = Set(FloatingPointClass.allCases)
  ) -> Generator {
    let kinds = classes.sorted { $0.rawValue < $1.rawValue }
    return Generator<FloatingPointClass>.element(of: kinds).flatMap { number(of: $0) }
  }

  /// Finite numbers in the range, its ends and zero among them; simplest is zero, or else the end
  /// nearest to it. Both ends are finite.
  public static func floatingPoint(in range: ClosedRange<Value>) -> Generator {
    let (low, high) = (range.lowerBound, range.upperBound)
    guard low.isFinite, high.isFinite else {
      return .impossible("\(range) has an end that is not finite; give finite ends")
    }
    let origin = min(max(0, low), high)
    let steps = UInt64(1) << UInt64(min(Value.significandBitCount + 1, 53))
    return Generator { source throws(Discarded) in
      try source.span { () throws(Discarded) in
        // 0: the simplest, 1: an end, 2: tenths of the range, 3: anything between.
        switch try source.choose(
          upTo: 3, draw: { UInt64([0, 1, 2, 3, 3, 3, 3, 3][$0.integer(below: 8)]) })
        {
        case 0: return origin
        case 1: return try source.choose(upTo: 1) == 0 ? high : low
        case 2:
          let tenths = Value(try source.choose(upTo: 10))
          return clamp(low * (1 - tenths / 10) + high * (tenths / 10), range)
        default:
          let share = Value(try source.choose(upTo: steps)) / Value(steps)
          return clamp(low * (1 - share) + high * share, range)
        }
      }
    }
  }

  private static func clamp(_ value: Value, _ range: ClosedRange<Value>) -> Value {
    min(max(value, range.lowerBound), range.upperBound)
  }

  private static func number(of kind: FloatingPointClass) -> Generator {
    func signed(_ magnitude: Generator) -> Generator {
      Generator { source throws(Discarded) in
        let isNegative = try source.choose(upTo: 1) == 1
        let value = try magnitude.value(from: source)
        return isNegative ? -value : value
      }
    }
    func bits(from low: Value, upTo high: Value) -> Generator {
      let (low, high) = (pattern(low), pattern(high))
      return Generator { source throws(Discarded) in
        Value(pattern: low + (try source.choose(upTo: high - low)))
      }
    }
    let digits = Value.significandBitCount + 1
    switch kind {
    case .whole:
      return signed(
        Generator { source throws(Discarded) in
          let bound = UInt64(1) << UInt64(digits)
          return Value(try source.choose(upTo: bound) { magnitude(upTo: bound, from: &$0) })
        }
      ).map { $0 == 0 ? 0 : $0 }
    case .fraction:
      return signed(
        Generator { source throws(Discarded) in
          let places = 1 + (try source.choose(upTo: 9))
          let bound = UInt64(1) << UInt64(min(digits, 20))
          let numerator = try source.choose(upTo: bound) { magnitude(upTo: bound, from: &$0) }
          return Value(numerator) / Value(UInt64(1) << places)
        }
      ).map { $0 == 0 ? 0 : $0 }
    case .unit:
      return signed(bits(from: .leastNormalMagnitude, upTo: Value(1).nextDown))
    case .normal:
      return signed(bits(from: .leastNormalMagnitude, upTo: .greatestFiniteMagnitude))
    case .nearPowerOfTwo:
      let exponents =
        Int(Value.leastNormalMagnitude.exponent)...Int(Value.greatestFiniteMagnitude.exponent)
      return signed(
        Generator { source throws(Discarded) in
          let exponent = try Generator<Int>.integer(in: exponents).value(from: source)
          let power = Value(sign: .plus, exponent: Value.Exponent(exponent), significand: 1)
          return switch try source.choose(upTo: 2) {
          case 0: power
          case 1: power.nextDown
          default: power.nextUp
          }
        })
    case .subnormal:
      return signed(bits(from: .leastNonzeroMagnitude, upTo: Value.leastNormalMagnitude.nextDown))
    case .negativeZero: return .always(-0.0)
    case .infinity: return signed(.always(.infinity))
    case .nan: return .always(.nan)
    }
  }

  /// The bits of a positive number, which are ordered as the numbers are.
  private static func pattern(_ value: Value) -> UInt64 {
    UInt64(value.exponentBitPattern) << UInt64(Value.significandBitCount)
      | UInt64(value.significandBitPattern)
  }
}

extension Generator where Value == Double {
  /// Any number in [0, 1]; simplest is 0.
  public static var unitInterval: Generator { floatingPoint(in: 0...1) }

  /// Numbers of the given classes, by default the finite ones.
  public static func double(
    of classes: Set<FloatingPointClass> = FloatingPointClass.finite
  ) -> Generator { floatingPoint(of: classes) }

  /// Numbers in the range.
  public static func double(in range: ClosedRange<Double>) -> Generator { floatingPoint(in: range) }
}

extension Generator where Value == Float {
  /// Any number in [0, 1]; simplest is 0.
  public static var unitInterval: Generator { floatingPoint(in: 0...1) }

  /// Numbers of the given classes, by default the finite ones.
  public static func float(
    of classes: Set<FloatingPointClass> = FloatingPointClass.finite
  ) -> Generator { floatingPoint(of: classes) }

  /// Numbers in the range.
  public static func float(in range: ClosedRange<Float>) -> Generator { floatingPoint(in: range) }

  /// Numbers in the range, whose ends are rounded to Float.
  ///
  /// Among the generators of a property the compiler takes the literals in `.float(in: -1...1)` for
  /// Double, and needs this overload. It is disfavoured so that Float ends are taken as they are.
  @_disfavoredOverload
  public static func float(in range: ClosedRange<Double>) -> Generator {
    floatingPoint(in: Float(range.lowerBound)...Float(range.upperBound))
  }
}

extension Generator where Value == [Double] {
  /// Probabilities of `count` classes, uniform on the simplex but for its corners and edges, which
  /// come often; not negative, with sum 1 up to rounding. The simplest is certain of the last class.
  /// With 0 classes the property is refused.
  public static func simplexPoint(_ count: Int) -> Generator {
    guard count > 0 else {
      return .impossible("there is no distribution on \(count) classes; give 1 or more")
    }
    return Generator { source throws(Discarded) in
      var rest = 1.0
      var point: [Double] = []
      for remaining in stride(from: count - 1, to: 0, by: -1) {
        // Stick breaking: this share of the rest makes the point uniform, as `remaining` more pieces
        // follow.
        let u = try Generator<Double>.unitInterval.value(from: source)
        let piece = rest * (1 - pow(1 - u, 1 / Double(remaining)))
        point.append(piece)
        rest -= piece
      }
      point.append(rest)
      return point
    }
  }
}

extension Generator where Value == [[Double]] {
  /// Matrices [rows][columns] of the given entries.
  public static func matrix(
    rows: ClosedRange<Int>, columns: ClosedRange<Int>, of entry: Generator<Double>
  ) -> Generator {
    Generator<Int>.integer(in: columns, near: columns.lowerBound).flatMap { width in
      .array(of: .array(of: entry, count: width), count: rows)
    }
  }
}
