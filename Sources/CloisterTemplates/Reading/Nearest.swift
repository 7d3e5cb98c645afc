/// `did you mean …` for a name that is close to one that exists, else the list of those that do; nil when none.
func nearest(_ name: String, in known: some Collection<String>) -> String? {
    let near = known.map { ($0, editDistance(name.lowercased(), $0.lowercased())) }
        .filter { $0.1 <= max(2, name.count / 3) }
        .min { ($0.1, $0.0) < ($1.1, $1.0) }
    if let near { return "did you mean `\(near.0)`?" }
    guard !known.isEmpty else { return nil }
    return "known: \(known.sorted().prefix(12).joined(separator: ", "))"
}

/// Levenshtein's distance; texts beyond 64 characters are cut, they are only names.
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.prefix(64))
    let right = Array(right.prefix(64))
    var row = Array(0...right.count)
    for (i, leftCharacter) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, rightCharacter) in right.enumerated() {
            let above = row[j + 1]
            let cost = leftCharacter == rightCharacter ? 0 : 1
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + cost)
            diagonal = above
        }
    }
    return row[right.count]
}
