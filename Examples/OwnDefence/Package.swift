// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "OwnDefence",
  dependencies: [.package(name: "mixup-inference", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnDefence",
      dependencies: [.product(name: "Experiments", package: "mixup-inference")],
      path: "Sources", swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
