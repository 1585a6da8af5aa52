import Classification
import NeuralNetwork
import Statistics

/// What can be wrong with a data set's files, or with how they are to be split.
public enum DatasetError: ExplainedError, Equatable {
  case validationCount(Int, images: Int)
  case noFolder(String, holding: String)
  case missingFile(String, folder: String)
  case unreadableFile(String, reason: String)
  case compressedFile(String)
  case truncatedFile(String, bytes: Int, recordBytes: Int)
  case shortHeader(String, bytes: Int, header: Int)
  /// The first four bytes of an IDX file, as a number, and what they have to be.
  case wrongKind(String, found: UInt32, expected: UInt32)
  /// The extents in an IDX file's header, and how many bytes follow it.
  case extents(String, [UInt32], bytes: Int)
  case safetensors(String, SafetensorsError)
  case missingTensor(String, file: String)
  case tensorType(String, file: String, found: String, expected: String)
  case tensorShape(String, file: String, found: [Int], expected: String)
  case labelNames(String, found: String)
  case imageShape(String, found: ImageShape, expected: ImageShape)
  case noImages(String)
  case labelCount(String, labels: Int, images: Int)
  case labelInFile(String, record: Int, label: Int, classCount: Int)
  case pixel(String, image: Int, value: Float)
  case emptyClass(String, label: Int, classCount: Int)
  case oneClass(String)

  /// `.usage` where what was asked for is wrong, `.file` where a file cannot be read, `.data` where its
  /// contents are wrong.
  public var cause: ErrorCause {
    switch self {
    case .validationCount, .noFolder: .usage
    case .missingFile, .unreadableFile: .file
    default: .data
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .validationCount(let count, let images):
      "\(count) validation images cannot be taken from \(images) and leave some to train on; take fewer"
    case .noFolder(let name, let contents):
      "\(name) is read from files; name the folder with \(contents)"
    case .missingFile(let name, let folder):
      "\(folder) has no \(name); name the folder of the data set's binary files"
    case .unreadableFile(let file, let reason): "cannot read \(file): \(reason); check the path"
    case .compressedFile(let file): "\(file) is compressed; unpack it with gunzip first"
    case .truncatedFile(let file, let bytes, let recordBytes):
      """
      \(file) has \(bytes) bytes, which is no multiple of the \(recordBytes) that a record has; \
      it is damaged or of another format, copy it again
      """
    case .shortHeader(let file, let bytes, let header):
      """
      \(file) has \(bytes) bytes, and its header alone would take \(header); it is damaged, copy it again
      """
    case .wrongKind(let file, let found, let expected):
      """
      \(file) begins with \(Self.hexadecimal(found)) and not with \(Self.hexadecimal(expected)) as IDX \
      files do that hold \(expected & 0xFF == 1 ? "labels" : "images"); give the data set's own files
      """
    case .extents(let file, let extents, let bytes):
      """
      \(file) promises \(extents.map(String.init).joined(separator: "×")) bytes behind its header and has \
      \(bytes); it is damaged, copy it again
      """
    case .safetensors(let file, .headerLength):
      "\(file) is no safetensors file; make one with fixtures/convert_dataset.py"
    case .safetensors(let file, let error): "\(file): \(error)"
    case .missingTensor(let name, let file):
      """
      \(file) has no tensor \(name); a data set has train.images, train.labels, test.images and \
      test.labels, as fixtures/convert_dataset.py writes them
      """
    case .tensorType(let name, let file, let found, let expected):
      "\(name) in \(file) has type \(found); write it as \(expected)"
    case .tensorShape(let name, let file, let found, let expected):
      "\(name) in \(file) has shape \(found); write it as \(expected)"
    case .labelNames(let file, let found):
      """
      the metadata of \(file) name the labels \(found.prefix(60).description.printable); write labelNames \
      as a JSON list of different texts, one for every label
      """
    case .imageShape(let file, let found, let expected):
      "the images of \(file) are \(found) and have to be \(expected); give the data set's own files"
    case .noImages(let file): "there are no images in \(file); a data set needs some"
    case .labelCount(let file, let labels, let images):
      "\(file) has \(labels) labels for \(images) images; every image needs one, in the same order"
    case .labelInFile(let file, let record, let label, let classCount):
      """
      record \(record) of \(file) has label \(label); labels are 0 to \(classCount - 1): \
      it is damaged or of another format
      """
    case .pixel(let file, let image, let value):
      """
      image \(image) of \(file) holds \(value); write pixels as bytes (U8) from 0 to 255, or as F32 \
      from 0 to 1, before any scaling of a network
      """
    case .oneClass(let file): "all images of \(file) are of one class; a data set has two at least"
    case .emptyClass(let file, let label, let classCount):
      """
      \(file) has no training image of label \(label), of \(classCount); number the classes from 0 \
      without a gap, and give each some images
      """
    }
  }

  private static func hexadecimal(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}
