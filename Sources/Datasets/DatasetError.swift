/// What can be wrong with a data set's files, or with how they are to be split.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  case validationCount(Int, images: Int)
  case noFolder
  case missingFile(String, folder: String)
  case unreadableFile(String, reason: String)
  case truncatedFile(String, bytes: Int, recordBytes: Int)
  case labelInFile(String, record: Int, label: Int, classCount: Int)

  /// Whether a file could not be read, rather than holding something wrong.
  public var isAboutFiles: Bool {
    switch self {
    case .noFolder, .missingFile, .unreadableFile: true
    default: false
    }
  }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .validationCount(let count, let images):
      "\(count) validation images cannot be taken from \(images) and leave some to train on"
    case .noFolder: "this data set is read from files; name their folder"
    case .missingFile(let name, let folder):
      "\(folder) has no \(name); name the folder of the data set's binary files"
    case .unreadableFile(let file, let reason): "cannot read \(file): \(reason)"
    case .truncatedFile(let file, let bytes, let recordBytes):
      """
      \(file) has \(bytes) bytes, which is not a number of records of \(recordBytes); \
      it is damaged or of another format, copy it again
      """
    case .labelInFile(let file, let record, let label, let classCount):
      """
      record \(record) of \(file) has label \(label); labels are 0 to \(classCount - 1): \
      it is damaged or of another format
      """
    }
  }
}
