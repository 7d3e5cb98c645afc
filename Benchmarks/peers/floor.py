"""The C floor with stock runtime clients."""

import time
import urllib.request

from .common import Failure, client_command, free_port, in_image, plain_request, start, stop, tail, wait_for_port


class Floor:
    name = "floor"
    title = "C floor (no isolation)"
    concurrency_max = 32

    def __init__(self, setup):
        self.setup = setup
        self.processes = []

    def start(self):
        self.port, runtime_port = free_port(), free_port()
        log = self.setup.work / "floor.log"
        server = start([str(self.setup.floor), str(self.port), str(runtime_port)], log)
        self.processes.append(server)
        wait_for_port(self.port, server, log=log)
        for index in range(self.setup.concurrency_max):
            command = client_command(self.setup, f"127.0.0.1:{runtime_port}")
            self.processes.append(start(in_image(self.setup.image, self.setup.work / f"floor-{index}", command), log))

        self.wait_for_runtimes(log)

    def wait_for_runtimes(self, log, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/waiting", timeout=5) as answer:
                if int(answer.read()) == self.setup.concurrency_max:
                    return
            if any(process.poll() is not None for process in self.processes):
                break
            time.sleep(0.05)
        raise Failure(f"the floor's runtimes don't come up{tail(log)}")

    def requests(self, concurrency):
        return [plain_request(self.port, "function")]

    def stop(self):
        for process in reversed(self.processes):
            stop(process)
        self.processes = []
