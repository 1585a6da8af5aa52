/// The detection gap DG: whether mixing takes more confidence in the predicted class ŷ from adversarial
/// inputs (z = 1) than from clean ones (z = 0). ΔF_ŷ(x; p_s) is what mixing adds to that confidence,
/// `confidenceChange`, with partners drawn by p_s.
///
/// Two signs are in use, told apart by name: `detectionGapSigned` is the paper's equation (11) to the
/// letter, negative for a good detector, and `detectionMargin` is its negative.
public enum DetectionGap {
  /// DG = ΔF_ŷ(x; p_s)|_{z=1} − ΔF_ŷ(x; p_s)|_{z=0}, equation (11) of Pang, Xu and Zhu, ICLR 2020,
  /// as printed: negative where mixing takes more from adversarial inputs than from clean ones.
  ///
  /// - Parameters:
  ///   - adversarialChange: ΔF_ŷ of the adversarial input.
  ///   - cleanChange: ΔF_ŷ of the clean input, with its own ŷ.
  public static func detectionGapSigned(adversarialChange: Double, cleanChange: Double) -> Double {
    adversarialChange - cleanChange
  }

  /// −DG = ΔF_ŷ|_{z=0} − ΔF_ŷ|_{z=1}: larger is better, and above 0 the drop of F_ŷ points the right
  /// way on average.
  public static func detectionMargin(adversarialChange: Double, cleanChange: Double) -> Double {
    -detectionGapSigned(adversarialChange: adversarialChange, cleanChange: cleanChange)
  }

  /// DG = (1−λ) − E[G_ŷ(δ; x₀) − G_ŷ(λδ; x̃₀)]: the closed form of equation (11) under MI-PL, equation
  /// (13), and under MI-OL, equation (16), which is the same.
  ///
  /// Needs equation (2), `AttackedInput.satisfiesModellingAssumption`, and H one-hot on clean inputs. We
  /// have not seen equations (13) and (16) word for word; the paper seems to print them with the sign of
  /// `detectionMargin`. G is a `Perturbation`.
  ///
  /// - Parameters:
  ///   - lambda: λ.
  ///   - predictedLabelDecay: E[G_ŷ(δ; x₀) − G_ŷ(λδ; x̃₀)].
  public static func detectionGapSigned(lambda: Double, predictedLabelDecay: Double) -> Double {
    (1 - lambda) - predictedLabelDecay
  }

  /// −DG = E[G_ŷ(δ; x₀) − G_ŷ(λδ; x̃₀)] − (1−λ): equations (13) and (16) as a margin.
  public static func detectionMargin(lambda: Double, predictedLabelDecay: Double) -> Double {
    -detectionGapSigned(lambda: lambda, predictedLabelDecay: predictedLabelDecay)
  }
}

extension SyntheticModel {
  /// DG, equation (11), measured on an adversarial input and the clean one behind it.
  public func detectionGapSigned(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> Double {
    let clean = clean(input)
    return DetectionGap.detectionGapSigned(
      adversarialChange: confidenceChanges(of: input, mixing: rule, lambda: lambda)[
        input.predicted],
      cleanChange: confidenceChanges(of: clean, mixing: rule, lambda: lambda)[clean.predicted])
  }

  /// −DG: larger is better.
  public func detectionMargin(
    of input: AttackedInput, mixing rule: PartnerLabel, lambda: Double
  ) -> Double {
    -detectionGapSigned(of: input, mixing: rule, lambda: lambda)
  }
}
