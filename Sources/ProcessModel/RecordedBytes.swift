/// Bytes in memory as a process might have sent them before it ended: what is read where no process is.
package struct RecordedBytes: ByteSource {
  private var bytes: ArraySlice<UInt8>

  package init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  package mutating func read(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(ProcessProblem) {
    guard bytes.count >= buffer.count else { throw .ended("ended with status 0") }
    buffer.copyBytes(from: bytes.prefix(buffer.count))
    bytes = bytes.dropFirst(buffer.count)
  }

  package mutating func rest(atMost count: Int) -> [UInt8] { Array(bytes.prefix(count)) }
}
