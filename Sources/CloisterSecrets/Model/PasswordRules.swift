import CloisterServiceKit

/// What `GetRandomPassword` may choose from.
struct PasswordRules {
    var length: Int
    /// One alphabet for each kind of character that is included.
    var alphabets: [[Character]]
    var requiresEach: Bool

    init(_ input: SecretsRequests.RandomPassword) throws(ServiceError) {
        length = try SecretsValidation.number(
            input.PasswordLength, "passwordLength", 1...SecretsLimits.passwordLengthMax)
            ?? SecretsLimits.passwordLengthDefault
        let excluded = Set(input.ExcludeCharacters ?? "")
        var kinds: [String] = []
        if !(input.ExcludeLowercase ?? false) { kinds.append("abcdefghijklmnopqrstuvwxyz") }
        if !(input.ExcludeUppercase ?? false) { kinds.append("ABCDEFGHIJKLMNOPQRSTUVWXYZ") }
        if !(input.ExcludeNumbers ?? false) { kinds.append("0123456789") }
        if !(input.ExcludePunctuation ?? false) { kinds.append("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") }
        if input.IncludeSpace ?? false { kinds.append(" ") }
        alphabets = kinds.map { $0.filter { !excluded.contains($0) } }.filter { !$0.isEmpty }.map { Array($0) }
        requiresEach = input.RequireEachIncludedType ?? true
        guard !alphabets.isEmpty else {
            throw SecretsError.invalidParameter("No characters are left to make a password of.")
        }
        guard !requiresEach || length >= alphabets.count else {
            throw SecretsError.invalidParameter("Password length is too short based on the required types.")
        }
    }

    /// Every character equally likely; with `requiresEach`, among the positions that are left after one of each kind.
    func password(random: @escaping (Int) -> [UInt8]) -> String {
        var source = RandomSource(random: random)
        let all = alphabets.flatMap { $0 }
        var characters: [Character] = requiresEach ? alphabets.map { $0[source.index(below: $0.count)] } : []
        while characters.count < length { characters.append(all[source.index(below: all.count)]) }
        for last in stride(from: characters.count - 1, to: 0, by: -1) {
            characters.swapAt(last, source.index(below: last + 1))
        }
        return String(characters)
    }
}

/// Even numbers out of bytes.
struct RandomSource {
    let random: (Int) -> [UInt8]
    private var bytes: [UInt8] = []

    init(random: @escaping (Int) -> [UInt8]) { self.random = random }

    /// 0 up to `bound` (at most 65,536), every one equally likely.
    mutating func index(below bound: Int) -> Int {
        let limit = 65_536 - 65_536 % bound
        while true {
            if bytes.count < 2 { bytes = random(256) }
            let value = Int(bytes.removeLast()) << 8 | Int(bytes.removeLast())
            if value < limit { return value % bound }
        }
    }
}
