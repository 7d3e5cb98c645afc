import CloisterIsolation

extension OCIBackend: PrebootingBackend {
    public func boot(_ configuration: BlankConfiguration) async throws(IsolationError) -> any BlankSandbox {
        let sandbox = try await work.run { [self] () throws(IsolationError) in
            let start = SandboxStart(
                backend: self,
                configuration: SandboxConfiguration(
                    id: configuration.id, imageDirectory: configuration.imageDirectory, codeDirectory: "",
                    memoryMiB: configuration.memoryMiB, ephemeralStorageMiB: configuration.ephemeralStorageMiB),
                isBlank: true)
            return OCIBlankSandbox(
                try start.run(), slot: SandboxSlot(directory: start.directory), backend: self,
                ephemeralStorageMiB: configuration.ephemeralStorageMiB)
        }
        work.run(after: OCIBackend.refillDelay) { [weak disks] in disks?.refill(configuration.ephemeralStorageMiB) }
        return sandbox
    }
}
