/// An attack or a defence with settings of its own.
package protocol Adjustable: Sendable {
  /// The settings, in the order in which they are set: setting one may change the usual value of a later
  /// one.
  var settings: [Setting<Self>] { get }
}

extension Adjustable {
  /// The names of the settings in JSON.
  package var settingNames: [String] { settings.map(\.name) }

  /// What records and titles say of the settings, by name.
  package var settingTexts: [String: String] {
    settings.reduce(into: [:]) { texts, setting in
      texts.merge(setting.texts(self)) { $1 }
    }
  }

  /// The text of a setting's value; nil if there is no such setting, or nothing is said.
  package func text(of name: String) -> String? {
    settings.first { $0.name == name }?.value(self)?.text
  }

  /// The value of every setting that has one, by name.
  package var settingValues: [String: AnyHashable] {
    settings.reduce(into: [:]) { $0[$1.name] = $1.value(self).map { AnyHashable($0) } }
  }

  /// The value of a setting; nil if there is no such setting, or nothing is said.
  package func setting<Value: SettingValue>(_ name: String) -> Value? {
    settings.first { $0.name == name }?.value(self) as? Value
  }

  /// Sets the setting of that name.
  ///
  /// - Returns: whether there is such a setting.
  package mutating func set(_ name: String, _ value: any SettingValue) -> Bool {
    guard let setting = settings.first(where: { $0.name == name }) else { return false }
    setting.assign(&self, value)
    return true
  }

  /// The same with every value in its canonical form.
  package var canonical: Self {
    settings.reduce(into: self) { result, setting in
      if let value = setting.value(self) { setting.assign(&result, value.canonical) }
    }
  }

  /// The same, with every setting that grows with effort multiplied by `effort`.
  package func multiplied(by effort: Int) -> Self {
    settings.reduce(into: self) { result, setting in
      guard setting.growsWithEffort, let count = setting.value(self) as? Int else { return }
      setting.assign(&result, count * effort)
    }
  }

  /// Sets what has a flag among the given ones, and takes these flags.
  package mutating func take(
    from flags: inout GivenFlags, norm: PerturbationBudget.Norm = .linf
  ) throws {
    for setting in settings {
      for flag in setting.flags {
        guard let text = flags.take(flag) else { continue }
        setting.assign(&self, try setting.type.init(flag: flag, text: text, norm: norm))
      }
    }
  }

  /// Reads the settings that stand in JSON; the others stay as they are.
  package mutating func take(
    from fields: KeyedDecodingContainer<SettingKey>, norm: PerturbationBudget.Norm = .linf
  ) throws {
    for setting in settings {
      let key = SettingKey(setting.name)
      if try fields.contains(key) && !fields.decodeNil(forKey: key) {
        setting.assign(&self, try setting.type.init(from: fields, forKey: key, norm: norm))
      }
    }
  }

  /// Writes every setting that has a value.
  package func write(to fields: inout KeyedEncodingContainer<SettingKey>) throws {
    for setting in settings {
      if let value = setting.value(self) {
        try fields.encode(value, forKey: SettingKey(setting.name))
      }
    }
  }

  /// What is wrong with the settings, in one line; nil if nothing is.
  package var problem: String? {
    settings.lazy.compactMap { $0.problem(self) }.first
  }
}
