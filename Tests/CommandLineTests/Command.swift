import Classification
import Foundation
import NeuralNetwork
import TestSupport
import Testing

/// The built executable, run as a process of its own.
struct Command {
  /// How a run ended and what it wrote.
  struct Result {
    var status: Int32
    var output: String
    var error: String
  }

  /// Beside the bundle that runs the tests, where the build puts both.
  static let built = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "mixup-inference")

  var executable = Self.built
  /// The working folder; that of the tests unless given.
  var folder: URL?
  var environment: [String: String]?

  /// Runs the command and waits for its end.
  ///
  /// - Parameter device: where standard output goes, if not to the result.
  func run(_ arguments: [String], outputTo device: String? = nil) throws -> Result {
    // Files rather than pipes: a pipe that nobody empties would stop the process.
    try withTemporaryFolder { temporary in
      let files = ["output", "error"].map { temporary.appending(path: $0) }
      for file in files { try Data().write(to: file) }
      let output = device.map { URL(filePath: $0) } ?? files[0]
      let process = Process()
      process.executableURL = executable
      process.arguments = arguments
      if let folder { process.currentDirectoryURL = folder }
      if let environment { process.environment = environment }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: files[1])
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationReason == .exit)
      return Result(
        status: process.terminationStatus,
        output: try String(contentsOf: files[0], encoding: .utf8),
        error: try String(contentsOf: files[1], encoding: .utf8))
    }
  }
}

/// Files that commands are tried on.
struct Workplace {
  let folder: URL

  /// Runs `body` in a folder with
  /// - `model.safetensors`, an untrained ResNet-8 for the digits, and damaged copies of it,
  /// - `nameless.safetensors`, the same without metadata, `mixed.safetensors` with another scaling
  ///   in its tensors, and `huge.safetensors`, whose logits are no numbers,
  /// - `few.safetensors`, one of five classes, and `colour.safetensors`, one for 3×32×32 images,
  /// - `cifar/`, six hundred training images and two test images in the layout of CIFAR-10, none of
  ///   them of class 9,
  /// - `own.safetensors`, a data set of two classes, and `gap.safetensors`, the same with labels 0 and 2,
  /// - `mnist/`, with one of its files, which is compressed,
  /// - `plain`, a file of text.
  static func with<Result>(_ body: (Workplace) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
      func write(_ data: Data, _ name: String) throws {
        try data.write(to: folder.appending(path: "\(name).safetensors"))
      }
      let model = checkpoint(ImageShape(channels: 1, height: 8, width: 8))
      let bytes = try model.encoded()
      try write(bytes, "model")
      try write(bytes.prefix(bytes.count / 2), "truncated")
      try write(Data("no checkpoint at all".utf8), "text")
      try write(Data(), "empty")
      try write(Data(repeating: 0xFF, count: 64), "ones")
      try write(try Safetensors(tensors: model.tensors).encoded(), "nameless")
      var mixed = try Safetensors(bytes)
      mixed.tensors["mu"] = Tensor(shape: [1])
      mixed.tensors["sigma"] = Tensor(repeating: 1, shape: [1])
      try write(try mixed.encoded(), "mixed")
      var huge = model
      huge.tensors["fc_dense.weight"] = Tensor(repeating: 3e38, shape: [10, 64])
      huge.tensors["fc_dense.bias"] = Tensor(repeating: -3e38, shape: [10])
      huge.tensors["layer3.0.bn2.bias"] = Tensor(repeating: 1e38, shape: [64])
      try write(try huge.encoded(), "huge")
      try write(Data("PK\u{3}\u{4}".utf8) + Data(count: 200), "zip")
      try write(
        try Safetensors(tensors: [
          "images": Tensor(shape: [0, 1, 8, 8]), "labels": Tensor(shape: [0]),
        ]).encoded(), "none-at-all")
      try write(Data("version https://git-lfs.github.com/spec/v1\n".utf8), "pointer")
      var damaged = model
      damaged.tensors["conv1.weight"]?[5] = .nan
      try write(try damaged.encoded(), "nan")
      damaged = model
      damaged.tensors["fc_dense.bias"] = Tensor(shape: [11])
      try write(try damaged.encoded(), "misshapen")
      let few = checkpoint(ImageShape(channels: 1, height: 8, width: 8), classCount: 5)
      try write(try few.encoded(), "few")
      try write(
        try checkpoint(ImageShape(channels: 3, height: 32, width: 32)).encoded(), "colour")

      for (name, label) in [("own", 1), ("gap", 2)] {
        try write(ownImages(labels: [0, label]), name)
      }

      let mnist = folder.appending(path: "mnist")
      try FileManager.default.createDirectory(at: mnist, withIntermediateDirectories: false)
      try (Data([0x1F, 0x8B]) + Data(count: 64))
        .write(to: mnist.appending(path: "train-images-idx3-ubyte"))

      let cifar = folder.appending(path: "cifar")
      try FileManager.default.createDirectory(at: cifar, withIntermediateDirectories: false)
      let labels = (0..<120).map { UInt8($0 % 9) }
      try writeCIFAR10(
        training: Array(repeating: labels, count: 5), test: [0, 1], in: cifar)
      try Data("text".utf8).write(to: folder.appending(path: "plain"))
      return try body(Workplace(folder: folder))
    }
  }

  /// A data set of 1×8×8 bytes, ten images of each of two labels to train on and one to test on.
  private static func ownImages(labels: [Int]) -> Data {
    var file = RawSafetensors()
    for (part, count) in [("train", 10), ("test", 1)] {
      let all = Array(repeating: labels.map { UInt8($0) }, count: count).flatMap(\.self)
      file.entries += [
        .init(
          "\(part).images", "U8", [all.count, 1, 8, 8],
          Data((0..<64 * all.count).map { UInt8($0 * 37 % 256) })),
        .init("\(part).labels", "U8", [all.count], Data(all)),
      ]
    }
    return file.encoded()
  }

  private static func checkpoint(_ shape: ImageShape, classCount: Int = 10) -> Checkpoint {
    let network = ResNet(.resNet8(shape, classCount: classCount))
    network.initialize(seed: 5)
    return Checkpoint(network, normalization: .plusMinusOne(channels: shape.channels))
  }

  func path(_ name: String) -> String {
    folder.appending(path: name).path(percentEncoded: false)
  }

  /// Every file below the folder with its size.
  func contents() throws -> [String] {
    let manager = FileManager.default
    return try manager.subpathsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted()
      .map { name in
        let attributes = try manager.attributesOfItem(atPath: path(name))
        return "\(name) \(attributes[.size] ?? 0)"
      }
  }
}

