import Foundation
import FoundationXML
import Reporting

/// Reads XML and keeps what tests ask about; an independent judge of whether it is well-formed.
final class MarkupReader: NSObject, XMLParserDelegate {
  /// A text of a picture with the box it fills.
  struct Label {
    var text = ""
    var left, right, top, bottom: Double

    func overlaps(_ other: Label) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }
  }

  private(set) var isWellFormed = false
  private(set) var elements: [String: Int] = [:]
  private(set) var attributes: [[String: String]] = []
  private(set) var labels: [Label] = []
  private(set) var text = ""
  private var isInLabel = false

  init(_ markup: String) {
    super.init()
    let parser = XMLParser(data: Data(markup.utf8))
    parser.delegate = self
    isWellFormed = parser.parse()
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements[name, default: 0] += 1
    self.attributes.append(attributes)
    guard name == "text" else { return }
    isInLabel = true
    func number(_ key: String) -> Double { attributes[key].flatMap(Double.init) ?? .nan }
    // The width comes with the end of the element; until then `right` carries the font size.
    let (x, y, size) = (number("x"), number("y"), number("font-size"))
    labels.append(Label(left: x, right: size, top: y - 0.75 * size, bottom: y + 0.15 * size))
    anchor = attributes["text-anchor"] ?? "start"
    isBold = attributes["font-weight"] != nil
  }

  private var anchor = "start"
  private var isBold = false

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    text += string
    if isInLabel, let last = labels.indices.last { labels[last].text += string }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    guard name == "text", let last = labels.indices.last else { return }
    isInLabel = false
    let width = textWidth(labels[last].text, size: labels[last].right, isBold: isBold)
    let shift = anchor == "end" ? width : anchor == "middle" ? width / 2 : 0
    labels[last].left -= shift
    labels[last].right = labels[last].left + width
  }
}
