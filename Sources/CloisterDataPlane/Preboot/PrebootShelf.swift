import CloisterCore
import CloisterIsolation
import Glibc
import Logging
import NIOCore

/// Keeps the sandboxes that `PrebootPool` decides about. Loop-confined, hence `@unchecked Sendable`.
///
/// A waiting sandbox's agent has said that it is ready; whatever it says more stays in the socket.
final class PrebootShelf: @unchecked Sendable {
    /// A sandbox without function and tenant. Whoever takes one owns it.
    struct Blank {
        let sandbox: any BlankSandbox
        /// Its interpreter runs and asks what to do.
        let isRuntimeStarted: Bool
    }

    private static let bootTimeout = TimeSpan.seconds(30)
    private static let pollInterval = Duration.milliseconds(4)
    private static let deferral = Duration.milliseconds(50)
    private static let deferralMax = TimeSpan.seconds(10)

    private let backend: any PrebootingBackend
    private let loop: any EventLoop
    private let logger: Logger
    private var pool: PrebootPool
    private var effects: [PrebootEffect] = []
    private var blanks: [PrebootNumber: Blank] = [:]
    private var recipes: [PrebootKey: PrebootRecipe] = [:]
    private var booting: [PrebootNumber: Task<Void, Never>] = [:]
    private var destroying: [PrebootNumber: Task<Void, Never>] = [:]
    private var randomness = Randomness()
    private var armedDeadline: Moment?
    private var isStopped = false
    /// Starts that invocations wait for: they come first.
    private let startsUnderWay: () -> Int

    init(
        backend: any PrebootingBackend, configuration: PrebootConfiguration, loop: any EventLoop, logger: Logger,
        startsUnderWay: @escaping () -> Int
    ) {
        self.startsUnderWay = startsUnderWay
        self.backend = backend
        self.loop = loop
        self.logger = logger
        pool = PrebootPool(configuration: configuration)
    }

    /// Keeps one ready from now on for functions like this.
    func expect(_ function: FunctionSnapshot) {
        guard let recipe = PrebootRecipe(function) else { return }
        recipes[recipe.key] = recipe
        decide { $0.setMinimum(recipe.key, 1, now: $1, into: &$2) }
    }

    /// One for this function, if there is one that lives.
    func take(_ function: FunctionSnapshot) -> Blank? {
        guard !isStopped, let recipe = PrebootRecipe(function) else { return nil }
        recipes[recipe.key] = recipe
        var taken: PrebootNumber?
        decide { taken = $0.take(recipe.key, now: $1, into: &$2) }
        guard let number = taken, let blank = blanks.removeValue(forKey: number) else { return nil }
        if PrebootShelf.isQuiet(blank.sandbox.channels.agent) { return blank }
        discard(blank.sandbox, number)
        return nil
    }

    /// Destroys every one, also those that are still being booted.
    func stop() async {
        let tasks = try? await loop.submit { () -> [Task<Void, Never>] in
            self.isStopped = true
            for (number, blank) in self.blanks { self.discard(blank.sandbox, number) }
            self.blanks = [:]
            return Array(self.booting.values)
        }.get()
        for task in tasks ?? [] { await task.value }
        let ends = try? await loop.submit { Array(self.destroying.values) }.get()
        for task in ends ?? [] { await task.value }
    }

    // MARK: The pool

    private func decide(_ event: (inout PrebootPool, Moment, inout [PrebootEffect]) -> Void) {
        loop.assertInEventLoop()
        event(&pool, Clock.now(), &effects)
        let due = effects
        effects.removeAll(keepingCapacity: true)
        for effect in due { perform(effect) }
        armTimer()
    }

    private func perform(_ effect: PrebootEffect) {
        switch effect {
        case .boot(let number, let key): boot(number, key)
        case .retire(let number):
            // One that still boots is found retired when it is there.
            if let blank = blanks.removeValue(forKey: number) { discard(blank.sandbox, number) } else { booting[number]?.cancel() }
        }
    }

