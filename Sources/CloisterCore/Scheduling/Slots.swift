/// Values at small numbers. A number is used again once its value has been removed.
struct Slots<Value> {
    private var values: [Value?] = []
    private var free: [Int] = []

    var count: Int { values.count - free.count }
    /// Numbers are below this.
    var end: Int { values.count }
    var all: some Sequence<Value> { values.lazy.compactMap { $0 } }

    mutating func insert(_ value: Value) -> Int {
        if let number = free.popLast() {
            values[number] = value
            return number
        }
        values.append(value)
        return values.count - 1
    }

    mutating func remove(_ number: Int) {
        guard values[number] != nil else { return }
        values[number] = nil
        free.append(number)
    }

    /// Nil for a number that isn't in use. Changes happen in place.
    subscript(number: Int) -> Value? {
        _read { yield values[number] }
        _modify { yield &values[number] }
    }
}
