import CPUFeatures
import Glibc

/// What is called of OpenBLAS, after it was loaded and told to use one thread, as our threads each call it with
/// work of their own.
struct OpenBLASFunctions: Sendable {
  // The types of `cblas.h`, where an enumeration is an `int`, and so is `blasint` without USE64BITINT.
  private typealias Name = @Sendable @convention(c) () -> UnsafePointer<CChar>
  private typealias SetThreads = @Sendable @convention(c) (CInt) -> Void
  private typealias Choose = @Sendable @convention(c) () -> Void
  private typealias Product =
    @Sendable @convention(c) (
      _ order: CInt, _ transposeA: CInt, _ transposeB: CInt, _ m: CInt, _ n: CInt, _ k: CInt,
      _ alpha: Float, _ a: UnsafePointer<Float>, _ strideA: CInt, _ b: UnsafePointer<Float>,
      _ strideB: CInt, _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ strideC: CInt
    ) -> Void

  private let product: Product
  private let name: Name

  /// The processor for which it chose its kernels.
  var coreName: String { String(cString: name()) }

  init() throws(MissingLibrary) {
    let source = LoadedLibrary.Source(
      name: "OpenBLAS", file: "libopenblas.so.0", package: "libopenblas0")
    let library = try LoadedLibrary(source)
    product = try library.function("cblas_sgemm", as: Product.self)
    name = try library.function("openblas_get_corename", as: Name.self)
    let configuration = try library.function("openblas_get_config", as: Name.self)
    let setThreads = try library.function("openblas_set_num_threads", as: SetThreads.self)
    guard !String(cString: configuration()).contains("USE64BITINT") else {
      throw MissingLibrary(source, problem: "\(source.file) takes integers of 64 bits")
    }
    // Only libraries with kernels for several processors have these, and no header declares them.
    if let forget = library.optional("gotoblas_dynamic_quit", as: Choose.self),
      let choose = library.optional("gotoblas_dynamic_init", as: Choose.self),
      let better = Self.betterCore(than: coreName)
    {
      setenv("OPENBLAS_CORETYPE", better, 0)
      forget()
      choose()
    }
    setThreads(1)
  }

  /// The processor to name to OpenBLAS, if it chose worse kernels than run here.
  ///
  /// OpenBLAS releases older than a processor take it for the oldest they know and run SSE3
  /// kernels at a fifth of the speed.
  private static func betterCore(than found: String) -> String? {
    let modern: Set = ["Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids"]
    let wide: Set = ["SkylakeX", "Cooperlake", "Sapphirerapids"]
    // A choice that the user made by hand stays.
    guard getenv("OPENBLAS_CORETYPE") == nil else { return nil }
    if cpu_supports_avx512(), !wide.contains(found) { return "SkylakeX" }
    return cpu_supports_avx2() && !modern.contains(found) ? "Haswell" : nil
  }

  private static let (rowMajor, asItIs, transposed): (CInt, CInt, CInt) = (101, 111, 112)

  /// C += A · B with A [rows, depth], B [depth, columns] and C [rows, columns].
  func addProduct(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows: Int, depth: Int, columns: Int,
    to c: UnsafeMutablePointer<Float>
  ) {
    product(
      Self.rowMajor, Self.asItIs, Self.asItIs, CInt(rows), CInt(columns), CInt(depth), 1, a,
      CInt(depth), b, CInt(columns), 1, c, CInt(columns))
  }

  /// C += Aᵀ · B with A [depth, rows], B [depth, columns] and C [rows, columns].
  func addProduct(
    transposed a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows: Int, depth: Int,
    columns: Int, to c: UnsafeMutablePointer<Float>
  ) {
    product(
      Self.rowMajor, Self.transposed, Self.asItIs, CInt(rows), CInt(columns), CInt(depth), 1, a,
      CInt(rows), b, CInt(columns), 1, c, CInt(columns))
  }
}
