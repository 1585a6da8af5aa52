import CPUFeatures
import Glibc

/// The products through OpenBLAS: the inputs under the kernel are gathered into a matrix with one row
/// for every output pixel, which OpenBLAS multiplies. Image by image, so that a result does not depend on
/// its batch.
///
/// The library is loaded at the first question to it.
public enum OpenBLAS {
  /// The processor for which OpenBLAS chose its kernels ("SkylakeX", "Haswell", …); nil where the library is missing.
  public static var coreName: String? { loaded.functions?.coreName }

  /// Why the library cannot be used here; nil if it can.
  package static var problem: MissingLibrary? { loaded.problem }

  private static let loaded: (functions: OpenBLASFunctions?, problem: MissingLibrary?) = {
    do throws(MissingLibrary) { return (try OpenBLASFunctions(), nil) } catch {
      return (nil, error)
    }
  }()

  /// The library for a set of kernels that was found to be available.
  private static var library: OpenBLASFunctions {
    guard let functions = loaded.functions else { preconditionFailure("OpenBLAS is missing") }
    return functions
  }

  static func multiply(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    weights: PackedWeights, bias: UnsafePointer<Float>?, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>?
  ) {
    guard let scratch else { preconditionFailure("OpenBLAS needs scratch memory") }
    let (rows, columns) = (gather.destinationCount, weights.outputChannels)
    let library = library
    // Sums are formed beside the output, which may hold the addend.
    let sums = scratch + rows * weights.depth
    for image in 0..<images {
      gatherRows(
        gather, input: input + image * gather.sourceCount * inputChannels,
        inputChannels: inputChannels, into: scratch)
      for row in 0..<rows {
        for column in 0..<columns { sums[row * columns + column] = bias?[column] ?? 0 }
      }
      library.addProduct(
        scratch, weights.pointer, rows: rows, depth: weights.depth, columns: columns, to: sums)
      for row in 0..<rows {
        for column in 0..<columns {
          epilogue.finish(
            sums[row * columns + column], row: image * rows + row, column: column, of: columns,
            output: output)
        }
      }
    }
  }

  static func outerProduct(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    outputGradient: UnsafePointer<Float>, columns: Int, result: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>?
  ) {
    guard let scratch else { preconditionFailure("OpenBLAS needs scratch memory") }
    let depth = gather.tapCount * inputChannels
    result.update(repeating: 0, count: depth * columns)
    let library = library
    for image in 0..<images {
      gatherRows(
        gather, input: input + image * gather.sourceCount * inputChannels,
        inputChannels: inputChannels, into: scratch)
      library.addProduct(
        transposed: scratch, outputGradient + image * gather.destinationCount * columns,
        rows: depth, depth: gather.destinationCount, columns: columns, to: result)
    }
  }

  /// One image's matrix [destinations, taps × inputChannels]; zeros where a tap misses the image.
  private static func gatherRows(
    _ gather: Gather, input: UnsafePointer<Float>, inputChannels: Int,
    into matrix: UnsafeMutablePointer<Float>
  ) {
    let depth = gather.tapCount * inputChannels
    matrix.update(repeating: 0, count: gather.destinationCount * depth)
    for group in gather.groups {
      for (place, destination) in group.destinations.enumerated() {
        for (run, tap) in group.taps.enumerated() {
          let source = Int(group.sources[place * group.taps.count + run])
          (matrix + Int(destination) * depth + Int(tap) * inputChannels).update(
            from: input + source * inputChannels, count: Int(group.lengths[run]) * inputChannels)
        }
      }
    }
  }
}
