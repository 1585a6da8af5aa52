import Foundation

extension TextStyle {
  /// The style of what goes to one of the process's own files, as its terminal and the environment ask for it.
  package static func of(_ descriptor: Int32) -> TextStyle {
    TextStyle(
      terminalColumns: terminalColumns(of: descriptor),
      environment: ProcessInfo.processInfo.environment)
  }

  /// The style for a terminal of so many columns, or for what is none.
  ///
  /// Colour is for terminals alone; `NO_COLOR` (no-color.org) takes it away there, and `CLICOLOR_FORCE`
  /// (bixense.com/clicolors) brings it elsewhere too. `COLUMNS` says how wide tables may be, whatever the terminal.
  ///
  /// - Parameter terminalColumns: nil for no terminal, 0 for one that does not say how wide it is.
  package init(terminalColumns: Int?, environment: [String: String]) {
    func isSet(_ name: String) -> Bool { environment[name].map { !$0.isEmpty } ?? false }
    let isForced = isSet("CLICOLOR_FORCE") && environment["CLICOLOR_FORCE"] != "0"
    let isCapable = terminalColumns != nil && environment["TERM"] != "dumb"
    let chosen = environment["COLUMNS"].flatMap { Int($0) }.flatMap { 1...100_000 ~= $0 ? $0 : nil }
    self.init(
      columns: chosen ?? terminalColumns.flatMap { $0 > 0 ? $0 : nil } ?? Self.file.columns,
      breaksProse: terminalColumns != nil,
      isColoured: !isSet("NO_COLOR") && (isForced || isCapable))
  }
}

/// How wide the terminal of a descriptor is; 0 if it does not say, nil if there is none.
func terminalColumns(of descriptor: Int32) -> Int? {
  guard isatty(descriptor) == 1 else { return nil }
  var size = winsize()
  return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? Int(size.ws_col) : 0
}
