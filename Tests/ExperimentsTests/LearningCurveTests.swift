import Experiments
import Statistics
import TestSupport
import Testing

@Suite("A learning curve")
struct LearningCurveTests {
  private static let csv = """
    epoch,loss,learning rate,validation accuracy,validation images,seconds
    1,2.5,0.1,0.0,333,1.25
    2,1.25,0.05,0.3033033033033033,333,1.5
    3,0.625,1e-05,1.0,333,0.75

    """

  @Test("comes back from its file as it was")
  func roundTrip() throws {
    let curve = try LearningCurve(csv: Self.csv)
    #expect(curve.csv == Self.csv)
    #expect(curve.epochs.map(\.loss) == [2.5, 1.25, 0.625])
    #expect(curve.epochs.map(\.validation.successes) == [0, 101, 333])
    #expect(try LearningCurve(csv: LearningCurve().csv) == LearningCurve())
  }

  @Test("is read from the committed trainings", arguments: CIFARFixtureTests.names)
  func fixtures(_ name: String) throws {
    let text = String(decoding: try Fixtures.data("cifar10/\(name).csv"), as: UTF8.self)
    let curve = try LearningCurve(csv: text)
    #expect(curve.epochs.map(\.epoch) == Array(1...curve.epochs.count) && curve.epochs.count >= 15)
    #expect(curve.csv == text)
  }

  @Test(
    "that is damaged names the line",
    arguments: [
      ("", 1), ("epoch,loss\n1,2\n", 1),
      (csv.replacing("2,1.25,", with: "2,1.25"), 3),
      (csv.replacing("333", with: "-333"), 2),
      (csv.replacing(",333,", with: ",many,"), 2),
      (csv + "4,nothing,0.1,0.5,10,1\n", 5),
      (csv + "4,1,0.1,1.5,10,1\n", 5),
    ])
  func damaged(_ text: String, _ line: Int) {
    let error = #expect(throws: LearningCurveError.self) { try LearningCurve(csv: text) }
    #expect(error?.line == line)
  }
}
