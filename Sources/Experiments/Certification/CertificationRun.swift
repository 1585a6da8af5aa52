import Classification
import Datasets
import Foundation
import Kernels
import NeuralNetwork
import Reporting
import Robustness
import Statistics
import Synchronization

/// Certifies the predictions of one model behind one defence.
package struct CertificationRun: Sendable {
  package var defence: SmoothedDefence
  package var certification: Certification
  /// Test images, from the first; all if nil.
  package var count: Int?
  package var shard: Shard
  /// What computes the network, and the threads that share the images.
  var execution: Execution
  var progress: ProgressReporter

  package init(
    defence: SmoothedDefence, certification: Certification, count: Int?, shard: Shard,
    execution: Execution, progress: ProgressReporter
  ) {
    self.defence = defence
    self.certification = certification
    self.count = count
    self.shard = shard
    self.execution = execution
    self.progress = progress
  }

  /// The certificates of the shard's part of the test images.
  ///
  /// - Parameter sanityCount: on how many of the images certificates are attacked; nil for none.
  /// - Throws: `CertificationError`, `PlanError` and what model and data throw.
  package func run(
    _ model: any EvaluatedModel, on data: DatasetSplit, dataset: Dataset, sanityCount: Int? = nil
  ) throws -> CertificationSummary {
    try certification.check(standardDeviation: defence.standardDeviation)
    if let count, count < 1 {
      throw PlanError.setting("\(count) images are to be certified; give 1 at least")
    }
    let all = data.test.kept(Array(0..<min(count ?? data.test.count, data.test.count)))
    guard shard.number <= all.count else {
      throw PlanError.setting(
        "shard \(shard) of \(all.count) images is empty; use \(all.count) shards at most")
    }
    try model.check(all)
    let base = try model.classifier(on: execution)
    let smoothed = try defence.smoothed(base, training: data.training)
    let images = all.kept(Array(shard.positions(of: all.count)))
    let memory = MemoryReuse()
    defer { withExtendedLifetime(memory) {} }
    let stage = progress.stage("certify", total: images.count, unit: "images")
    let seconds = Mutex([Int: Double]())
    let certificates = try certification.run(
      smoothed, on: images, forEach: execution.workers.forEach
    ) { certificate, time in
      seconds.withLock { $0[certificate.index] = time }
      try stage.advance()
    }
    stage.finish()
    let content = ImagesContent(of: all, from: data, forEach: execution.workers.forEach)
    var summary = CertificationSummary(
      record: CertificationRecord(
        model: model.name, digest: model.digest, origin: model.origin, process: model.process,
        normalization: model.normalization, dataset: dataset.name,
        examples: content.examples,
        indices: IndexRanges(images.indices),
        pool: defence.usesTrainingImages ? content.pool : nil,
        defence: defence, certification: certification, kernelSet: execution.kernels,
        planProfile: (base as? NetworkClassifier)?.plan.profile,
        classCount: images.classCount, certificates: certificates),
      seconds: seconds.withLock(\.self))
    if let sanityCount {
      let checked = min(sanityCount, images.count)
      let claims = certificates[..<checked].count { ($0.radius ?? 0) > 0 }
      let stage = progress.stage("check certificates", total: claims, unit: "images")
      let check = CertificateCheck(
        of: smoothed, by: certification, forEach: execution.workers.forEach)
      summary.record.sanity = try check.verdict(
        on: Array(certificates[..<checked]), of: images[0..<checked]
      ) { try stage.advance() }
      stage.finish()
    }
    return summary
  }
}
