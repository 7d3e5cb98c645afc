/// How many pre-booted sandboxes of one key there should be: enough for the starts that come while others boot.
///
/// Two estimates, the larger counts: the mean rate, with two standard deviations of a Poisson process on top, and the
/// largest burst within one boot. Both fade with a half-life.
struct PrebootDemand {
    private(set) var lastStart: Moment?
    private var rate = FadingValue()
    private var burst = FadingValue()
    private var boot: (begin: Moment, starts: Int)?
    private var bootNanoseconds: Double
    private let halfLife: TimeSpan

    init(configuration: PrebootConfiguration) {
        bootNanoseconds = Double(configuration.bootTime.nanoseconds)
        halfLife = configuration.halfLife
    }

    mutating func started(now: Moment) {
        lastStart = now
        // At a steady rate the faded sum settles at the rate times 1.5 half-lives (1 + 1/2 + 1/4 ... of 3/4 each).
        rate.set(rate.value(now: now, halfLife: halfLife) + 1, now: now)
        if let current = boot, Double((now - current.begin).nanoseconds) < bootNanoseconds {
            boot?.starts += 1
        } else {
            boot = (now, 1)
        }
        let largest = burst.value(now: now, halfLife: halfLife)
        if let boot, Double(boot.starts) > largest { burst.set(Double(boot.starts), now: now) }
    }

    mutating func booted(in span: TimeSpan) {
        bootNanoseconds += (Double(max(1, span.nanoseconds)) - bootNanoseconds) / 8
    }

    /// 0 when nobody has asked for `unusedMax`.
    func wanted(now: Moment, configuration: PrebootConfiguration) -> Int {
        guard let lastStart, now - lastStart < configuration.unusedMax else { return 0 }
        let perNanosecond = rate.value(now: now, halfLife: halfLife) / (1.5 * Double(halfLife.nanoseconds))
        let during = perNanosecond * bootNanoseconds
        let needed = max(1, during + 2 * during.squareRoot(), burst.value(now: now, halfLife: halfLife))
        return min(configuration.countMax, Int(min(needed, 1_000_000).rounded(.up)))
    }
}

/// A number that loses half of itself in every half-life, linearly within one.
struct FadingValue {
    private var value = 0.0
    private var since = Moment(nanoseconds: 0)

    mutating func set(_ value: Double, now: Moment) {
        self.value = value
        since = now
    }

    func value(now: Moment, halfLife: TimeSpan) -> Double {
        let halves = Double(max(0, (now - since).nanoseconds)) / Double(max(1, halfLife.nanoseconds))
        guard halves < 60 else { return 0 }
        let whole = halves.rounded(.down)
        return value * Double(sign: .plus, exponent: -Int(whole), significand: 1 - (halves - whole) / 2)
    }
}
