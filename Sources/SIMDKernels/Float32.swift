import KernelTables

/// The kernels in single precision of the instruction set that this folder is compiled for. Every
/// kernel is an extension of this type in a file of its own; what it computes is said in the table,
/// here is how.
package enum Float32: Float32Kernels {
  package static var vectorWidth: Int { Vector.scalarCount }
}
