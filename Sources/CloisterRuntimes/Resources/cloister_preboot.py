"""Starts an interpreter before it is known which function it will run.

It loads the runtime client's modules and the common ones of the standard library, asks the platform for the function's
environment variables, and goes on as if it had been started with them. What can't be had that way (variables that the
interpreter or the C library reads at its start) starts the interpreter anew.
"""

import os
import sys

ASK = "/2018-06-01/cloister/variables"

# Only read when a process starts.
START_PREFIXES = ("PYTHON", "LD_", "GLIBC_", "MALLOC_", "LC_", "OPENSSL_", "SSL_")
START_NAMES = ("LANG", "LANGUAGE", "TZ", "AWS_LAMBDA_EXEC_WRAPPER")

# They read the function's variables when they are imported.
LATER = ("awslambdaric.bootstrap", "awslambdaric.__main__")

COMMON = (
    "base64", "datetime", "decimal", "email.parser", "hashlib", "hmac", "http.client", "random", "socket", "ssl",
    "tempfile", "urllib.parse", "uuid",
)


def wait_for_function():
    """Returns when the function is there: its code in /var/task, its variables in os.environ."""
    before = dict(os.environ)
    needed = set(sys.modules)
    needed.update(load())
    variables = ask()
    os.environ.clear()
    os.environ.update(variables)
    if needs_start(before, variables):
        os.execv("/var/runtime/bootstrap", ["/var/runtime/bootstrap"])
    os.chdir("/var/task")
    sys.path_importer_cache.clear()
    forget_shadowed(set(sys.modules) - needed)


def load():
    """Returns the names of the modules that the runtime client needs: a plain start has them before the function's too."""
    import importlib

    import cloister_bundle

    needed = set()
    try:
        with cloister_bundle.opened("/var/runtime") as finder:
            needed.update(finder.modules)
            for name in needed.difference(LATER):
                importlib.import_module(name)
            cloister_bundle.kept = {name: finder.modules[name] for name in needed.intersection(LATER)}
    except (ImportError, OSError, EOFError, ValueError):
        pass
    for name in COMMON:
        importlib.import_module(name)
    return needed


def ask():
    import json

    import cloister_runtime_client

    status, _, body = cloister_runtime_client.connected().get(ASK)
    if status != 200:
        sys.exit(1)
    return dict(variable.split("=", 1) for variable in json.loads(body))


def needs_start(before, variables):
    names = set(before) | set(variables)
    return any(
        (name in START_NAMES or name.startswith(START_PREFIXES)) and before.get(name) != variables.get(name)
        for name in names
    )


def forget_shadowed(loaded):
    """A function's own module wins over one of the same name that was only loaded in advance, as it does otherwise."""
    names = set()
    for directory in ("/var/task", "/opt/python"):
        try:
            names.update(entry.partition(".")[0] for entry in os.listdir(directory))
        except OSError:
            pass
    for name in loaded:
        if name.partition(".")[0] in names:
            del sys.modules[name]
