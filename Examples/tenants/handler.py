"""Shows what an execution environment is shared with: only earlier invocations of the same tenant."""

import os

# Globals live as long as the execution environment. Shared between tenants, they would leak.
invocations = 0
tenants_seen = []


def tenant_of(context):
    """The tenant, from either place that a caller can give it in."""
    if context.tenant_id:
        return context.tenant_id
    client_context = context.client_context
    if not client_context or "custom" not in client_context:
        raise ValueError("Missing tenant context")
    return client_context["custom"]["tenantId"]


def process(event, context):
    global invocations
    tenant = tenant_of(context)
    invocations += 1
    if tenant not in tenants_seen:
        tenants_seen.append(tenant)

    # A number, so that no tenant id becomes part of a path.
    with open(f"/tmp/note-{invocations}.txt", "w") as note:
        note.write(f"{tenant}: {event.get('note', '')}")

    print(f"invocation {invocations} of this environment")
    return {
        "tenant": tenant,
        "invocations": invocations,
        "tenantsSeen": tenants_seen,
        "notes": read_notes(),
        "environment": {
            "pidNamespace": os.readlink("/proc/self/ns/pid") if os.path.lexists("/proc/self/ns/pid") else None,
            "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
            "logStream": context.log_stream_name,
        },
    }


def read_notes():
    """Every note in /tmp, whoever wrote it."""
    notes = {}
    for name in sorted(os.listdir("/tmp")):
        if name.startswith("note-"):
            with open(f"/tmp/{name}") as note:
                notes[name] = note.read()
    return notes
