/// "did you mean pgd? " of the word that somebody most likely meant; empty where none is near.
///
/// Near is a word that is reached by few insertions, deletions, replacements and exchanges of neighbours: one, or one for
/// every three characters (the optimal string alignment distance; Damerau, "A technique for computer detection and
/// correction of spelling errors", 1964).
func suggestion(for word: String, among known: some Sequence<String>) -> String {
  let near = known.map { (word: $0, distance: alignmentDistance(word, $0)) }
    .min { $0.distance < $1.distance }
  guard let near, near.distance <= max(1, word.count / 3) else { return "" }
  return "did you mean \(near.word)? "
}

/// How many insertions, deletions, replacements and exchanges of neighbours lead from one word to the other. O(nm).
private func alignmentDistance(_ a: String, _ b: String) -> Int {
  // What a command line holds may be long; names are not.
  let (a, b) = (Array(a.prefix(64)), Array(b))
  var rows = [Array(0...b.count)]
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var least = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        least = min(least, rows[i - 1][j - 1] + 1)
      }
      row.append(least)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
