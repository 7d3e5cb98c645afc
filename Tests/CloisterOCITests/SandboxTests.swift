import Testing

/// Every test that starts sandboxes, one after the other: they watch processes and mounts of the whole machine.
@Suite(.serialized) enum SandboxTests {}
