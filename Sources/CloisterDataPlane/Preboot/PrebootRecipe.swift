import CloisterCore
import CloisterIsolation

/// How a sandbox is booted in advance for functions like one.
struct PrebootRecipe: Sendable {
    /// Lambda's smallest: what runs before a function is known needs less.
    static let memoryMiB = 128
    /// Most functions have it; the others get sandboxes of their own from the start.
    static let ephemeralStorageMiB = 512

    let key: PrebootKey
    /// The interpreter to start in advance; nil where there is nothing to start before the code is there.
    let startMessage: [UInt8]?

    /// Nil if the function can't use what was booted in advance.
    init?(_ function: FunctionSnapshot) {
        guard function.ephemeralStorageMiB == PrebootRecipe.ephemeralStorageMiB else { return nil }
        key = PrebootKey(image: function.imageDirectory, memoryMiB: PrebootRecipe.memoryMiB)
        guard function.runtime.hasPrefix("python") else {
            startMessage = nil
            return
        }
        startMessage =
            AgentMessage.start(
                arguments: function.bootstrap, environment: EnvironmentVariables.beforeFunction()
            ).encoded()
    }
}
