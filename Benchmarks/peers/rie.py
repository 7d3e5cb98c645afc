"""AWS's Lambda runtime interface emulator, the binary inside the aws-sam-cli wheel, with the same runtime client."""

import platform
import subprocess
import sys
import zipfile

from .common import Failure, client_command, free_port, in_image, plain_request, start, stop, wait_for_port

VERSION = "1.170.0"


def fetch(directory):
    """The emulator's binary; downloaded once with pip."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    member = f"samcli/local/rapid/aws-lambda-rie-{machine}"
    target = directory / f"aws-lambda-rie-{VERSION}"
    if target.exists():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(directory), f"aws-sam-cli=={VERSION}"]
    if subprocess.run(command).returncode != 0:
        raise Failure("aws-sam-cli could not be downloaded; --without rie leaves that peer out")
    wheel = next(directory.glob(f"aws_sam_cli-{VERSION}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        target.write_bytes(archive.read(member))
    target.chmod(0o755)
    wheel.unlink()
    return target


class RIE:
    name = "rie"
    title = f"aws-lambda-rie {VERSION} (no isolation)"
    # A second invocation while one runs makes it panic.
    concurrency_max = 1

    def __init__(self, setup):
        self.setup = setup
        self.process = None

    def start(self):
        binary = fetch(self.setup.downloads)
        self.port, runtime_port = free_port(), free_port()
        log = self.setup.work / "rie.log"
        command = [
            "/peer", "--log-level", "error", "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}",
            "--runtime-api-address", f"127.0.0.1:{runtime_port}",
        ] + client_command(self.setup, None)
        # Its output goes nowhere: what it prints for every invocation shall cost it as little as can be.
        self.process = start(in_image(self.setup.image, self.setup.work / "rie", command, binary), "/dev/null")
        wait_for_port(self.port, self.process, log=log)

    def requests(self, concurrency):
        return [plain_request(self.port, "function")]

    def stop(self):
        stop(self.process)
        self.process = None
