"""Zip files with function code, and packages from PyPI that go into them."""

import fcntl
import hashlib
import io
import pathlib
import subprocess
import sys
import zipfile

FUNCTIONS = pathlib.Path(__file__).parent.parent / "functions"
CACHE = pathlib.Path("/var/cache/cloister/test-packages")


def zip_files(files):
    """A zip of a {name: text or bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100755 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def zip_folder(folder, prefix=""):
    folder = pathlib.Path(folder)
    names = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return zip_files({prefix + str(path.relative_to(folder)): path.read_bytes() for path in names})


def function_zip(name):
    """The code under functions/<name>."""
    return zip_folder(FUNCTIONS / name)


def python_packages(*requirements):
    """A folder with packages for a Python function, by pip, kept for later runs."""
    key = hashlib.sha256(" ".join(sorted(requirements)).encode()).hexdigest()[:16]
    folder = CACHE / key
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{key}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            _install(folder, requirements)
    return folder


def _install(folder, requirements):
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
         "--only-binary", ":all:", "--python-version", "3.13", "--implementation", "cp", "--upgrade",
         "--target", str(folder), *requirements],
        check=True)
    (folder / ".complete").touch()
