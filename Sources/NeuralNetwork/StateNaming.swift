/// What a state dict calls the tensors of a residual network.
///
/// All of PyTorch's networks of this kind agree on `conv1`, `bn1` and `layerS.B.convI`, and differ
/// in three places. This package's names, which are those of the official code, have `fc_dense`,
/// `downsample` and no prefix.
package struct StateNaming: Hashable, Sendable {
  /// Which code uses such names.
  package enum Style: String, CaseIterable, Sendable {
    /// `downsample`, `fc_dense`: the code of Mixup Inference, and this package.
    case official
    /// `downsample`, `fc`: torchvision.
    case torchvision
    /// `shortcut`, `linear`: github.com/kuangliu/pytorch-cifar and
    /// github.com/akamaster/pytorch_resnet_cifar10, whose shortcuts may be without parameters.
    case cifar
  }

  /// The names of the dense layer and of the shortcuts.
  package let style: Style
  /// Whether every name starts with `module.`, which PyTorch's `DataParallel` puts there.
  package let isParallel: Bool

  /// This package's names.
  package static let own = StateNaming(style: .official, isParallel: false)

  package init(style: Style, isParallel: Bool) {
    self.style = style
    self.isParallel = isParallel
  }

  /// The naming that these names follow; nil without the weights of a dense layer in their place.
  package init?(of names: some Collection<String>) {
    let isParallel = !names.isEmpty && names.allSatisfy { $0.hasPrefix(Self.prefix) }
    let style = Style.allCases.first { style in
      names.contains(StateNaming(style: style, isParallel: isParallel).name("fc_dense.weight"))
    }
    guard let style else { return nil }
    self.init(style: style, isParallel: isParallel)
  }

  private static let prefix = "module."

  /// What this naming calls the tensor that is `own` in the package's.
  package func name(_ own: String) -> String {
    var parts = own.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    for (place, part) in parts.enumerated() {
      switch (part, style) {
      case ("fc_dense", .torchvision): parts[place] = "fc"
      case ("fc_dense", .cifar): parts[place] = "linear"
      case ("downsample", .cifar): parts[place] = "shortcut"
      default: break
      }
    }
    return (isParallel ? Self.prefix : "") + parts.joined(separator: ".")
  }
}
