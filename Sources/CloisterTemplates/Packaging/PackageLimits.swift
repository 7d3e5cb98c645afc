/// Bounds on a code package.
public enum PackageLimits {
    /// Lambda's limit for a package that is sent in the request.
    public static let zipBytesMax = 50 * 1_048_576
    /// The zip format without its 64-bit extension.
    public static let filesMax = 65_535
    /// Folders inside one another.
    public static let depthMax = 64
}
