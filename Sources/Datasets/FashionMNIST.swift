import Classification

extension Dataset {
  /// Fashion-MNIST: clothes, 28×28 grey pixels, 60,000 to train on and 10,000 to test on, in the files of MNIST.
  ///
  /// Its training settings are our choice and untested, as the data set was not at hand. Source: Xiao, Rasul and
  /// Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017.
  public static let fashionMNIST = {
    let shape = ImageShape(channels: 1, height: 28, width: 28)
    return Dataset(
      name: "fashion-mnist", imageShape: shape,
      labelNames: [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
      ],
      training: .small.with {
        $0.epochs = .init(plain: 20, mixup: 30, adversarial: 15)
        $0.epsilon = "1/10"
        $0.attackSteps = 7
      },
      source: .folder(holding: IDXFolder.contents) {
        try IDXFolder(imageShape: shape, classCount: 10).load(from: $0)
      })
  }()
}
