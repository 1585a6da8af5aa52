import Experiments
import Foundation
import PropertyTesting

extension Reader {
  /// The token of a failing case, and the case that generators make of it.
  static let token = Reader("token") { data in
    guard let token = ReplayToken(String(decoding: data, as: UTF8.self)) else { return }
    precondition(ReplayToken(token.description) == token, "written as another token")
    _ = try? values.value(from: ChoiceSource(playing: token))
  }

  private static let values: Generator<[String]> = .array(
    of: .oneOf(
      Generator<Int>.integer(in: Int.min...Int.max).map { "\($0)" },
      Generator<Double>.double(in: -1...1).map { "\($0)" }, .string()), count: 0...50)

  /// What the sampling profiler writes.
  static let profile = Reader("profile") { data in
    let profile = try CPUProfile(data)
    // Of what a profile maps nothing is opened here.
    var symbolizer = Symbolizer(profile.mappings) { _ in ELFSymbols(data) }
    _ = symbolizer.stacks(of: profile).functions
  }

  /// The functions of a program or library.
  static let symbols = Reader("symbols") { data in
    guard let symbols = ELFSymbols(data) else { return }
    for offset in stride(from: 0, through: data.count, by: max(1, data.count / 64)) {
      guard let name = symbols.name(atFileOffset: UInt64(offset)) else { continue }
      _ = SymbolName.readable(name, library: "libx")
      _ = SymbolName.function(name)
    }
  }
}
