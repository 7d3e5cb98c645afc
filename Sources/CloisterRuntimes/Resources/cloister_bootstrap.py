"""Starts the official runtime client the way Lambda's managed Python runtime does.

Lambda imports its runtime client before a function's own directories are on sys.path, so a function cannot shadow
what the client needs; after that a function and its layers come first. Both hold here.
"""

import gc
import os
import sys

RUNTIME_DIRECTORY = "/var/runtime"
PLAIN_BOOTSTRAP = RUNTIME_DIRECTORY + "/bootstrap.py"


def start():
    """Entry of /var/runtime/bootstrap: hands over to the function's wrapper script where it has one."""
    if "CLOISTER_PREBOOT" in os.environ:
        import cloister_preboot

        cloister_preboot.wait_for_function()
    wrapper = os.environ.get("AWS_LAMBDA_EXEC_WRAPPER")
    if wrapper:
        exec_wrapper(wrapper, [sys.executable, PLAIN_BOOTSTRAP])
    run()


def exec_wrapper(wrapper, command):
    """Replaces this process by the wrapper; a script without a #! line is run by the shell, as exec in a shell does."""
    import errno

    try:
        os.execv(wrapper, [wrapper, *command])
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            os.execv("/bin/sh", ["/bin/sh", wrapper, *command])
        sys.stderr.write("%s: %s: %s\n" % (RUNTIME_DIRECTORY + "/bootstrap", wrapper, error.strerror))
        sys.exit(127 if error.errno == errno.ENOENT else 126)


def run():
    """Serves invocations until the process ends."""
    handler = os.environ.get("_HANDLER", "")
    main = import_client()
    put_function_first()
    main([PLAIN_BOOTSTRAP, handler])


def import_client():
    """Imports the runtime client, from the bundle of its modules where the image has one, and returns its main."""
    # The modules imported here stay for the life of the process: no collection is worth its time meanwhile, nor later.
    gc.disable()
    try:
        import cloister_bundle

        with cloister_bundle.opened(RUNTIME_DIRECTORY):
            main = import_main()
    except (ImportError, OSError, EOFError, ValueError):
        main = import_main()
    import cloister_client_context

    cloister_client_context.install()
    gc.freeze()
    gc.enable()
    return main


def import_main():
    import cloister_runtime_client

    sys.modules["runtime_client"] = cloister_runtime_client
    from awslambdaric.__main__ import LambdaConfigProvider, main

    # The client would wait for each invocation in a thread made for it, so that signal handlers run meanwhile. Over a
    # plain socket they run while the main thread waits.
    LambdaConfigProvider.SUPPORTED_THREADPOLLING_ENVS = frozenset()
    return main


def put_function_first():
    """Gives sys.path the order that Lambda's Python runtimes show."""
    packages = "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2]
    front = [os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), packages, "/opt/python"]
    # The interpreter adds the script's folder to what PYTHONPATH names already.
    sys.path[:] = list(dict.fromkeys(front + sys.path))
    if os.path.isdir(packages):
        import site

        site.addsitedir(packages)
