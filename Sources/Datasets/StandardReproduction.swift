/// What `reproduce` measures on a data set unless the user says otherwise.
package enum StandardReproduction: Sendable, Hashable {
  /// Three networks alone and behind mixup inference, at one radius: minutes.
  case mainTable
  /// The tables and figures of Pang, Xu and Zhu, ICLR 2020; `table` is the number of the paper's own table
  /// about this very data set, nil if there is none.
  case paper(table: Int?)
}
