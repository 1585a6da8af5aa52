import Classification
import Datasets
import Experiments
import Foundation
import NeuralNetwork
import Reporting

/// A checkpoint's file. Warnings about how it is read go to standard error.
///
/// - Parameters:
///   - reading: what the command line says of it.
///   - images: the extents of the images, for a state dict, which does not show them.
/// - Throws: `Failure` if it cannot be read, or holds no checkpoint.
func checkpointFile(
  _ path: String, reading: CheckpointReading = CheckpointReading(),
  images: ImageShape = Dataset.cifar10.imageShape
) throws -> CheckpointFile {
  let bytes = try modelFile(path)
  do {
    let file = try CheckpointFile(
      bytes, normalization: reading.normalization, answers: reading.answers,
      settings: settings(beside: path), extents: (images.height, images.width))
    // Every verb that comes here needs the scaling of the input, and to know which function it is.
    do { _ = try file.checkpoint(option: reading.option) } catch {
      guard error == .noNormalization else { throw Failure.data("\(path): \(error)") }
      let usual = file.recognized?.family.usualScaling.map { "; usual for its family is \($0)" }
      throw Failure.data("\(path): \(error); \(reading.advice)\(usual ?? "")")
    }
    func say(_ text: String) {
      writeToStandardError("mixup-inference: \(text)".printable + "\n")
    }
    for warning in file.warnings(option: reading.option) { say("warning: \(path): \(warning)") }
    // Who gave or made the file did not say it there.
    if let scaling = file.scaling, case .settings = scaling.source {
      say("\(path): normalization \(scaling.normalization.description), from \(scaling.source)")
    }
    return file
  } catch let failure as Failure { throw failure } catch {
    throw Failure.data("\(path): \(error)")
  }
}

/// The `config.json` beside a model, which may say how its input is scaled; nil where there is none that is an ordinary
/// file of at most a megabyte.
func settings(beside path: String) -> CheckpointFile.Settings? {
  let name = "config.json"
  let file = URL(filePath: path).deletingLastPathComponent().appending(path: name)
  let values = try? file.resourceValues(forKeys: [.isRegularFileKey, .fileSizeKey])
  guard values?.isRegularFile == true, let size = values?.fileSize, size <= 1 << 20,
    let content = try? Data(contentsOf: file)
  else { return nil }
  return CheckpointFile.Settings(name: name, content: content)
}

/// The bytes of a file that is given as a model.
///
/// - Throws: `Failure` if it cannot be read.
func modelFile(_ path: String) throws -> Data { try contents(of: path, "model") }

/// The bytes of an ordinary file. Devices and pipes are refused, as they might have no end.
private func contents(of path: String, _ what: String) throws -> Data {
  func failure(_ reason: String) -> Failure {
    .file("cannot read the \(what) \"\(path)\": \(reason); check the path")
  }
  var status = stat()
  guard stat(path, &status) == 0 else { throw failure(String(cString: strerror(errno))) }
  switch status.st_mode & S_IFMT {
  case S_IFREG: break
  case S_IFDIR: throw failure(String(cString: strerror(EISDIR)))
  default: throw failure("it is no ordinary file")
  }
  // The largest published networks for CIFAR have 1 GB; a sparse file may claim any size.
  guard status.st_size <= 1 << 32 else {
    throw failure("it has \(status.st_size) bytes, and no network for small images has over 4 GiB")
  }
  do { return try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe) } catch {
    // Foundation gives a number only; the system says why.
    let descriptor = open(path, O_RDONLY)
    defer { if descriptor >= 0 { close(descriptor) } }
    throw failure(String(cString: strerror(errno)))
  }
}

/// The images of a file that `attack` or another tool wrote, compared with their originals in `data`.
///
/// - Throws: `Failure` if it cannot be read, or holds no such images.
func imageFile(_ path: String, of data: DatasetSplit) throws -> ImageFile {
  let bytes = try contents(of: path, "images")
  do { return try ImageFile(bytes, of: data) } catch { throw Failure.data("\(path): \(error)") }
}
