extension Dataset {
  /// Every data set that has a name.
  public static let known = [digits, cifar10, cifar100, cifar100Coarse, mnist, fashionMNIST]
}
