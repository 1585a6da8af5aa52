extension String {
  /// The text without line ends and whatever else could steer a terminal, each replaced by its number:
  /// "\u{1B}".
  package var printable: String {
    // Characters of the category "format" are invisible and may reverse the direction of a line.
    String(
      unicodeScalars.flatMap { scalar -> [Character] in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
          .unassigned:
          Array("\\u{\(String(scalar.value, radix: 16, uppercase: true))}")
        default: [Character(scalar)]
        }
      })
  }

  /// The same line by line: ends of lines, "\n", stay.
  package var printableLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
      .joined(separator: "\n")
  }
}
