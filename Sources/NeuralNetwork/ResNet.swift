import Classification
import Kernels
import Statistics

/// A residual network for small images: a convolution, stages of residual blocks of which all but the first halve
/// the image, the mean over all pixels and a dense layer. Activations are [N, H, W, C].
///
/// Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016, §4.2; the
/// bottlenecks have expansion 1, as in the official code of Mixup Inference.
public struct ResNet {
  /// What kind of network, and how large.
  public struct Architecture: Hashable, Sendable {
    /// The layers of one residual block.
    public enum Block: String, Codable, Sendable {
      /// Two 3×3 convolutions.
      case basic
      /// 1×1, 3×3, 1×1; the stride is on the 3×3.
      case bottleneck
      /// Two 3×3 convolutions, each behind a normalisation and an activation, and nothing behind the sum. Where the
      /// extents or the width change, a convolution of what the first of them is given stands for the input. A last
      /// normalisation and activation stand before the mean. Evaluated here, not trained.
      ///
      /// Zagoruyko and Komodakis, "Wide residual networks", BMVC 2016.
      case preActivation
      /// 1×1, 3×3, 1×1 in the same order. He, Zhang, Ren and Sun, "Identity mappings in deep residual networks", 2016.
      case preActivationBottleneck

      /// Whether normalisations stand before their convolutions.
      package var isPreActivation: Bool {
        self == .preActivation || self == .preActivationBottleneck
      }

      /// K of every convolution.
      var kernels: [Int] {
        self == .basic || self == .preActivation ? [3, 3] : [1, 3, 1]
      }
    }

    /// How a block's input reaches its output where extents or widths change.
    public enum Shortcut: String, Codable, Sendable {
      /// A strided 1×1 convolution, in post-activation blocks with batch normalisation.
      case projection
      /// Every second pixel, new channels zero on both sides: He et al.'s option A.
      case parameterFree
    }

    /// The shape of one input image.
    public var imageShape: ImageShape
    /// L, the number of classes.
    public var classCount: Int
    /// K of the first convolution.
    public var stemKernel: Int
    /// Channels of the first convolution, if they are not those of the first stage.
    public var stemWidth: Int?
    /// Channels of every stage.
    public var widths: [Int]
    /// Residual blocks of every stage.
    public var blocks: [Int]
    /// The layers of every residual block.
    public var block: Block
    /// How a block's input reaches its output where extents or widths change.
    public var shortcut: Shortcut
    /// In what it differs from others of the same layers.
    public var details: Details

    /// A residual network; `widths` and `blocks` have one entry per stage.
    public init(
      imageShape: ImageShape, classCount: Int, stemKernel: Int = 3, stemWidth: Int? = nil,
      widths: [Int] = [16, 32, 64], blocks: [Int], block: Block = .basic,
      shortcut: Shortcut = .projection, details: Details = Details()
    ) {
      self.imageShape = imageShape
      self.classCount = classCount
      self.stemKernel = stemKernel
      self.stemWidth = stemWidth
      self.widths = widths
      self.blocks = blocks
      self.block = block
      self.shortcut = shortcut
      self.details = details
    }

