import CloisterTemplates

extension DeployedResource {
    /// The same, without what `change` may have changed: a later comparison finds that changed.
    func uncertain(after change: Change) -> DeployedResource {
        var result = self
        for name in change.properties { result.properties[name] = nil }
        if change.isCodeChanged { result.codeSHA256 = nil }
        return result
    }
}
