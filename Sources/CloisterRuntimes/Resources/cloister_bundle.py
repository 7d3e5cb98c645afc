"""The compiled modules that the runtime client needs at start, in one file.

Importing them one by one costs five system calls or more for each, which is most of a start in a sandbox whose system
calls are dear. Every module ends up exactly as the usual import makes it; only where its code is read from differs.
"""

import marshal
import sys
from _frozen_importlib_external import SourceFileLoader, spec_from_file_location

FILE = "bundle.marshal"

# What an interpreter that was started in advance has read of the bundle and not imported yet.
kept = None


class BundledLoader(SourceFileLoader):
    """Loads a module's code from the bundle; source, resources and data come from the module's files as usual."""

    def __init__(self, name, path, code):
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname):
        code, self._code = self._code, None
        return code if code is not None else super().get_code(fullname)


class BundleFinder:
    def __init__(self, modules):
        self.modules = modules

    def find_spec(self, name, path=None, target=None):
        found = self.modules.get(name)
        if found is None:
            return None
        origin, locations, code = found
        return spec_from_file_location(
            name, origin, loader=BundledLoader(name, origin, code), submodule_search_locations=locations
        )


def read(directory):
    with open("%s/%s" % (directory, FILE), "rb") as file:
        magic, modules = marshal.loads(file.read())
    if magic != sys.version:
        raise ValueError("made for another interpreter")
    return modules


class opened:
    """While this is open, imports look into the bundle first."""

    def __init__(self, directory):
        global kept
        modules, kept = kept, None
        self.finder = BundleFinder(read(directory) if modules is None else modules)

    def __enter__(self):
        # Behind the built-in and frozen modules, before the search of sys.path.
        sys.meta_path.insert(2, self.finder)
        return self.finder

    def __exit__(self, *error):
        sys.meta_path.remove(self.finder)


def write(directory):
    """Makes the bundle from what importing the runtime client loads in this interpreter. Run when an image is built."""
    import cloister_bootstrap

    cloister_bootstrap.import_main()
    import cloister_client_context  # noqa: F401

    modules = {}
    for name, module in sorted(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if name == "__main__" or name == __name__ or spec is None or not isinstance(spec.loader, SourceFileLoader):
            continue
        if name in ("site", "sitecustomize") or spec.name != name:
            continue
        locations = spec.submodule_search_locations
        modules[name] = (spec.origin, list(locations) if locations is not None else None, spec.loader.get_code(name))
    with open("%s/%s" % (directory, FILE), "wb") as file:
        marshal.dump((sys.version, modules), file)
    return sorted(modules)
