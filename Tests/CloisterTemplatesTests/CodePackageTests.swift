import CloisterTemplates
import Foundation
import Testing

@Suite("Code packages")
struct CodePackageTests {
    static let position = SourcePosition(file: "template.yaml", line: 1, column: 1)

    func package(_ folder: String, _ path: String = ".") throws -> CodePackage {
        try CodePackage.make(.path(path), directory: folder, at: Self.position)
    }

    /// What Python's own zip reader says about the package.
    func python(_ package: CodePackage, _ script: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).zip")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(package.zip).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c", "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n" + script, file.path,
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("Python's zip reader finds the files, sorted, with modes, and intact")
    func readable() throws {
        try withFolder(["handler.py": "x = 1\n", "lib/b.py": "é", "lib/a.py": "", "run.sh": "#!"]) { folder in
            #expect(chmod(folder + "/run.sh", 0o755) == 0)
            #expect(chmod(folder + "/handler.py", 0o640) == 0)
            let package = try package(folder)
            #expect(
                try python(package, "print(z.testzip(), z.namelist())")
                    == "None ['handler.py', 'lib/a.py', 'lib/b.py', 'run.sh']")
            #expect(
                try python(package, "print([oct(z.getinfo(n).external_attr >> 16) for n in ('run.sh', 'handler.py')])")
                    == "['0o100755', '0o100640']")
            #expect(try python(package, "print(z.read('lib/b.py').decode())") == "é")
        }
    }

    @Test("the same files give the same bytes, whatever their times")
    func deterministic() throws {
        try withFolder(["a.py": "1", "b.py": "2"]) { folder in
            let first = try package(folder)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: folder + "/a.py")
            #expect(try package(folder).zip == first.zip)
            #expect(try package(folder).sha256 == first.sha256)
            try Data("3".utf8).write(to: URL(fileURLWithPath: folder + "/b.py"))
            #expect(try package(folder).sha256 != first.sha256)
        }
    }

    @Test("caches and version control stay out")
    func exclusions() throws {
        let files = [
            "a.py": "1", ".git/HEAD": "x", "__pycache__/a.pyc": "x", "lib/__pycache__/b.pyc": "x", "c.pyc": "x",
        ]
        try withFolder(files) { folder in
            let package = try package(folder)
            #expect(try python(package, "print(z.namelist())") == "['a.py']")
        }
    }

    @Test("links inside the folder are followed, links out of it are refused")
    func links() throws {
        try withFolder(["src/a.py": "1", "secret": "s"]) { folder in
            try FileManager.default.createSymbolicLink(atPath: folder + "/src/b.py", withDestinationPath: "a.py")
            let package = try self.package(folder, "src")
            #expect(try python(package, "print(z.read('b.py').decode())") == "1")
            try FileManager.default.createSymbolicLink(atPath: folder + "/src/c.py", withDestinationPath: "../secret")
            #expect(throws: TemplateError.self) { try self.package(folder, "src") }
        }
    }

    @Test("a link to a folder above it is refused, not followed for ever")
    func circle() throws {
        try withFolder(["src/lib/a.py": "1"]) { folder in
            try FileManager.default.createSymbolicLink(atPath: folder + "/src/lib/up", withDestinationPath: "..")
            #expect(throws: TemplateError.self) { try self.package(folder, "src") }
        }
    }

    @Test("a zip file is sent as it is, another file alone")
    func singleFiles() throws {
        try withFolder(["a.py": "1", "bad.zip": "no"]) { folder in
            let zip = try package(folder, "a.py")
            #expect(try python(zip, "print(z.namelist())") == "['a.py']")
            try Data(zip.zip).write(to: URL(fileURLWithPath: folder + "/code.zip"))
            #expect(try package(folder, "code.zip").zip == zip.zip)
            #expect(throws: TemplateError.self) { try package(folder, "bad.zip") }
            #expect(throws: TemplateError.self) { try package(folder, "missing") }
        }
    }

    @Test("inline source is a package of one file")
    func inline() throws {
        let package = try CodePackage.make(
            .inline(fileName: "index.py", source: "x = 2"), directory: "/", at: Self.position)
        #expect(try python(package, "print(z.namelist(), z.read('index.py').decode())") == "['index.py'] x = 2")
    }
}
