// MARK: Wrong edits

// `ci/mutants` puts these lines at the end of the manifest of its copy.
for target in package.targets where target.type != .system {
  target.dependencies.append("CActiveEdit")
}
package.targets.append(.target(name: "CActiveEdit", path: "ci/schemata/CActiveEdit"))
