import CPUFeatures
import COpenBLAS
import Glibc

/// The products through OpenBLAS: the inputs under the kernel are gathered into a matrix with one row
/// for every output pixel, which OpenBLAS multiplies. Image by image, so that a result does not depend on
/// its batch.
public enum OpenBLAS {
  /// The processor for which OpenBLAS chose its kernels, after `prepare` ("SkylakeX", "Haswell", …).
  public static var coreName: String {
    _ = prepare
    return String(cString: openblas_get_corename())
  }

  /// Runs once, before the first product.
  ///
  /// OpenBLAS releases older than a processor take it for the oldest they know and run SSE3
  /// kernels at a fifth of the speed. Where that happened, it is told by name which kernels to use.
  /// OpenBLAS is kept to one thread, as our threads each call it with work of their own.
  private static let prepare: Void = {
    let modern: Set = ["Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids"]
    let wide: Set = ["SkylakeX", "Cooperlake", "Sapphirerapids"]
    let found = String(cString: openblas_get_corename())
    let better: String? =
      cpu_supports_avx512() && !wide.contains(found)
      ? "SkylakeX" : cpu_supports_avx2() && !modern.contains(found) ? "Haswell" : nil
    // A choice that the user made by hand stays.
    if let better, getenv("OPENBLAS_CORETYPE") == nil {
      setenv("OPENBLAS_CORETYPE", better, 0)
      gotoblas_dynamic_quit()
      gotoblas_dynamic_init()
    }
    openblas_set_num_threads(1)
  }()

  static func multiply(
    _ gather: Gather, images: Int, input: UnsafePointer<Float>, inputChannels: Int,
    weights: PackedWeights, bias: UnsafePointer<Float>?, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>?
  ) {
    _ = prepare
    guard let scratch else { preconditionFailure("OpenBLAS needs scratch memory") }
    let (rows, columns) = (gather.destinationCount, weights.outputChannels)
    // Sums are formed beside the output, which may hold the addend.
    let sums = scratch + rows * weights.depth
    for image in 0..<images {
      gatherRows(
        gather, input: input + image * gather.sourceCount * inputChannels,
        inputChannels: inputChannels, into: scratch)
      for row in 0..<rows {
        for column in 0..<columns { sums[row * columns + column] = bias?[column] ?? 0 }
      }
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns),
        blasint(weights.depth), 1, scratch, blasint(weights.depth), weights.pointer,
        blasint(columns), 1, sums, blasint(columns))
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
    _ = prepare
    guard let scratch else { preconditionFailure("OpenBLAS needs scratch memory") }
    let depth = gather.tapCount * inputChannels
    result.update(repeating: 0, count: depth * columns)
    for image in 0..<images {
      gatherRows(
        gather, input: input + image * gather.sourceCount * inputChannels,
        inputChannels: inputChannels, into: scratch)
      cblas_sgemm(
        CblasRowMajor, CblasTrans, CblasNoTrans, blasint(depth), blasint(columns),
        blasint(gather.destinationCount), 1, scratch, blasint(depth),
        outputGradient + image * gather.destinationCount * columns, blasint(columns), 1, result,
        blasint(columns))
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
