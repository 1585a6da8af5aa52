import SwiftSyntax

/// A piece of a file that may stand there several times, of which one is chosen at run time.
struct Site {
  /// The bytes between the braces of a body, or those of an expression.
  let range: Range<Int>
  /// Whether it is a body, or the value that a stored property or a parameter has at first.
  let isBody: Bool
  /// Whether a body may be a single expression, which needs a `return` where it becomes a branch.
  let mayBeValue: Bool
}

/// Every body of a function, initialiser or accessor, and every value that a stored property or a
/// parameter has at first.
///
/// Closures are not among them: the types of a closure may depend on how many statements it has.
final class SiteFinder: SyntaxVisitor {
  private(set) var sites: [Site] = []

  static func sites(in file: SourceFileSyntax) -> [Site] {
    let finder = SiteFinder(viewMode: .sourceAccurate)
    finder.walk(file)
    return finder.sites
  }

  override func visitPost(_ node: FunctionDeclSyntax) {
    add(node.body, mayBeValue: node.signature.returnClause != nil)
  }

  override func visitPost(_ node: InitializerDeclSyntax) { add(node.body, mayBeValue: false) }

  override func visitPost(_ node: DeinitializerDeclSyntax) { add(node.body, mayBeValue: false) }

  override func visitPost(_ node: AccessorDeclSyntax) {
    add(node.body, mayBeValue: node.accessorSpecifier.tokenKind == .keyword(.get))
  }

  override func visitPost(_ node: AccessorBlockSyntax) {
    if case .getter = node.accessors {
      add(from: node.leftBrace, to: node.rightBrace, mayBeValue: true)
    }
  }

  override func visitPost(_ node: InitializerClauseSyntax) {
    guard node.parent?.is(FunctionParameterSyntax.self) == true || isStored(node) else { return }
    let value = node.value
    let start = value.positionAfterSkippingLeadingTrivia.utf8Offset
    sites.append(
      Site(
        range: start..<value.endPositionBeforeTrailingTrivia.utf8Offset, isBody: false,
        mayBeValue: false))
  }

  /// Whether it is the value of a property of a type or of a file, not of a variable in a body.
  private func isStored(_ node: InitializerClauseSyntax) -> Bool {
    guard let binding = node.parent?.as(PatternBindingSyntax.self) else { return false }
    let declaration = binding.parent?.parent?.parent
    return declaration?.is(MemberBlockItemSyntax.self) == true
      || declaration?.parent?.parent?.is(SourceFileSyntax.self) == true
  }

  private func add(_ body: CodeBlockSyntax?, mayBeValue: Bool) {
    guard let body else { return }
    add(from: body.leftBrace, to: body.rightBrace, mayBeValue: mayBeValue)
  }

  private func add(from left: TokenSyntax, to right: TokenSyntax, mayBeValue: Bool) {
    let start = left.endPositionBeforeTrailingTrivia.utf8Offset
    let end = right.positionAfterSkippingLeadingTrivia.utf8Offset
    sites.append(Site(range: start..<end, isBody: true, mayBeValue: mayBeValue))
  }
}

extension CodeBlockItemListSyntax {
  /// Whether the only statement is an expression, which is then the value of the whole.
  var isValue: Bool {
    guard let item = first?.item, count == 1 else { return false }
    return switch item {
    case .expr(let expression): expression.isValue
    case .stmt(let statement): statement.as(ExpressionStmtSyntax.self)?.expression.isValue ?? false
    case .decl: false
    }
  }

  fileprivate var isValueOrThrow: Bool {
    isValue || count == 1 && first?.item.is(ThrowStmtSyntax.self) == true
  }
}

extension ExprSyntax {
  /// Whether it has a value; `if` and `switch` are statements where a branch is no expression.
  fileprivate var isValue: Bool {
    if let choice = self.as(IfExprSyntax.self) {
      guard choice.body.statements.isValueOrThrow else { return false }
      return switch choice.elseBody {
      case .codeBlock(let block): block.statements.isValueOrThrow
      case .ifExpr(let other): ExprSyntax(other).isValue
      case nil: false
      }
    }
    if let choice = self.as(SwitchExprSyntax.self) {
      return choice.cases.allSatisfy {
        if case .switchCase(let branch) = $0 { branch.statements.isValueOrThrow } else { false }
      }
    }
    return true
  }
}
