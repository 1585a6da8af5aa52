import Experiments
import Foundation
import Statistics
import Testing

@Suite("Keys of JSON")
struct JSONKeysTests {
  @Test(
    "that stand twice in one object are found, at any depth and however they are escaped",
    arguments: [
      (#"{"a": 1, "a": 2}"#, "a"), (#"{"a": {"b": 1, "c": [], "b": 1}}"#, "b"),
      (#"[1, {"x": "x", "y": "x", "x": null}]"#, "x"), (#"{"a": 1, "\u0061": 2}"#, "a"),
      (#"{"p": [{"q": 1}, {"q": 1, "r": {}, "q": 2}]}"#, "q"),
      (#"{"a\"b": 1, "c": "}", "a\"b": 2}"#, "a\"b"), (#"{"": 1, "": 2}"#, ""),
    ])
  func repeated(json: String, key: String) throws {
    // What is found is valid JSON for everybody else.
    _ = try JSONSerialization.jsonObject(with: Data(json.utf8))
    #expect(JSONKeys.repeated(in: Data(json.utf8)) == key)
  }

  @Test(
    "that stand once in every object are no problem, wherever else their text stands",
    arguments: [
      #"{"a": "a", "b": ["a", "a", {"a": {"a": "b"}}]}"#, #"[{"a": 1}, {"a": 2}]"#,
      #"{"a": {"b": 1}, "b": {"a": 2}}"#, #""a""#, "[]", "{}", "", "]}", #"{"a":"#,
      #"{"a": "\"a\": 1, \"a\": 2", "c": "{\"a\":"}"#,
    ])
  func single(json: String) {
    #expect(JSONKeys.repeated(in: Data(json.utf8)) == nil)
  }

  @Test("are none in an encoder's own output, and one once it is added a second time")
  func planted() throws {
    var stream = RandomStream(RandomKey(seed: 1, purpose: .test))
    func value(_ depth: Int) -> Any {
      switch stream.integer(below: depth > 3 ? 2 : 4) {
      case 0: return stream.integer(below: 100)
      case 1: return ["k0", "k1\"", "\\{", "}],:"][stream.integer(below: 4)]
      case 2: return (0..<stream.integer(below: 4)).map { _ in value(depth + 1) }
      default:
        return Dictionary(
          uniqueKeysWithValues: (0..<stream.integer(below: 4)).map {
            ("k\($0)\"", value(depth + 1))
          })
      }
    }
    for _ in 0..<300 {
      let json = try JSONSerialization.data(withJSONObject: ["outer": value(0), "other": 1])
      #expect(JSONKeys.repeated(in: json) == nil)
      let doubled = String(decoding: json, as: UTF8.self).dropLast() + ",\"other\":2}"
      #expect(JSONKeys.repeated(in: Data(doubled.utf8)) == "other")
    }
  }
}