    /// 8 layers of widths 16, 32, 64; 78,042 parameters for 3×32×32 and 10 classes.
    public static func resNet8(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture {
      Architecture(imageShape: imageShape, classCount: classCount, blocks: [1, 1, 1])
    }

    /// 20 layers of widths 16, 32, 64; 272,474 parameters for 3×32×32 and 10 classes.
    public static func resNet20(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture {
      Architecture(imageShape: imageShape, classCount: classCount, blocks: [3, 3, 3])
    }

    /// 20 layers of widths 64, 128, 256; 4,330,826 parameters for 3×32×32 and 10 classes.
    public static func resNet18CIFAR(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture
    {
      Architecture(
        imageShape: imageShape, classCount: classCount, stemKernel: 5, widths: [64, 128, 256],
        blocks: [3, 3, 3])
    }

    /// 47 layers of widths 64, 128, 256, in bottlenecks: the network of Mixup Inference's published
    /// checkpoints; 4,752,586 parameters for 3×32×32 and 10 classes.
    public static func resNet50CIFAR(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture
    {
      Architecture(
        imageShape: imageShape, classCount: classCount, stemKernel: 5, widths: [64, 128, 256],
        blocks: [5, 5, 5], block: .bottleneck)
    }

    /// 18 layers of widths 64, 128, 256, 512: He et al.'s for ImageNet with a first convolution for small images;
    /// 11,173,962 parameters for 3×32×32 and 10 classes.
    public static func resNet18(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture {
      Architecture(
        imageShape: imageShape, classCount: classCount, widths: [64, 128, 256, 512],
        blocks: [2, 2, 2, 2])
    }

    /// 50 layers in bottlenecks of expansion 4, otherwise as `resNet18`; 23,520,842 parameters for 3×32×32 and 10
    /// classes.
    public static func resNet50(_ imageShape: ImageShape, classCount: Int = 10) -> Architecture {
      var details = Details()
      details.expansion = 4
      return Architecture(
        imageShape: imageShape, classCount: classCount, widths: [64, 128, 256, 512],
        blocks: [3, 4, 6, 3], block: .bottleneck, details: details)
    }

    /// 18 layers with their normalisations before the convolutions, and none behind the last block: that of
    /// github.com/kuangliu/pytorch-cifar and Manifold Mixup; 11,171,146 parameters for 3×32×32 and 10 classes.
    public static func preActResNet18(
      _ imageShape: ImageShape, classCount: Int = 10
    ) -> Architecture {
      var details = Details()
      details.hasLastNormalization = false
      return Architecture(
        imageShape: imageShape, classCount: classCount, widths: [64, 128, 256, 512],
        blocks: [2, 2, 2, 2], block: .preActivation, details: details)
    }

    /// 28 layers, ten times as wide as a ResNet of widths 16, 32, 64: that of TRADES and RobustBench; 36,479,194
    /// parameters for 3×32×32 and 10 classes.
    public static func wideResNet28By10(
      _ imageShape: ImageShape, classCount: Int = 10
    ) -> Architecture {
      Architecture(
        imageShape: imageShape, classCount: classCount, stemWidth: 16, widths: [160, 320, 640],
        blocks: [4, 4, 4], block: .preActivation)
    }

    /// The same with SiLU, and strides that pad below and right alone: DeepMind's in RobustBench.
    public static func deepMindWideResNet28By10(
      _ imageShape: ImageShape, classCount: Int = 10
    ) -> Architecture {
      var architecture = wideResNet28By10(imageShape, classCount: classCount)
      architecture.details.activation = .silu
      architecture.details.isLopsided = true
      return architecture
    }

    /// The networks by the names under which commands and records know them.
    public static let named: [(name: String, make: @Sendable (ImageShape, Int) -> Architecture)] = [
      ("resNet8", { resNet8($0, classCount: $1) }),
      ("resNet20", { resNet20($0, classCount: $1) }),
      ("resNet18CIFAR", { resNet18CIFAR($0, classCount: $1) }),
      ("resNet50CIFAR", { resNet50CIFAR($0, classCount: $1) }),
      ("resNet18", { resNet18($0, classCount: $1) }),
      ("resNet50", { resNet50($0, classCount: $1) }),
      ("preActResNet18", { preActResNet18($0, classCount: $1) }),
      ("wideResNet-28-10", { wideResNet28By10($0, classCount: $1) }),
      ("deepMindWideResNet-28-10", { deepMindWideResNet28By10($0, classCount: $1) }),
    ]
  }

  /// What kind of network this is.
  public let architecture: Architecture
  /// Parameters and buffers by path, in the order of the layers.
  public let state: NetworkState
  private let layers: LayerGraph

  /// A network with all weights zero; see `initialize(seed:)`.
  ///
  /// - Precondition: the architecture is possible.
  public init(_ architecture: Architecture) {
    precondition(architecture.isValid, "there is no such network")
    self.architecture = architecture
    state = NetworkState(of: architecture)
    var builder = ResidualLayers(architecture, state, imageShape: architecture.imageShape)
    builder.build()
    layers = builder.layers
  }

  /// The network in evaluation, with its present weights; later training does not change it.
  public var graph: NetworkGraph { layers.graph }

  // MARK: Passes

  /// What the backward pass needs of a forward pass.
  public struct Cache: Sendable {
    fileprivate var layers: LayerGraph.Cache
  }

  /// Images [N, H, W, C] on the network's own scale → logits [N, L].
  public func forward(
    _ images: Tensor, mode: Mode, on execution: Execution
  ) -> (logits: Tensor, cache: Cache) {
    let (logits, cache) = layers.forward(images, mode: mode, on: execution)
    return (logits, Cache(layers: cache))
  }

  /// Sets the gradients of all parameters; returns that of the images [N, H, W, C] if wanted.
  ///
  /// - Parameter gradient: ∂loss/∂logits, [N, L].
  @discardableResult
  public func backward(
    _ gradient: Tensor, cache: Cache, wantsInputGradient: Bool = false, on execution: Execution
  ) -> Tensor? {
    layers.backward(
      gradient, cache: cache.layers, wantsInputGradient: wantsInputGradient, on: execution)
  }

  // MARK: State

  /// Random weights: convolutions N(0, 2 / (K²·O)) for O output channels (Kaiming, fan-out), the dense
  /// layer uniform in ±1/√C for C inputs. Batch normalisations stay as they are, in a new network the
  /// identity, and biases zero but for those of the dense layer.
  public func initialize(seed: UInt64) {
    for (index, (path, parameter)) in state.parameters.enumerated() {
      var random = RandomStream(RandomKey(seed: seed, purpose: .initialization, draw: index))
      let shape = parameter.value.shape
      if shape.count == 4 {
        let deviation = (2 / Float(shape[0] * shape[2] * shape[3])).squareRoot()
        parameter.value = parameter.value.map { _ in Float(random.standardNormal()) * deviation }
      } else if path.hasPrefix("fc_dense") {
        let bound = 1 / Float(architecture.lastChannels).squareRoot()
        parameter.value = parameter.value.map { _ in (2 * random.uniform() - 1) * bound }
      }
    }
  }
}

extension NetworkState {
  /// The state of a network with all weights zero and normalisations that change nothing but by ε.
  package init(of architecture: ResNet.Architecture) {
    let naming = StateNaming.own(architecture.block)
    for tensor in architecture.stateTensors {
      let isNormalization = tensor.place.isNormalization
      switch tensor.part {
      case "running_mean":
        buffers.append((tensor.path(naming), StateBuffer(Tensor(shape: tensor.shape))))
      case "running_var":
        buffers.append(
          (tensor.path(naming), StateBuffer(Tensor(repeating: 1, shape: tensor.shape))))
      default:
        let value: Float = isNormalization && tensor.part == "weight" ? 1 : 0
        parameters.append(
          (tensor.path(naming), Parameter(Tensor(repeating: value, shape: tensor.shape))))
      }
    }
  }
}
