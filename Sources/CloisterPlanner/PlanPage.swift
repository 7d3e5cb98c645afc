import Foundation

/// The comparison as one HTML file that needs nothing else: no scripts, no fonts, no pictures from elsewhere.
extension PlanComparison {
    /// One colour each, told apart also without colour vision (Okabe and Ito); lines also differ by dashes.
    static let colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#555555", "#a6761d"]
    static let dashes = ["", "6 3", "2 3", "9 3 2 3", "", "6 3", "2 3", "9 3 2 3"]

    public var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Cloister plan: \(escaped(workload))</title>
        <style>
        :root { color-scheme: light dark; --ink: #1c2530; --soft: #5b6775; --line: #d9dee4; --paper: #fff; --band: #f4f6f8 }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --soft: #9aa7b4; --line: #36404b; --paper: #14191f; --band: #1c232b } }
        body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1180px; margin: 2rem auto; padding: 0 1rem }
        h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem } p { color: var(--soft); max-width: 75ch }
        .wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; white-space: nowrap }
        th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line) } th:first-child, td:first-child { text-align: left }
        th { color: var(--soft); font-weight: 600 } tr:nth-child(even) td { background: var(--band) }
        .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 1rem 2rem }
        svg { width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: var(--soft) } svg .name { fill: var(--ink) }
        .grid { stroke: var(--line) } .key { display: inline-block; width: 1.1em; height: .35em; margin-right: .5em; vertical-align: middle }
        figure { margin: 0 } figcaption { font-weight: 600; margin-bottom: .25rem }
        </style>
        </head>
        <body>
        <h1>Cold starts and memory</h1>
        <p>\(escaped(summaryLine)). \(escaped(assumptions))</p>
        <div class="wide">\(tableHTML)</div>
        <div class="plots">
        \(figure("Cold share of the tenants: three quarters are at or below the bar", bars(quarter)))
        \(figure("Idle memory, mean", bars(idle)))
        \(figure("How many tenants have at most this cold share", shares))
        \(figure("Memory over time", course))
        \(figure("Latency, 99th percentile", bars(latency)))
        \(figure("Cost for 30 days", bars(cost)))
        </div>
        </body>
        </html>

        """
    }

    private func figure(_ caption: String, _ svg: String) -> String {
        "<figure><figcaption>\(caption)</figcaption>\(svg)</figure>"
    }

    private var tableHTML: String {
        let head = "<tr><th>policy</th>" + PlanComparison.columns.map { "<th>\($0)</th>" }.joined() + "</tr>"
        let body = rows.enumerated().map { index, row in
            "<tr><td><span class=\"key\" style=\"background:\(colour(index))\"></span>\(escaped(row.name))</td>"
                + row.cells.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
        }
        return "<table>\(head)\(body.joined())</table>"
    }

    private func colour(_ index: Int) -> String { PlanComparison.colours[index % PlanComparison.colours.count] }

    private var quarter: [(Double, String)] {
        results.map { PlanResult.quantile($0.coldShares, 0.75) }.map { ($0, percent($0)) }
    }
    private var idle: [(Double, String)] { results.map { ($0.idleMeanGB, gigabytes($0.idleMeanGB)) } }
    private var latency: [(Double, String)] {
        results.map { $0.latency.quantile(0.99) }.map { ($0, milliseconds($0)) }
    }
    private var cost: [(Double, String)] { results.map { ($0.monthlyTotal, "$" + dollars($0.monthlyTotal)) } }

    // MARK: Plots

    private func bars(_ values: [(value: Double, label: String)]) -> String {
        let largest = max(values.map(\.value).max() ?? 0, .leastNormalMagnitude)
        let lines = values.enumerated().map { index, bar in
            let (y, width) = (14 + index * 30, 240 * bar.value / largest)
            return """
                <text class="name" x="0" y="\(y + 14)">\(escaped(results[index].policy))</text>\
                <rect x="170" y="\(y)" width="\(point(max(width, 1)))" height="20" rx="2" fill="\(colour(index))"/>\
                <text x="\(point(178 + width))" y="\(y + 14)">\(escaped(bar.label))</text>
                """
        }
        return svg(height: 20 + values.count * 30, lines.joined())
    }

    /// The cumulative distribution of the tenants' cold shares.
    private var shares: String {
        let curves = results.map { result in
            (0...100).map { step -> (Double, Double) in
                let share = Double(step) / 100
                let below = result.coldShares.partitioningIndex { $0 > share + 1e-9 }
                return (share, Double(below) / Double(max(result.coldShares.count, 1)))
            }
        }
        return plot(curves, width: 1, height: 1, xLabel: percent, yLabel: percent)
    }

    private var course: String {
        let curves = results.map { result in
            result.memoryCourse.enumerated().map { ($0.element == 0 && $0.offset == 0 ? 0 : Double($0.offset) / 240 * hours, $0.element) }
        }
        let highest = max(results.flatMap(\.memoryCourse).max() ?? 0, 0.001)
        return plot(curves, width: hours, height: highest, xLabel: { String(format: "%.0f h", $0) }, yLabel: gigabytes)
    }

    private func plot(
        _ curves: [[(Double, Double)]], width: Double, height: Double, xLabel: (Double) -> String,
        yLabel: (Double) -> String
    ) -> String {
        var parts: [String] = []
        for step in 0...4 {
            let part = Double(step) / 4
            let (x, y) = (70 + 390 * part, 220 - 200 * part)
            parts.append("<line class=\"grid\" x1=\"70\" x2=\"460\" y1=\"\(point(y))\" y2=\"\(point(y))\"/>")
            parts.append("<text x=\"62\" y=\"\(point(y + 4))\" text-anchor=\"end\">\(escaped(yLabel(height * part)))</text>")
            parts.append("<text x=\"\(point(x))\" y=\"240\" text-anchor=\"middle\">\(escaped(xLabel(width * part)))</text>")
        }
        for (index, curve) in curves.enumerated() {
            let points = curve.map { "\(point(70 + 390 * $0.0 / width)),\(point(220 - 200 * $0.1 / height))" }
            let dash = PlanComparison.dashes[index % PlanComparison.dashes.count]
            parts.append(
                "<polyline fill=\"none\" stroke=\"\(colour(index))\" stroke-width=\"2\" stroke-dasharray=\"\(dash)\" points=\"\(points.joined(separator: " "))\"/>")
        }
        return svg(height: 250, parts.joined())
    }

    private func svg(height: Int, _ content: String) -> String {
        "<svg viewBox=\"0 0 480 \(height)\" role=\"img\">\(content)</svg>"
    }

    private func point(_ value: Double) -> String { String(format: "%.1f", value) }
}

extension Array {
    /// The first index whose element fits; elements that fit come last.
    fileprivate func partitioningIndex(where fits: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if fits(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
        .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
}
