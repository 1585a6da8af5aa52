import ArgumentParser
import Datasets
import Foundation

/// Which images to work on.
struct DatasetOptions: ParsableArguments {
  @Option(help: "\(DatasetName.allCases.map(\.rawValue).joined(separator: ", ")).")
  var dataset = DatasetName.digits.rawValue

  @Option(help: "Folder with the data set's binary files; the digits need none.")
  var data: String?

  func name() throws -> DatasetName {
    guard let name = DatasetName(rawValue: dataset) else {
      let names = DatasetName.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure.usage("data set \(dataset) is unknown; --dataset takes one of \(names)")
    }
    return name
  }

  func load(seed: UInt64) throws -> DatasetSplit {
    let name = try name()
    guard name == .digits || data != nil else {
      throw Failure.usage("data set \(dataset) is not embedded; give its folder with --data")
    }
    return try name.load(from: data.map { URL(filePath: $0) }, seed: seed)
  }
}
