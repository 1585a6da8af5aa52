// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "OwnProperty",
  dependencies: [.package(name: "mixup-inference", path: "../..")],
  targets: [
    .target(name: "Softmax", swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "OwnProperty",
      dependencies: ["Softmax", .product(name: "PropertyTesting", package: "mixup-inference")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .testTarget(
      name: "SoftmaxTests",
      dependencies: ["Softmax", .product(name: "PropertyTesting", package: "mixup-inference")],
      path: "Tests", swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
