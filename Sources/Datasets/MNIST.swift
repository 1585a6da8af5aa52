import Classification

extension Dataset {
  /// MNIST: handwritten digits, 28×28 grey pixels, 60,000 to train on and 10,000 to test on.
  ///
  /// The radius ε is that of Madry et al., "Towards deep learning models resistant to adversarial attacks",
  /// 2018. The other training settings are our choice and untested, as the data set was not at hand.
  public static let mnist = {
    let shape = ImageShape(channels: 1, height: 28, width: 28)
    return Dataset(
      name: "mnist", imageShape: shape, labelNames: (0...9).map(String.init),
      training: .small.with {
        $0.architecture = { .resNet8($0, classCount: $1) }
        $0.cropPadding = nil
        $0.epochs = .init(plain: 10, mixup: 15, adversarial: 10)
        $0.peakRate = 0.1
        $0.epsilon = "3/10"
        $0.attackSteps = 7
      },
      source: .folder(holding: IDXFolder.contents) {
        try IDXFolder(imageShape: shape, classCount: 10).load(from: $0)
      })
  }()
}
