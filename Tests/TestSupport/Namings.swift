import Classification
import NeuralNetwork

extension StateNaming {
  /// What three kinds of public code call the layers of post-activation networks.
  package static let styles: [(name: String, naming: StateNaming)] = [
    ("official", .postActivation), ("torchvision", .torchvision), ("cifar", .cifar),
  ]

  /// `downsample`, `fc`.
  package static let torchvision: StateNaming = {
    var naming = StateNaming.postActivation
    naming.dense = "fc"
    return naming
  }()

  /// `shortcut`, `linear`.
  package static let cifar: StateNaming = {
    var naming = StateNaming.postActivation
    (naming.projection, naming.dense) = ("shortcut.0", "linear")
    return naming
  }()

  /// The same names behind a prefix.
  package func behind(_ prefix: String) -> StateNaming {
    var naming = self
    naming.prefix = prefix + naming.prefix
    naming.densePrefix = prefix + naming.densePrefix
    return naming
  }
}

extension ResNet.Architecture {
  /// A network's tensors, which have this package's names, under others.
  package func renamed(_ tensors: [String: Tensor], _ naming: StateNaming) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for tensor in stateTensors { result[tensor.path(naming)] = tensors[tensor.path(.own(block))] }
    return result
  }
}