    private func armTimer() {
        guard let deadline = pool.nextDeadline else { return }
        if let armedDeadline, armedDeadline <= deadline { return }
        armedDeadline = deadline
        loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(0, deadline.nanoseconds)))) {
            guard self.armedDeadline == deadline else { return }
            self.armedDeadline = nil
            self.decide { $0.advance(to: $1, into: &$2) }
        }
    }

    // MARK: Sandboxes

    private func boot(_ number: PrebootNumber, _ key: PrebootKey) {
        guard !isStopped, let recipe = recipes[key] else {
            return decide { $0.lost(number, now: $1, into: &$2) }
        }
        let wanted = BlankConfiguration(
            id: EnvironmentID(random: randomness.next(), randomness.next()), imageDirectory: key.image,
            memoryMiB: key.memoryMiB, ephemeralStorageMiB: PrebootRecipe.ephemeralStorageMiB)
        booting[number] = Task {
            await self.letStartsPass()
            do throws(IsolationError) {
                let sandbox = try await self.backend.boot(wanted)
                let isReady = await PrebootShelf.start(recipe, in: sandbox)
                self.loop.execute { self.booted(number, sandbox, recipe, isReady: isReady) }
            } catch {
                self.loop.execute {
                    self.logger.warning("a sandbox was not booted in advance", metadata: ["error": "\(error)"])
                    self.decide { $0.lost(number, now: $1, into: &$2) }
                }
            }
            self.loop.execute { self.booting[number] = nil }
        }
    }

    /// A boot in advance must not take the CPU from a start that somebody waits for; but not for ever.
    private func letStartsPass() async {
        let deadline = Clock.now() + PrebootShelf.deferralMax
        while Clock.now() < deadline, !Task.isCancelled {
            let count = try? await loop.submit { self.startsUnderWay() }.get()
            guard let count, count > 1 else { return }
            // Only cancellation throws, and the loop's condition sees it.
            try? await Task.sleep(for: PrebootShelf.deferral)
        }
    }

    /// Whether the agent, and the interpreter if there is one to start, came up in time.
    private static func start(_ recipe: PrebootRecipe, in sandbox: any BlankSandbox) async -> Bool {
        let deadline = Clock.now() + bootTimeout
        let channels = sandbox.channels
        if let message = recipe.startMessage {
            guard send(message, channels.agent) else { return false }
        }
        guard await becomesReadable(channels.agent, until: deadline), hearsReady(channels.agent) else { return false }
        // The interpreter calls when its modules are loaded.
        if recipe.startMessage != nil, await !becomesReadable(channels.runtimeListener, until: deadline) { return false }
        return isQuiet(channels.agent)
    }

    private static func becomesReadable(_ descriptor: Int32, until deadline: Moment) async -> Bool {
        while Clock.now() < deadline, !Task.isCancelled {
            if isReadable(descriptor) { return true }
            // Only cancellation throws, and the loop's condition sees it.
            try? await Task.sleep(for: pollInterval)
        }
        return false
    }

    private func booted(_ number: PrebootNumber, _ sandbox: any BlankSandbox, _ recipe: PrebootRecipe, isReady: Bool) {
        guard isReady, !isStopped else {
            discard(sandbox, number)
            return decide { $0.lost(number, now: $1, into: &$2) }
        }
        blanks[number] = Blank(sandbox: sandbox, isRuntimeStarted: recipe.startMessage != nil)
        decide { $0.booted(number, now: $1, into: &$2) }
        // Retired meanwhile: the pool no longer knows it.
        if !pool.holds(number), blanks.removeValue(forKey: number) != nil { discard(sandbox, number) }
    }

    private func discard(_ sandbox: any BlankSandbox, _ number: PrebootNumber) {
        sandbox.channels.close()
        destroying[number] = Task {
            await sandbox.destroy()
            self.loop.execute { self.destroying[number] = nil }
        }
    }

    // MARK: Descriptors

    private static func send(_ frame: [UInt8], _ descriptor: Int32) -> Bool {
        Glibc.send(descriptor, frame, frame.count, Int32(MSG_NOSIGNAL)) == frame.count
    }

    private static func isReadable(_ descriptor: Int32) -> Bool {
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, 0) > 0
    }

    /// Takes the agent's first word.
    private static func hearsReady(_ agent: Int32) -> Bool {
        guard let ready = AgentMessage.ready.encoded() else { return false }
        var bytes = [UInt8](repeating: 0, count: ready.count)
        return recv(agent, &bytes, bytes.count, Int32(MSG_DONTWAIT)) == bytes.count && bytes == ready
    }

    /// Whether the agent has said nothing more (that the interpreter has ended, for example) and hasn't hung up.
    private static func isQuiet(_ agent: Int32) -> Bool {
        var state = pollfd(fd: agent, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, 0) == 0
    }
}

extension SandboxChannels {
    /// For who owns them still.
    func close() {
        for descriptor in [runtimeListener, agent, output] { Glibc.close(descriptor) }
    }
}
