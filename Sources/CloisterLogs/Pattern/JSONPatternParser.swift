/// Parses JSON patterns by recursive descent, at most `LogsLimits.nestingMax` parentheses deep.
struct JSONPatternParser {
    typealias Malformed = LogFilterPattern.Malformed

    private let text: [UInt8]
    private var position = 0

    init(text: [UInt8]) { self.text = text }

    mutating func pattern() throws(Malformed) -> JSONCondition {
        guard take("{") else { throw malformed("'{' expected") }
        let condition = try alternatives(depth: 0)
        guard take("}") else { throw malformed("'}' expected") }
        skipSpace()
        guard position == text.count else { throw malformed("nothing may follow '}'") }
        return condition
    }

    private mutating func alternatives(depth: Int) throws(Malformed) -> JSONCondition {
        var conditions = [try conjunction(depth: depth)]
        while take("||") { conditions.append(try conjunction(depth: depth)) }
        return conditions.count == 1 ? conditions[0] : .any(conditions)
    }

    private mutating func conjunction(depth: Int) throws(Malformed) -> JSONCondition {
        var conditions = [try primary(depth: depth)]
        while take("&&") { conditions.append(try primary(depth: depth)) }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private mutating func primary(depth: Int) throws(Malformed) -> JSONCondition {
        guard depth < LogsLimits.nestingMax else { throw malformed("too many parentheses") }
        if take("(") {
            let condition = try alternatives(depth: depth + 1)
            guard take(")") else { throw malformed("')' expected") }
            return condition
        }
        return .test(try selector(), try test())
    }

    private mutating func selector() throws(Malformed) -> JSONSelector {
        guard take("$") else { throw malformed("a selector beginning with '$' expected") }
        var steps: [JSONSelector.Step] = []
        while true {
            if takeHere("[") {
                steps.append(try bracketStep())
            } else if takeHere(".") {
                if takeHere("[") {
                    steps.append(try bracketStep())
                } else {
                    steps.append(try memberStep())
                }
            } else {
                break
            }
        }
        guard !steps.isEmpty else { throw malformed("a selector needs a property") }
        return JSONSelector(steps: steps)
    }

    private mutating func memberStep() throws(Malformed) -> JSONSelector.Step {
        if takeHere("*") { return .anything }
        let name = word { isPatternWord($0) || $0 == UInt8(ascii: "-") }
        guard !name.isEmpty else { throw malformed("a property name expected") }
        return .member(name)
    }

    private mutating func bracketStep() throws(Malformed) -> JSONSelector.Step {
        let step: JSONSelector.Step
        if takeHere("*") {
            step = .anything
        } else if takeHere("'") {
            let name = word { $0 != UInt8(ascii: "'") }
            guard !name.isEmpty, takeHere("'") else { throw malformed("a property name in ' expected") }
            step = .member(name)
        } else {
            guard let index = Int(word { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
                throw malformed("an array index expected")
            }
            step = .element(index)
        }
        guard takeHere("]") else { throw malformed("']' expected") }
        return step
    }

    private mutating func test() throws(Malformed) -> JSONTest {
        if takeKeyword("IS") {
            if takeKeyword("NULL") { return .null }
            if takeKeyword("TRUE") { return .bool(true) }
            if takeKeyword("FALSE") { return .bool(false) }
            throw malformed("NULL, TRUE or FALSE expected after IS")
        }
        if takeKeyword("NOT") {
            guard takeKeyword("EXISTS") else { throw malformed("EXISTS expected after NOT") }
            return .absent
        }
        if takeKeyword("EXISTS") { return .present }
        if take("!=") { return try equality(isEqual: false) }
        if take("<=") { return .order(.lessOrEqual, try number()) }
        if take(">=") { return .order(.greaterOrEqual, try number()) }
        if take("<") { return .order(.less, try number()) }
        if take(">") { return .order(.greater, try number()) }
        if take("=") { return try equality(isEqual: true) }
        throw malformed("an operator expected")
    }

    private mutating func equality(isEqual: Bool) throws(Malformed) -> JSONTest {
        skipSpace()
        if position < text.count, text[position] == UInt8(ascii: "\"") {
            return .text(WildcardText(try quotedText(text, &position)), isEqual: isEqual)
        }
        let bare = try bareValue()
        if let number = Double(bare), number.isFinite { return .number(number, isEqual: isEqual) }
        return .text(WildcardText(Array(bare.utf8)), isEqual: isEqual)
    }

    private mutating func number() throws(Malformed) -> Double {
        guard let number = Double(try bareValue()), number.isFinite else { throw malformed("a number expected") }
        return number
    }

    /// An unquoted value: letters, digits and `_ * . : - +`; a regular expression (`%…%`) is not built.
    private mutating func bareValue() throws(Malformed) -> String {
        skipSpace()
        if position < text.count, text[position] == UInt8(ascii: "%") {
            throw Malformed(message: "Regular expressions in filter patterns are not supported by Cloister")
        }
        let value = word { isPatternWord($0) || [0x2a, 0x2e, 0x3a, 0x2d, 0x2b].contains($0) }
        guard !value.isEmpty else { throw malformed("a value expected") }
        return value
    }

    private mutating func word(_ belongs: (UInt8) -> Bool) -> String {
        let start = position
        while position < text.count, belongs(text[position]) { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func takeKeyword(_ keyword: String) -> Bool {
        skipSpace()
        let start = position
        if word(isPatternWord).uppercased() == keyword { return true }
        position = start
        return false
    }

    private mutating func take(_ token: String) -> Bool {
        skipSpace()
        return takeHere(token)
    }

    private mutating func takeHere(_ token: String) -> Bool {
        guard text[position...].starts(with: token.utf8) else { return false }
        position += token.utf8.count
        return true
    }

    private mutating func skipSpace() {
        while position < text.count, isPatternSpace(text[position]) { position += 1 }
    }

    private func malformed(_ what: String) -> Malformed {
        Malformed(message: "Invalid JSON filter pattern: \(what) at character \(position + 1)")
    }
}
