import KernelTables

/// The kernels in single precision of the instruction set that this folder is compiled for. Every
/// kernel is an extension of this type in a file of its own. What it computes is documented in
/// `Float32Kernels`; comments here say how.
package enum Float32: Float32Kernels {
  package static var vectorWidth: Int { Vector.scalarCount }
}
