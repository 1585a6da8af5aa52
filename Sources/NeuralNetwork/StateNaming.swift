/// What a state dict calls the tensors of a residual network.
///
/// All of PyTorch's post-activation networks agree on `conv1`, `bn1` and `layerS.B.convI`, and differ
/// in three places; pre-activation ones have names of their own. This package's names, which are those of the official code, have `fc_dense`,
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
    /// `block1.layer.0`, `convShortcut`, `fc`: the pre-activation networks of github.com/yaodongyu/TRADES and
    /// RobustBench.
    case wide

    /// Those of post-activation networks, which differ in three names.
    package static let postActivation: [Style] = [.official, .torchvision, .cifar]
  }

  /// The names of the dense layer and of the shortcuts.
  package let style: Style
  /// What every name starts with: empty, or such as `module.`, which PyTorch's `DataParallel` puts
  /// there, `_orig_mod.` of `torch.compile`, or `1.` of a `Sequential` behind a scaling.
  package let prefix: String

  /// The names that this package uses.
  package static let own = StateNaming(style: .official, prefix: "")

  package init(style: Style, prefix: String) {
    self.style = style
    self.prefix = prefix
  }

  /// The naming that these names follow, found by the weights of the dense layer; of several such tensors
  /// by that with the shortest prefix. Nil if there is none.
  package init?(of names: some Collection<String>) {
    let names = Set(names)
    let found = Style.allCases.flatMap { style in
      let dense = StateNaming(style: style, prefix: "").name("fc_dense.weight")
      return names.filter { $0 == dense || $0.hasSuffix("." + dense) }
        .map { StateNaming(style: style, prefix: String($0.dropLast(dense.count))) }
        .filter { (style == .wide) == names.contains($0.prefix + Self.wideBlock) }
    }
    // Of equally long prefixes the first in alphabetical order, so that the order of `names` does not matter.
    guard let first = found.min(by: { $0.order < $1.order }) else { return nil }
    self = first
  }

  /// What tells `wide` from others that call their dense layer the same.
  private static let wideBlock = "block1.layer.0.conv1.weight"

  private var order: (Int, String, String) { (prefix.utf8.count, prefix, style.rawValue) }

  /// The names by which one tells this style from others, without the prefix.
  package var tellingNames: [String] {
    let plain = StateNaming(style: style, prefix: "")
    return style == .wide
      ? ["block1.layer", "convShortcut", plain.name("fc_dense")]
      : ["fc_dense", "downsample"].map(plain.name)
  }

  /// What this naming calls the tensor that is `own` in the package's.
  package func name(_ own: String) -> String {
    var parts = own.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    for (place, part) in parts.enumerated() {
      switch (part, style) {
      case ("fc_dense", .torchvision), ("fc_dense", .wide): parts[place] = "fc"
      case ("fc_dense", .cifar): parts[place] = "linear"
      case ("downsample", .cifar): parts[place] = "shortcut"
      default: break
      }
    }
    return prefix + parts.joined(separator: ".")
  }

  /// Whether a tensor only counts what training did, which no layer needs: one whole number under one
  /// of the names that PyTorch's batch normalisation, averages of weights and optimisers give it.
  package static func isCounter(_ entry: SafetensorsHeader.Entry) -> Bool {
    guard entry.count == 1 else { return false }
    let name = entry.name.split(separator: ".").last.map(String.init) ?? ""
    // Some files hold this counter in the type of the weights rather than as a whole number.
    return name == "num_batches_tracked" || entry.type.isInteger && counters.contains(name)
  }

  /// Whether a name is that of a part which the code of TRADES registers and never uses.
  package func isUnused(_ name: String) -> Bool {
    style == .wide && name.hasPrefix(prefix + "sub_block1.")
  }

  private static let counters: Set<String> = [
    "n_averaged", "num_updates", "num_steps", "global_step", "step", "steps", "epoch", "epochs",
    "iteration", "iterations", "counter", "count",
  ]
}
