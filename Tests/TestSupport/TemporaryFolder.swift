import Foundation

/// Calls `body` with a new empty folder, which is gone afterwards.
package func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = URL(filePath: NSTemporaryDirectory())
    .appending(path: "mixup-inference-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// Writes a program that can be run at once.
///
/// Another process writes it. A file that this one had open for writing might be open still in a process that another
/// thread is starting, and the system runs no program that is open for writing.
package func writeProgram(_ contents: Data, to file: URL) throws {
  let path = file.path(percentEncoded: false)
  let draft = path + ".draft"
  try contents.write(to: URL(filePath: draft))
  let shell = Process()
  shell.executableURL = URL(filePath: "/bin/sh")
  shell.arguments = ["-c", #"cp "$1" "$0" && chmod 755 "$0" && rm "$1""#, path, draft]
  try shell.run()
  shell.waitUntilExit()
  guard shell.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
}

/// The names in a folder, hidden ones included, in order.
package func names(in folder: URL) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted()
}

/// Records in the layout of CIFAR's binary files: the labels, then a plane of 32×32 bytes for each
/// of red, green and blue. Byte p of plane c of record r is (7r + 85c + p) mod 256.
package func cifarRecords(labels: [[UInt8]]) -> Data {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(labels.count * 3074)
  for (record, own) in labels.enumerated() {
    bytes += own
    for plane in 0..<3 {
      for place in 0..<1024 {
        bytes.append(UInt8(truncatingIfNeeded: 7 * record + 85 * plane + place))
      }
    }
  }
  return Data(bytes)
}

/// Writes the six files of CIFAR-10 with the given labels.
package func writeCIFAR10(training: [[UInt8]], test: [UInt8], in folder: URL) throws {
  for (index, labels) in training.enumerated() {
    try cifarRecords(labels: labels.map { [$0] })
      .write(to: folder.appending(path: "data_batch_\(index + 1).bin"))
  }
  try cifarRecords(labels: test.map { [$0] }).write(to: folder.appending(path: "test_batch.bin"))
}
