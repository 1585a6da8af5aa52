import Classification
import Foundation
import Kernels

/// Stochastic gradient descent with momentum μ and weight decay w, as PyTorch's SGD:
/// g ← g + w·p; v ← μ·v + g; p ← p − lr·v, for a parameter p with gradient g, a velocity v that begins
/// with 0, and the learning rate lr.
public struct StochasticGradientDescent {
  /// μ, the share of the velocity that is kept.
  public var momentum: Float
  /// w, the weight decay.
  public var weightDecay: Float
  private var velocities: [ObjectIdentifier: Tensor] = [:]

  /// An optimiser that has not moved yet.
  public init(momentum: Float = 0.9, weightDecay: Float = 0) {
    self.momentum = momentum
    self.weightDecay = weightDecay
  }

  /// v of every parameter, in their order; zeros before the first step.
  public func velocities(of parameters: [Parameter]) -> [Tensor] {
    parameters.map { velocities[ObjectIdentifier($0)] ?? Tensor(shape: $0.value.shape) }
  }

  /// Goes on as if v of every parameter had come from steps of this optimiser.
  ///
  /// - Precondition: one velocity for every parameter, of its shape.
  public mutating func resume(_ parameters: [Parameter], velocities: [Tensor]) {
    precondition(parameters.map(\.value.shape) == velocities.map(\.shape))
    for (parameter, velocity) in zip(parameters, velocities) {
      self.velocities[ObjectIdentifier(parameter)] = velocity
    }
  }

  /// One step along the parameters' gradients.
  public mutating func step(_ parameters: [Parameter], learningRate: Float) {
    // The step gives the same bytes on every kernel set, so the caller need not name one.
    let kernels = KernelSet.best.float32
    for parameter in parameters {
      let key = ObjectIdentifier(parameter)
      var velocity = velocities.removeValue(forKey: key) ?? Tensor(shape: parameter.value.shape)
      let count = velocity.count
      let (momentum, weightDecay) = (momentum, weightDecay)
      velocity.withUnsafeMutablePointer { v in
        parameter.value.withUnsafeMutablePointer { p in
          parameter.gradient.withUnsafePointer { g in
            kernels.momentumStep(
              count: count, gradient: g, momentum: momentum, weightDecay: weightDecay,
              learningRate: learningRate, velocity: v, parameter: p)
          }
        }
      }
      velocities[key] = velocity
    }
  }
}

/// The learning rate over a training run.
public enum LearningRateSchedule: Codable, Hashable, Sendable {
  /// `base`, multiplied by `factor` at each of the given epochs (counted from 0).
  case step(base: Float, factor: Float, epochs: [Int])
  /// A linear rise to `peak` over the share `warmUp` of all steps, then half a cosine to zero.
  case cosine(peak: Float, warmUp: Float)

  /// The rate of one step.
  ///
  /// - Parameters:
  ///   - step: from 0.
  ///   - stepsPerEpoch: steps of one epoch.
  ///   - totalSteps: steps of the whole run.
  public func rate(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Float {
    switch self {
    case .step(let base, let factor, let epochs):
      let epoch = step / max(stepsPerEpoch, 1)
      return epochs.reduce(base) { rate, decay in epoch >= decay ? rate * factor : rate }
    case .cosine(let peak, let warmUp):
      let rise = warmUp * Float(totalSteps)
      let position = Float(step) + 0.5
      if position < rise { return peak * position / rise }
      let share = (position - rise) / max(Float(totalSteps) - rise, 1)
      return peak * 0.5 * (1 + cos(Float.pi * min(share, 1)))
    }
  }
}

extension LearningRateSchedule: CustomStringConvertible {
  /// In words.
  public var description: String {
    switch self {
    case .step(let base, let factor, let epochs):
      "\(base), times \(factor) after \(epochs.map(String.init).joined(separator: ", ")) epochs"
    case .cosine(let peak, let warmUp):
      "up to \(peak) over \(warmUp) of the steps, then half a cosine to 0"
    }
  }
}
