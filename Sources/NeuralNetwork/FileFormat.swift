import Classification
import Foundation

/// A format, other than safetensors, of files that users give for a network: recognised so that the error
/// can say what to do.
package enum FileFormat: String, Sendable, CaseIterable {
  case empty, pyTorch, torchScript, numPyArchive, numPyArray, zip, pickle, gitPointer, html, gzip
  case compressed, hdf5, onnx, gguf, json

  /// The format of bytes that are no safetensors file, by what such files begin with; nil if they
  /// begin like none of these.
  package init?(_ data: Data) {
    let head = Array(data.prefix(4096))
    func starts(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
    func starts(_ text: String) -> Bool { head.starts(with: text.utf8) }
    // What a person or a server wrote may have blanks or a mark of its encoding in front.
    let text = String(decoding: head.prefix(512), as: UTF8.self)
      .drop { $0.isWhitespace || $0 == "\u{FEFF}" }.lowercased()
    if head.isEmpty {
      self = .empty
    } else if starts("PK\u{3}\u{4}") {
      self = Self.archive(data)
    } else if starts("version https://git-lfs") {
      self = .gitPointer
    } else if text.hasPrefix("<!doctype") || text.hasPrefix("<html") || text.hasPrefix("<?xml")
      || text.hasPrefix("<head")
    {
      self = .html
    } else if starts([0x1F, 0x8B]) {
      self = .gzip
    } else if starts("BZh") || starts([0xFD] + "7zXZ\0".utf8) || starts([0x28, 0xB5, 0x2F, 0xFD]) {
      self = .compressed
    } else if starts([0x89] + "HDF\r\n\u{1A}\n".utf8) {
      self = .hdf5
    } else if starts([0x93] + "NUMPY".utf8) {
      self = .numPyArray
    } else if starts("GGUF") {
      self = .gguf
    } else if head.count > 1, head[0] == 0x80, 2...5 ~= head[1] {
      self = .pickle
    } else if text.hasPrefix("{") {
      self = .json
    } else if head.count > 2, head[0] == 0x08, 1...31 ~= head[1],
      [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(head[2])
    {
      // Protocol buffers: the version of the format is field 1, a number; the next is another field.
      self = .onnx
    } else {
      return nil
    }
  }

  /// Whose archive a zip file is, by the names of the files in it, which PyTorch puts into a folder with
  /// the name of the archive.
  private static func archive(_ data: Data) -> FileFormat {
    // Names stand in front of each file and in the list at the end.
    let head = data.prefix(4096)
    let ends = [head, data.suffix(1 << 16)]
    func holds(_ name: String) -> Bool { ends.contains { $0.range(of: Data(name.utf8)) != nil } }
    if holds("/code/") || holds("/constants.pkl") { return .torchScript }
    if holds("/data.pkl") { return .pyTorch }
    return holds(".npy") ? .numPyArchive : .zip
  }

  /// What the file is and what to do, in one line.
  package var description: String {
    let convert = "make safetensors of it with fixtures/convert_checkpoint.py"
    return switch self {
    case .empty: "the file is empty; copy it again"
    case .pyTorch: "this is a PyTorch file (.pt, .pth); \(convert)"
    case .torchScript:
      "this is a TorchScript archive, which holds code; save the state dict alone, with "
        + "torch.save(network.state_dict(), file), and \(convert)"
    case .numPyArchive, .numPyArray:
      "this is a NumPy file (.npz, .npy); write its arrays with safetensors.numpy.save_file"
    case .zip: "this is a zip archive, perhaps a PyTorch file (.pt, .pth); if so, \(convert)"
    case .pickle:
      "this is a Python pickle, perhaps an old PyTorch file (.pt, .pth); if so, \(convert)"
    case .gitPointer:
      "this is a pointer of Git LFS, not the file that it stands for; fetch that with git lfs pull"
    case .html:
      "this is a page for browsers, not the file that its link promised; download it again"
    case .gzip: "this is a gzip archive; unpack it with gunzip first"
    case .compressed: "this is a compressed archive (bzip2, xz or zstd); unpack it first"
    case .hdf5:
      "this is an HDF5 file (.h5), perhaps of Keras; only state dicts of PyTorch networks can be read"
    case .onnx:
      "this looks like an ONNX file; give it as --model, with a name that ends in .onnx"
    case .gguf: "this is a GGUF file, of a language model; only networks for images can be read"
    case .json:
      "this is JSON, perhaps the index of a checkpoint in several files; give the safetensors file "
        + "with the values"
    }
  }
}
