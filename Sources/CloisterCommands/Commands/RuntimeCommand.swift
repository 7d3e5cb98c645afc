import ArgumentParser
import CloisterRuntimes
import CloisterServiceKit
import Foundation
import Synchronization

/// `cloister runtime`: the images that functions run on.
struct RuntimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runtime", abstract: "Build, list and remove runtime images.",
        subcommands: [Build.self, List.self, Remove.self])

    struct Place: ParsableArguments {
        @Option(
            name: .customLong("runtimes"),
            help: ArgumentHelp(
                "Where images are kept. Default: CLOISTER_RUNTIMES, else the standard place.", valueName: "dir"))
        var directory: String?
    }

    struct Build: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Build runtime images from Debian packages; needs root and a package mirror.")

        @Argument(help: "Runtimes, for example python3.13.")
        var names: [String]

        @Flag(help: "Build anew even where there is one.")
        var rebuild = false

        @OptionGroup var place: Place

        func run() async throws {
            let images = RuntimeImages(directory: place.directory, progress: BuildProgressPrinter().show)
            if let unknown = names.first(where: { !images.available.contains($0) }) {
                throw CommandFailure(
                    "there is no runtime \(unknown)", hint: "there are: \(images.available.joined(separator: ", "))",
                    status: .badInput)
            }
            for name in names {
                let image = try await images.prepare(name, rebuild: rebuild)
                Terminal.print("\(name): \(image.directory)")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the runtimes and their images.")

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var place: Place

        func run() throws {
            let images = RuntimeImages(directory: place.directory)
            let rows = images.available.map { RuntimeRow($0, images: images) }
            if json { return try Terminal.printJSON(rows) }
            var table = TextTable([
                ("Runtime", .left), ("State", .left), ("Debian", .left), ("Size", .right), ("Built", .left),
            ])
            for row in rows {
                table.add([
                    row.runtime, row.isBuilt ? "built" : "not built", row.suite ?? "–",
                    row.size.map { "\($0 / 1_048_576) MiB" } ?? "–", row.builtAt ?? "–",
                ])
            }
            Terminal.print(table.text)
            if !rows.contains(where: \.isBuilt), let first = rows.first {
                Terminal.note("hint: cloister runtime build \(first.runtime)")
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove runtime images.")

        @Argument(help: "Runtimes, for example python3.13.")
        var names: [String]

        @OptionGroup var place: Place

        func run() throws {
            let images = RuntimeImages(directory: place.directory)
            for name in names {
                guard case .ready(let image) = images.availability(of: name) else {
                    throw CommandFailure("there is no image of \(name)", hint: "cloister runtime list")
                }
                let folder = URL(fileURLWithPath: image.directory).deletingLastPathComponent()
                try FileManager.default.removeItem(at: folder)
                Terminal.print("\(name): removed")
            }
        }
    }
}

/// One runtime as `runtime list` shows it.
struct RuntimeRow: Encodable, Equatable {
    var runtime: String
    var isBuilt: Bool
    var suite: String?
    var size: Int?
    var builtAt: String?

    init(_ name: String, images: RuntimeImages) {
        runtime = name
        if case .ready = images.availability(of: name) { isBuilt = true } else { isBuilt = false }
        let manifest = isBuilt ? images.manifest(of: name) : nil
        suite = manifest?.suite
        size = manifest?.size
        builtAt = manifest?.builtAt
    }
}

/// Shows each step of a build once.
final class BuildProgressPrinter: Sendable {
    private let last = Mutex("")

    func show(_ progress: BuildProgress) {
        let line = "\(progress.runtime): \(progress.step) (\(progress.percent) %)"
        let isNew = last.withLock { last in
            defer { last = line }
            return last != line
        }
        if isNew { Terminal.note(line) }
    }
}
