/// SAM's `Globals`: maps are merged, lists are joined (the global part first), anything else is overridden.
enum GlobalsMerge {
    static func merge(_ global: TemplateNode, with own: TemplateNode) -> TemplateNode {
        if let globalEntries = global.entries, let ownEntries = own.entries, global.intrinsic == nil,
            own.intrinsic == nil
        {
            var merged = globalEntries.filter { entry in !ownEntries.contains { $0.key == entry.key } }
            for entry in ownEntries {
                guard let inherited = global[entry.key] else {
                    merged.append(entry)
                    continue
                }
                merged.append(
                    .init(key: entry.key, keyPosition: entry.keyPosition, value: merge(inherited, with: entry.value)))
            }
            return TemplateNode(.map(merged), at: own.position)
        }
        if let globalItems = global.items, let ownItems = own.items {
            return TemplateNode(.list(globalItems + ownItems), at: own.position)
        }
        return own
    }
}
