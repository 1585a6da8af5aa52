import CZlib
import Foundation

/// The content of a gzip file of one member.
///
/// - Throws: `ONNXError.damaged`, also for one that unpacks to more than 1 GiB.
func gunzip(_ packed: Data) throws(ONNXError) -> Data {
  var stream = z_stream()
  guard gzip_inflate_init(&stream) == Z_OK else {
    throw .damaged("there is no memory to unpack it")
  }
  defer { inflateEnd(&stream) }
  var result = Data()
  var status = Z_OK
  packed.withUnsafeBytes { packed in
    // zlib takes what it reads for something that it might write.
    stream.next_in = UnsafeMutablePointer(
      mutating: packed.baseAddress?.assumingMemoryBound(to: Bytef.self))
    stream.avail_in = uInt(clamping: packed.count)
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while status == Z_OK, result.count <= 1 << 30 {
      let count = block.withUnsafeMutableBufferPointer { block in
        stream.next_out = block.baseAddress
        stream.avail_out = uInt(block.count)
        status = inflate(&stream, Z_NO_FLUSH)
        return block.count - Int(stream.avail_out)
      }
      result.append(contentsOf: block[..<count])
      // Without room used or input left there is nothing to go on with.
      if status == Z_OK, count == 0, stream.avail_in == 0 { status = Z_BUF_ERROR }
    }
  }
  guard result.count <= 1 << 30 else { throw .damaged("it unpacks to more than 1 GiB") }
  guard status == Z_STREAM_END else { throw .damaged("its gzip packing ends early or is damaged") }
  guard stream.avail_in == 0 else { throw .damaged("something follows the gzip packing") }
  return result
}