/// A run of the command that a test watches, and to which it sends signals.
final class RunningCommand {
  private let process = Process()
  private let errors = Pipe()
  private var seen = ""

  /// Starts the command, or a program of the shell in which "$0" is the command.
  init(_ arguments: [String], in folder: URL, shell: String? = nil) throws {
    let built = Command.built.path(percentEncoded: false)
    let words = shell.map { ["/bin/sh", "-c", $0, built] } ?? [built]
    // Tests that run under `nohup`, or behind a script's `&`, would hand down that signals are ignored.
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["--default-signal=INT,TERM,HUP"] + words + arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
  }

  /// Reads standard error until a text has come; false if it ends before.
  func waits(for text: String) -> Bool {
    while !seen.contains(text) {
      let more = errors.fileHandleForReading.availableData
      if more.isEmpty { return false }
      seen += String(decoding: more, as: UTF8.self)
    }
    return true
  }

  var isRunning: Bool { process.isRunning }

  /// Whether the process has a handler for SIGINT.
  var listens: Bool {
    let path = "/proc/\(process.processIdentifier)/status"
    let status = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
    let mask = line.flatMap {
      UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16)
    }
    return (mask ?? 0) >> (SIGINT - 1) & 1 == 1
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Sends a signal again and again until the process has ended.
  func sendUntilEnd(_ signal: Int32) {
    while process.isRunning {
      send(signal)
      sched_yield()
    }
  }

  /// How it ended and everything that it wrote to standard error.
  func end() -> (status: Int32, reason: Process.TerminationReason, error: String) {
    seen += String(
      decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, process.terminationReason, seen)
  }
}
