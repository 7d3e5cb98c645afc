import CloisterCore
import CloisterIsolation
import CloisterOCI
import Testing

@testable import CloisterMicroVM

@Suite struct GuestTests {
    // MARK: Modules

    private func module(_ dependencies: String) -> [UInt8] {
        [0x7f, 1, 2, 0] + Array("license=GPL".utf8) + [0] + Array("depends=\(dependencies)".utf8) + [0, 9, 9]
    }

    @Test func modulesComeAfterWhatTheyDependOn() throws {
        let files = [
            "a": module("b,c-c"), "b": module("d,built_in"), "c_c": module(""), "d": module("c_c"), "e": module("a"),
        ]
        let order = try ModuleOrder(builtIn: ["built_in"]) { files[$0] }.resolve(["a", "e", "a"])
        #expect(order.map(\.name) == ["c_c", "d", "b", "a", "e"])
    }

    @Test func modulesInACircleAndMissingOnes() throws {
        let files = ["a": module("b"), "b": module("a")]
        #expect(try ModuleOrder(builtIn: []) { files[$0] }.resolve(["a"]).map(\.name) == ["b", "a"])
        #expect(throws: IsolationError.self) { try ModuleOrder(builtIn: []) { files[$0] }.resolve(["x"]) }
    }

    @Test func modulesAreNamedByTheirFiles() {
        #expect(ModuleOrder.name(ofFile: "kernel/drivers/virtio/virtio-mmio.ko.xz") == "virtio_mmio")
        #expect(ModuleOrder.dependencies([1, 2, 3]).isEmpty)
    }

    // MARK: Kernel

    private func bzImage(sectors: UInt8, offset: UInt32, length: UInt32, payload: [UInt8]) -> [UInt8] {
        var image = [UInt8](repeating: 0, count: (Int(max(4, sectors)) + 1) * 512)
        image[0x1f1] = sectors
        image.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        for byte in 0..<4 {
            image[0x248 + byte] = UInt8(truncatingIfNeeded: offset >> (8 * UInt32(byte)))
            image[0x24c + byte] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(byte)))
        }
        return image + payload
    }

    @Test func theKernelIsFoundInItsImage() throws {
        let payload: [UInt8] = [9, 9, 9, 9, 0x02, 0x21, 0x4c, 0x18, 1, 2, 3, 4, 0, 1, 0, 0]
        let image = try KernelImage(bzImage(sectors: 6, offset: 4, length: 12, payload: payload))
        #expect(image.compression == .lz4)
        #expect(Array(image.payload) == [0x02, 0x21, 0x4c, 0x18, 1, 2, 3, 4])
        #expect(image.size == 256)
    }

    @Test func whatIsNoKernelIsRefused() {
        let images: [[UInt8]] = [
            [], [UInt8](repeating: 0, count: 4096), bzImage(sectors: 4, offset: 0, length: .max, payload: [1]),
            bzImage(sectors: 4, offset: .max, length: 12, payload: [1]),
            bzImage(sectors: 4, offset: 0, length: 4, payload: [2, 0x21, 0x4c, 0x18]),
            bzImage(sectors: 4, offset: 0, length: 12, payload: [UInt8](repeating: 7, count: 12)),
        ]
        for image in images { #expect(throws: IsolationError.self) { try KernelImage(image) } }
    }

    @Test func anArchiveIsWhatCpioReads() throws {
        var archive = CpioArchive()
        archive.addDirectory("d")
        archive.addFile("d/f", permissions: 0o644, Array("hello".utf8))
        let text = String(decoding: archive.finished(), as: UTF8.self)
        #expect(text.hasPrefix("070701" + "00000001" + "000041ed"))
        #expect(text.contains("hello\0\0\0070701"))
        #expect(archive.finished().count % 4 == 0)
    }

    // MARK: Machine

    @Test func aMachineHasRoomForItsKernelBesideTheFunction() {
        let small = MachineShape(memoryMiB: 128, accelerator: .tcg)
        #expect(small.guestMiB == 128 + 96 + 4)
        #expect(small.runtimeBytes == (128 + 16) << 20)
        #expect(small.hostLimits.memoryBytes > small.guestMiB << 20)
        #expect(small.cpus == 1)
        #expect(MachineShape(memoryMiB: 10_240, accelerator: .tcg).cpus == 1)
        #expect(MachineShape(memoryMiB: 1769, accelerator: .kvm).cpus == 1)
        #expect(MachineShape(memoryMiB: 1770, accelerator: .kvm).cpus == 2)
        #expect(MachineShape(memoryMiB: 10_240, accelerator: .kvm).cpus == 6)
    }

    @Test func theCommandLineGivesNoNetworkAndNoWritableImage() {
        var line = QEMUCommandLine(
            program: "/q", shape: MachineShape(memoryMiB: 256, accelerator: .tcg), hasLayers: true,
            counterKilohertz: 2_000_000)
        let text = line.arguments.joined(separator: " ")
        #expect(!text.contains("netdev") && !text.contains("virtio-net"))
        #expect(text.contains("-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"))
        for disk in ["root", "code", "layers"] {
            #expect(text.contains("id=\(disk),file=/\(disk),format=raw,file.locking=off,read-only=on"))
        }
        #expect(text.contains("file=/own/tmp,format=raw,file.locking=off,cache=unsafe"))
        #expect(text.contains("tsc_early_khz=2000000"))
        #expect(!text.contains("memory-backend") && !text.contains("-incoming"))
        line.memory = .file(isShared: false)
        line.isRestored = true
        let restored = line.arguments.joined(separator: " ")
        #expect(restored.contains("share=off") && restored.contains("-incoming defer"))
        line.shape = MachineShape(memoryMiB: 256, accelerator: .kvm)
        #expect(!line.arguments.joined(separator: " ").contains("tsc_early_khz"))
    }
}
