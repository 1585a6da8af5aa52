/// In what a network computes.
package enum Arithmetic: String, CaseIterable, Sendable {
  case float32
  /// Whole numbers of eight bits, as a calibrated file says.
  case int8
  /// The same, where decisions that are closer than the file's margin are made again in Float32.
  case int8Checked = "int8-checked"
}
