import Classification
import Foundation

extension Dataset {
  /// CIFAR-10: 50,000 images to train on and 10,000 to test on, 32×32 pixels in colour, ten classes.
  public static let cifar10 = cifar(
    "cifar10", .ten, "data_batch_1.bin to data_batch_5.bin and test_batch.bin",
    table: 2,
    """
    airplane automobile bird cat deer dog frog horse ship truck
    """)

  /// CIFAR-100 with its hundred fine labels: as many images as CIFAR-10 has, of the same size.
  public static let cifar100 = cifar(
    "cifar100", .hundred, "train.bin and test.bin",
    table: 3,
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus \
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch \
    crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house \
    kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle \
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree \
    plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark \
    shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table \
    tank telephone television tiger tractor train trout tulip turtle wardrobe whale \
    willow_tree wolf woman worm
    """)

  /// CIFAR-100 with its twenty coarse labels.
  public static let cifar100Coarse = cifar(
    "cifar100-coarse", .hundredCoarse, "train.bin and test.bin",
    """
    aquatic_mammals fish flowers food_containers fruit_and_vegetables \
    household_electrical_devices household_furniture insects large_carnivores \
    large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores \
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 \
    vehicles_2
    """)

  private static func cifar(
    _ name: String, _ cifar: CIFAR, _ files: String, table: Int? = nil, _ labels: String
  ) -> Dataset {
    Dataset(
      name: name, imageShape: ImageShape(channels: 3, height: 32, width: 32),
      labelNames: labels.split(separator: " ").map(String.init), training: .small,
      reproduction: .paper(table: table),
      source: .folder(holding: files) { try cifar.load(from: $0) })
  }
}

/// The binary version of CIFAR-10 and CIFAR-100: records of one or two labels and 3,072 bytes, a
/// plane of 32×32 values for each of red, green and blue.
///
/// Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
struct CIFAR: Sendable {
  static let ten = CIFAR(
    classCounts: [10], label: 0,
    trainingFiles: [(1...5).map { "data_batch_\($0).bin" }], testFiles: [["test_batch.bin"]])
  /// The second label, the fine one of 100.
  static let hundred = hundred(label: 1)
  /// The first label, the coarse one of 20.
  static let hundredCoarse = hundred(label: 0)

  /// CIFAR-100 by one of its two labels. Where a file is split into parts, its first part is enough.
  private static func hundred(label: Int) -> CIFAR {
    CIFAR(
      classCounts: [20, 100], label: label, trainingFiles: [["train.bin"], ["train_part_00.bin"]],
      testFiles: [["test.bin"], ["test_part_00.bin"]])
  }

  /// The number of classes of every label of a record.
  let classCounts: [Int]
  /// Which label is the class of an image here.
  let label: Int
  /// Sets of file names; the first set whose files are all there is read.
  let trainingFiles: [[String]]
  let testFiles: [[String]]

  private static let imageBytes = 3 * 32 * 32
  private var recordBytes: Int { classCounts.count + Self.imageBytes }

  /// The images of both files; indices count through the training file and on through the test file.
  func load(from folder: URL) throws -> Dataset.Files {
    let training = try images(anyOf: trainingFiles, in: folder, firstIndex: 0)
    let test = try images(anyOf: testFiles, in: folder, firstIndex: training.count)
    return (training, test)
  }

  private func images(
    anyOf choices: [[String]], in folder: URL, firstIndex: Int
  ) throws -> LabelledImages {
    func isThere(_ name: String) -> Bool { DataFile.isThere(name, in: folder) }
    guard let names = choices.first(where: { $0.allSatisfy(isThere) }) else {
      throw DatasetError.missingFile(
        choices[0].first { !isThere($0) } ?? choices[0][0], folder: folder.relativePath)
    }
    let files = try names.map { try records(folder.appending(path: $0)) }
    let labels = try files.flatMap(self.labels)
    let places = files.flatMap { file in
      stride(from: classCounts.count, to: file.count, by: recordBytes).map { (file, $0) }
    }
    return try LabelledImages(
      pixels: Pixels(
        count: labels.count, imageShape: ImageShape(channels: 3, height: 32, width: 32)
      ) { place, values in
        let (file, start) = places[place]
        file.readLevels(at: start, count: Self.imageBytes, into: values)
      },
      labels: labels, classCount: classCounts[label],
      indices: Array(firstIndex..<firstIndex + labels.count))
  }

  /// A file that has been found to consist of whole records.
  private func records(_ file: URL) throws -> DataFile {
    let file = try DataFile(file)
    guard file.count > 0, file.count % recordBytes == 0 else {
      throw DatasetError.truncatedFile(file.path, bytes: file.count, recordBytes: recordBytes)
    }
    return file
  }

  /// The class of every record. All labels of a record are checked, as one that is too large is a sign of
  /// damage.
  private func labels(in file: DataFile) throws -> [Int] {
    try (0..<file.count / recordBytes).map { record in
      let found = try file.bytes(at: record * recordBytes, count: classCounts.count)
      for (value, classCount) in zip(found, classCounts) where value >= classCount {
        throw DatasetError.labelInFile(
          file.path, record: record, label: Int(value), classCount: classCount)
      }
      return Int(found[label])
    }
  }
}
