import Foundation

/// The scaling of a network's input, and where it is stated.
package struct InputScaling: Sendable, Hashable {
  /// Where a scaling is from.
  package enum Source: Sendable, Hashable, CustomStringConvertible {
    /// The file's metadata.
    case metadata
    /// Two tensors of the file, by name.
    case tensors(mean: String, deviation: String)
    /// The caller who reads the file.
    case caller
    /// A file of settings beside the network's, by name.
    case settings(String)

    package var description: String {
      switch self {
      case .metadata: "the file's metadata"
      case .tensors(let mean, let deviation):
        "the file's tensors \(mean.printable) and \(deviation.printable)"
      case .caller: "what was given"
      case .settings(let name): "\(name.printable) beside the file"
      }
    }
  }

  package let normalization: Normalization
  package let source: Source

  package init(_ normalization: Normalization, from source: Source) {
    self.normalization = normalization
    self.source = source
  }

  /// The scaling that a file of settings (JSON) says, such as the `config.json` that is handed out beside a network: two
  /// lists of numbers, or two numbers, under names that tensors of a scaling have, at the top or one level below.
  ///
  /// - Parameters:
  ///   - name: of the file.
  ///   - channels: of the network's images.
  /// - Returns: nil if it says none, or is no JSON.
  /// - Throws: `CheckpointError.scaling` if it says several that differ, or one that cannot be.
  package init?(settings: Data, named name: String, channels: Int) throws {
    guard let top = try? JSONSerialization.jsonObject(with: settings) as? [String: Any] else {
      return nil
    }
    func numbers(_ value: Any?) -> [Float]? {
      if let number = value as? Double { return Array(repeating: Float(number), count: channels) }
      return (value as? [Double])?.map { Float($0) }
    }
    let inner = top.sorted { $0.key < $1.key }.compactMap { $0.value as? [String: Any] }
    var found: [InputScaling] = []
    for object in [top] + inner {
      for (mean, deviation) in Self.names {
        guard let means = numbers(object[mean]), let deviations = numbers(object[deviation]) else {
          continue
        }
        guard means.count == channels else {
          throw CheckpointError.channels(means.count, of: channels)
        }
        do {
          found.append(
            InputScaling(
              try Normalization(mean: means, standardDeviation: deviations), from: .settings(name)))
        } catch {
          throw CheckpointError.scaling(
            "\(Source.settings(name)) says no scaling of the input: \(error)")
        }
      }
    }
    guard let agreed = try Self.agreed(found) else { return nil }
    self = agreed
  }

  /// Names that published code gives the two tensors in which a network keeps the scaling of its input:
  /// mean, standard deviation.
  private static let names = [
    ("mu", "sigma"), ("mean", "std"), ("mean", "sigma"), ("mean", "stdev"), ("means", "stds"),
    ("means", "sds"), ("new_mean", "new_std"), ("_mean", "_std"), ("image_mean", "image_std"),
    ("img_mean", "img_std"), ("pixel_mean", "pixel_std"), ("input_mean", "input_std"),
    ("norm_mean", "norm_std"), ("data_mean", "data_std"),
  ]

  /// Pairs of tensors whose names say that they are a scaling of the input, with the same path before
  /// the last dot: `normalize.mean` and `normalize.std`.
  package static func pairs(
    in entries: [SafetensorsHeader.Entry]
  ) -> [(mean: SafetensorsHeader.Entry, deviation: SafetensorsHeader.Entry)] {
    let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return entries.flatMap { entry in
      let place = entry.name.lastIndex(of: ".").map { entry.name[...$0] } ?? ""
      let last = entry.name.dropFirst(place.count)
      return names.filter { $0.0 == last }.compactMap { pair in
        byName[place + pair.1].map { (entry, $0) }
      }
    }
  }

  /// The scaling that two tensors hold: one number per channel, or one for all, in any shape in which
  /// PyTorch takes them to images [N, C, H, W]: [C], [C, 1, 1], [1, C, 1, 1], [1] or [].
  ///
  /// - Throws: `CheckpointError.scaling` if shapes or values are not those of a scaling.
  package init(
    mean: SafetensorsHeader.Entry, deviation: SafetensorsHeader.Entry, channels: Int, in file: Data
  ) throws {
    func numbers(_ entry: SafetensorsHeader.Entry) throws -> [Float] {
      let shapes = [[channels], [channels, 1, 1], [1, channels, 1, 1]]
      guard shapes.contains(entry.shape) || entry.count == 1 && entry.shape.count <= 4 else {
        throw CheckpointError.scaling(
          "\(entry.name.printable) has shape \(entry.shape), where a scaling has one number for each "
            + "of \(channels) channels, or one for all")
      }
      let values = try entry.tensor(in: file).values
      return values.count == channels ? values : Array(repeating: values[0], count: channels)
    }
    source = .tensors(mean: mean.name, deviation: deviation.name)
    let (means, deviations) = (try numbers(mean), try numbers(deviation))
    do {
      normalization = try Normalization(mean: means, standardDeviation: deviations)
    } catch { throw CheckpointError.scaling("\(source) are no scaling of the input: \(error)") }
  }

  /// The scaling that all sources agree on; nil if there is no source.
  ///
  /// - Throws: `CheckpointError.scaling` if two differ, or one cannot be that of a network.
  package static func agreed(_ all: [InputScaling]) throws(CheckpointError) -> InputScaling? {
    for scaling in all {
      if let problem = scaling.normalization.implausibility {
        throw .scaling("\(scaling.source): \(problem)")
      }
      guard let first = all.first, first.normalization != scaling.normalization else { continue }
      func text(_ scaling: InputScaling) -> String {
        "\(scaling.source) (\(scaling.normalization.description))"
      }
      throw .scaling(
        "\(text(first)) and \(text(scaling)) differ on how the network's input is scaled; leave one out"
      )
    }
    return all.first
  }
}

extension Normalization {
  /// Why this cannot be the scaling of pixels from 0 to 1, in words; nil if it can.
  ///
  /// Numbers in [0, 1] have a mean in [0, 1] and a standard deviation of at most ½; a deviation of 1 is
  /// allowed too, as it means that nothing is divided. Scalings of pixels from 0 to 255 exceed both.
  package var implausibility: String? {
    if mean.allSatisfy({ 0...1 ~= $0 }), standardDeviation.allSatisfy({ 0.001...1 ~= $0 }) {
      return nil
    }
    let isOfBytes =
      mean.allSatisfy { 0...255 ~= $0 } && standardDeviation.allSatisfy { 1...255 ~= $0 }
    return "\(description) is no scaling of pixels from 0 to 1, where means are from 0 to 1 and "
      + "deviations from 0.001 to 1"
      + (isOfBytes ? "; if it is one of pixels from 0 to 255, divide all by 255" : "")
  }

  /// Mean and deviation by channel.
  package var description: String {
    func list(_ numbers: [Float]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
    return "mean \(list(mean)), standard deviation \(list(standardDeviation))"
  }
}
