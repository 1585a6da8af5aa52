import CFuzzer
import Foundation
import NeuralNetwork
import Statistics

/// Ways to change bytes. Those that know a format keep what a reader looks at first, lengths and checksums, so that the
/// changes come to what it does behind the door.
enum Changes {
  /// What libFuzzer does to bytes of which it knows nothing.
  static let bytes: Reader.Change = { data, most, _ in blindly(data, most) }

  private static func blindly(_ data: Data, _ most: Int) -> Data {
    let most = max(most, data.count)
    var bytes = [UInt8](repeating: 0, count: most)
    data.copyBytes(to: &bytes, count: data.count)
    let count = LLVMFuzzerMutate(&bytes, data.count, most)
    return Data(bytes.prefix(count))
  }

  /// One change in five is blind, so that nothing is out of reach.
  private static func known(
    _ data: Data, _ most: Int, _ random: inout RandomStream,
    _ change: (inout RandomStream) -> Data?
  ) -> Data {
    guard random.integer(below: 5) > 0, let changed = change(&random), changed.count <= most else {
      return blindly(data, most)
    }
    return changed
  }

  // MARK: JSON

  /// Changes of one part of a JSON value.
  static let json: Reader.Change = { data, most, random in
    known(data, most, &random) { random in
      JSON(data).map { JSONChange(&random).changed($0).data }
    }
  }

  // MARK: Safetensors

  /// Changes of a header, whose length in front is made right, and of values; mostly tensors are laid one behind the
  /// other again.
  static let safetensors: Reader.Change = { data, most, random in
    known(data, most, &random) { random in
      guard data.count > 8 else { return nil }
      let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length <= UInt64(data.count - 8) else { return nil }
      let header = data.dropFirst(8).prefix(Int(length))
      var values = Data(data.dropFirst(8 + Int(length)))
      switch random.integer(below: 8) {
      case 0: return file(blindly(Data(header), header.count + 16), values)
      case 1: return file(Data(header), blindly(values, max(values.count, 1)))
      default: break
      }
      guard let object = JSON(Data(header)), case .object(var entries) = object else { return nil }
      if random.integer(below: 4) == 0, case .object(var notes)? = object[notesName],
        let note = notes.indices.randomElement(using: &random), let text = notes[note].value.string
      {
        // Notes are often JSON themselves.
        notes[note].value = JSON(
          String(
            decoding: Changes.json(Data(text.utf8), text.utf8.count + 64, &random), as: UTF8.self))
        for place in entries.indices where entries[place].name.elementsEqual(notesName.utf8) {
          entries[place].value = .object(notes)
        }
      } else if case .object(let changed) = JSONChange(&random).changed(object) {
        entries = changed
      }
      if random.integer(below: 8) > 0 { lay(&entries, &values, most) }
      return file(JSON.object(entries).data, values)
    }
  }

  /// Under which a header has its notes.
  private static let notesName = "__metadata__"

  private static func file(_ header: Data, _ values: Data) -> Data {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header + values
  }

  /// Gives every tensor the place that its shape asks for, and the file as many values.
  private static func lay(
    _ entries: inout [(name: [UInt8], value: JSON)], _ values: inout Data, _ most: Int
  ) {
    let begins = entries.map { $0.value["data_offsets"]?.integers?.first ?? 0 }
    var place = 0
    var laid = Data()
    for index in entries.indices.sorted(by: { (begins[$0], $0) < (begins[$1], $1) }) {
      guard case .object(var fields) = entries[index].value,
        let shape = entries[index].value["shape"]?.integers,
        let type = (entries[index].value["dtype"]?.string).flatMap(
          SafetensorsHeader.ElementType.init(rawValue:))
      else { continue }
      let size = shape.reduce(type.width) { size, extent in
        0...most ~= size && 0...most ~= extent ? size * extent : most + 1
      }
      guard size <= most - place else { continue }
      let old = values.dropFirst(min(max(begins[index], 0), values.count)).prefix(size)
      laid.append(contentsOf: old)
      laid.append(Data(count: size - old.count))
      for field in fields.indices where fields[field].name.elementsEqual("data_offsets".utf8) {
        fields[field].value = .list([JSON(place), JSON(place + size)])
      }
      entries[index].value = .object(fields)
      place += size
    }
    values = laid
  }

  // MARK: Stores

  /// Changes of the files of a store, whose checksums are made right again.
  static let store: Reader.Change = { data, most, random in
    known(data, most, &random) { random in
      var parts = StoreParts(data)
      guard var part = parts.files.indices.randomElement(using: &random) else { return nil }
      // Outcomes have the most to read.
      if part == 0, random.integer(below: 2) == 0 { part = parts.files.count - 1 }
      // The first is of evaluations, the others of lines.
      let separator = part == 0 ? StoreParts.evaluationSeparator : 10
      var lines = parts.files[part].split(separator: separator, omittingEmptySubsequences: false)
        .map { Data($0) }
      guard let line = lines.indices.randomElement(using: &random) else { return nil }
      switch random.integer(below: 12) {
      case 0: lines.insert(lines[line], at: line)
      case 1: lines.remove(at: line)
      case 2: parts.files.append(parts.files[part])
      default: lines[line] = Changes.json(lines[line], lines[line].count + 256, &random)
      }
      parts.files[part] = Data(lines.joined(separator: [separator]))
      if random.integer(below: 8) > 0 { parts.seal() }
      return parts.bytes
    }
  }
}
