import Statistics

/// What makes no sense in a certification.
public enum CertificationError: ExplainedError, Equatable {
  case noise(Double)
  case level(Double)
  case radii([Double])
  case draws(Int)
  case unreachable(radius: Double, needed: Int?, draws: Int)
  case ratio

  /// - Throws: `noise` unless σ is finite and above 0.
  public static func check(noise: Double) throws(CertificationError) {
    guard noise > 0, noise.isFinite else { throw .noise(noise) }
  }

  /// `.usage`: what was asked for is wrong.
  public var cause: ErrorCause { .usage }

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .noise(let deviation):
      "σ of the noise is \(deviation); a certificate needs a finite number above 0"
    case .level(let level):
      "α is \(level); it is the largest share of false certificates, inside (0, 0.5), such as 0.001"
    case .radii(let radii):
      """
      the radii are \(radii.map { "\($0)" }.joined(separator: ",")); give finite numbers from 0, each above \
      the one before, 64 at most
      """
    case .draws(let draws):
      "the number of draws is \(draws); it must be from 1 to 10,000,000"
    case .unreachable(let radius, let needed?, let draws):
      """
      a radius of \(radius) needs \(needed) draws that all agree, and there are \(draws) at most; give \
      more draws, a smaller radius or more noise
      """
    case .unreachable(let radius, nil, _):
      """
      no number of draws up to 10,000,000 shows a radius of \(radius) with so little noise; give a smaller \
      radius or more noise
      """
    case .ratio:
      "λ is 0, and nothing of the image reaches the network; give a number above 0"
    }
  }
}
