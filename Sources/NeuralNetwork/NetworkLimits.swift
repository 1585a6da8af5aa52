/// What a file may ask for of memory that its own size does not bound: many times what networks for small images need.
package enum NetworkLimits {
  /// Numbers of one value, for one image.
  package static let floats = 1 << 24
  /// Entries of the tables of all convolutions: one for every pixel and tap.
  package static let tableEntries = 1 << 24
}
