extension Float32 {
  package static func momentumStep(
    count: Int, gradient: UnsafePointer<Float>, momentum: Float, weightDecay: Float,
    learningRate: Float, velocity: UnsafeMutablePointer<Float>,
    parameter: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count {
      let v = momentum * velocity[i] + (gradient[i] + weightDecay * parameter[i])
      velocity[i] = v
      parameter[i] -= learningRate * v
    }
  }
}
