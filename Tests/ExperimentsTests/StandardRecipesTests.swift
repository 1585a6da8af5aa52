import Classification
import Datasets
import Experiments
import Foundation
import NeuralNetwork
import TestSupport
import Testing
import Training

@Suite("Standard recipes")
struct StandardRecipesTests {
  @Test("are of their own method and of no other, on every data set")
  func methods() throws {
    for method in TrainingMethod.allCases {
      for dataset in Dataset.known {
        let recipe = try method.recipe(for: dataset, seed: 1)
        #expect(recipe.seed == 1 && recipe.epochs > 0)
        #expect(TrainingMethod.allCases.filter { $0.isMethod(of: recipe) } == [method])
      }
    }
  }

  @Test("are those by which the networks of fixtures/cifar10 were trained")
  func cifar() throws {
    for method in TrainingMethod.allCases {
      let checkpoint = try Checkpoint(Fixtures.data("cifar10/\(method.rawValue).safetensors"))
      #expect(try method.recipe(for: .cifar10, seed: 1) == checkpoint.recipe)
      #expect(
        Dataset.cifar10.training.architecture(Dataset.cifar10.imageShape, 10)
          == checkpoint.architecture)
    }
  }

  @Test("What is measured on a data set follows from its description, not from its name")
  func reproduction() throws {
    for scale in PaperScale.allCases {
      for dataset in Dataset.known {
        #expect(
          try Reproduction.Settings(scale, for: dataset)
            == (dataset.name == "digits" ? .init(digits: scale) : .init(paper: scale)))
      }
      try withTemporaryFolder { folder in
        for name in Dataset.known.map(\.name) {
          let file = folder.appending(path: name)
          try Fixtures.data("datasets/bytes.safetensors").write(to: file)
          let own = try Dataset(safetensors: file)
          #expect(try Reproduction.Settings(scale, for: own) == .init(paper: scale))
          #expect(PublishedTable(own) == nil)
        }
      }
    }
  }

  @Test(
    "say by which seed validation images are set apart; where there is none it is train's usual one"
  )
  func splitSeed() throws {
    let network = ResNet(.resNet8(ImageShape(channels: 1, height: 8, width: 8), classCount: 10))
    func model(_ notes: [String: String]) -> CheckpointModel {
      CheckpointModel(
        name: "m",
        checkpoint: Checkpoint(
          network, normalization: .plusMinusOne(channels: 1), notes: notes), digest: "0")
    }
    let recipe = try TrainingMethod.mixup.recipe(for: .digits, seed: 7)
    let text = String(decoding: try JSONEncoder().encode(recipe), as: UTF8.self)
    #expect(model(["recipe": text]).splitSeed == 7)
    #expect(model([:]).splitSeed == 1 && model(["recipe": "by hand"]).splitSeed == 1)
  }
}
