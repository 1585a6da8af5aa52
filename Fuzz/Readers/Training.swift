import Experiments
import Foundation
import NeuralNetwork
import Training

extension Reader {
  /// Where a training stands.
  static let trainingState = Reader("training-state", change: Changes.safetensors) { data in
    _ = try? TrainingState.decoded(data)
    // The same with the right checksum.
    var file = try Safetensors(data)
    file.metadata["checksum"] = nil
    file.metadata["checksum"] = sha256(try file.encoded())
    let (state, notes) = try TrainingState.decoded(file.encoded())
    let again = try TrainingState.decoded(state.encoded(notes: notes))
    precondition(
      again.state.epochs == state.epochs && again.notes == notes, "written as another state")
  }

  /// The learning curve beside a checkpoint. One that is read is written and read again.
  static let curve = Reader("curve") { data in
    let curve = try LearningCurve(csv: String(decoding: data, as: UTF8.self))
    let again = try LearningCurve(csv: curve.csv)
    precondition(again.epochs.count == curve.epochs.count, "written as another curve")
  }
}
