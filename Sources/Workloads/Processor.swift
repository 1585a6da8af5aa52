import Foundation

/// The processor that works run on.
package enum Processor {
  /// Its name as the system gives it.
  package static var name: String {
    name(in: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
  }

  /// The name of the first processor of a `/proc/cpuinfo`, with its family and model where they are there: virtual machines
  /// often give the same name to processors of which one has vector units twice as wide as the other's.
  package static func name(in information: String) -> String {
    func field(_ name: String) -> String? {
      for line in information.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1).map {
          $0.trimmingCharacters(in: .whitespaces)
        }
        if parts.count == 2, parts[0] == name { return parts[1] }
      }
      return nil
    }
    guard let name = field("model name") else { return "unknown" }
    guard let family = field("cpu family"), let model = field("model") else { return name }
    return "\(name) (family \(family), model \(model))"
  }
}
