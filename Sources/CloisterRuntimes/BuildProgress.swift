/// Where the making of an image stands.
public struct BuildProgress: Sendable, Equatable {
    public var runtime: String
    /// What is being done, in a few words for the user, such as `installing packages`.
    public var step: String
    /// How much of the whole build is done, 0 to 100; it never falls.
    public var percent: Int
}
