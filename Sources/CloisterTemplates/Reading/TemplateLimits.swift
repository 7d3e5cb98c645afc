/// Bounds on what is read from a template, so that a hostile one costs neither memory nor time.
public enum TemplateLimits {
    /// CloudFormation's own limit for a template in S3.
    public static let bytesMax = 1_048_576
    /// Mappings and sequences inside one another; real templates stay below 20.
    public static let depthMax = 64
    /// Nodes after aliases are expanded.
    public static let nodesMax = 200_000
    /// Upper bound on how many copies aliases may make, estimated before the text is parsed.
    public static let aliasExpansionMax = 100_000.0
    /// CloudFormation's limits.
    public static let resourcesMax = 500
    public static let parametersMax = 200
    /// Bytes of one text that `Fn::Sub` or `Fn::Join` makes.
    public static let textBytesMax = 1_048_576
}
