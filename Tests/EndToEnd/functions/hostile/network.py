"""Everything that a socket can reach."""

import os
import select
import socket


def reach(family, address, kind=socket.SOCK_STREAM):
    """Whether a connection is accepted, and what it says."""
    try:
        with socket.socket(family, kind) as connection:
            connection.settimeout(1.5)
            connection.connect(address)
            try:
                return True, connection.recv(4096)
            except OSError:
                return True, b""
    except OSError:
        return False, b""


def try_ports_of_the_host(event, findings):
    addresses = ["127.0.0.1", "127.0.0.2", "127.1.2.3", "0.0.0.0", "169.254.169.254", "169.254.170.2", "10.0.2.2",
                 "172.17.0.1", "192.168.0.1"] + event["hostAddresses"]
    for address in addresses:
        for port in event["hostPorts"]:
            connected, said = reach(socket.AF_INET, (address, port))
            findings.take(said)
            if connected:
                findings.breach(f"{address}:{port}")
    for port in event["hostPorts"]:
        if reach(socket.AF_INET6, ("::1", port))[0]:
            findings.breach(f"[::1]:{port}")


def try_internet(event, findings):
    for address in (("1.1.1.1", 443), ("8.8.8.8", 53), ("93.184.216.34", 80)):
        if reach(socket.AF_INET, address)[0]:
            findings.breach(f"{address}")
    for address in (("8.8.8.8", 53), ("255.255.255.255", 67), ("224.0.0.251", 5353)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            try:
                connection.sendto(b"x", address)
                findings.breach(f"datagram to {address}")
            except OSError:
                pass
    try:
        findings.breach(f"a name was resolved: {socket.gethostbyname('example.com')}")
    except OSError:
        pass


def try_interfaces(event, findings):
    names = [name for _, name in socket.if_nameindex()] if hasattr(socket, "if_nameindex") else []
    for name in names:
        if name != "lo":
            findings.breach(f"interface {name}")
    for path in ("/proc/net/route", "/proc/net/arp", "/proc/net/dev"):
        try:
            with open(path) as file:
                findings.take(file.read())
        except OSError:
            pass


def try_socket_families(event, findings):
    wanted = {"AF_PACKET": (17, socket.SOCK_RAW), "AF_INET raw": (2, socket.SOCK_RAW), "AF_INET6 raw": (10, socket.SOCK_RAW),
              "AF_VSOCK": (40, socket.SOCK_STREAM), "AF_ALG": (38, socket.SOCK_SEQPACKET), "AF_KEY": (15, socket.SOCK_RAW),
              "AF_BLUETOOTH": (31, socket.SOCK_RAW), "AF_XDP": (44, socket.SOCK_RAW), "AF_TIPC": (30, socket.SOCK_RDM),
              "AF_CAN": (29, socket.SOCK_RAW), "AF_RDS": (21, socket.SOCK_SEQPACKET), "AF_SMC": (43, socket.SOCK_STREAM)}
    if event["level"] == "container":
        wanted["AF_NETLINK"] = (16, socket.SOCK_RAW)
    for name, (family, kind) in wanted.items():
        try:
            socket.socket(family, kind).close()
            findings.breach(f"{name} socket")
        except OSError as error:
            findings.note(f"{name}: {error.strerror}")


def try_virtual_machine_sockets(event, findings):
    for cid in (1, 2):
        try:
            with socket.socket(40, socket.SOCK_STREAM) as connection:
                connection.settimeout(1)
                connection.connect((cid, event["hostPorts"][0]))
                findings.breach(f"vsock to {cid}")
        except (OSError, ValueError):
            pass


def try_abstract_sockets(event, findings):
    names = [event["hostAbstract"], "\0neighbour"]
    try:
        with open("/proc/net/unix") as file:
            listed = file.read()
        findings.take(listed)
        names += ["\0" + line.split(" @", 1)[1] for line in listed.splitlines() if " @" in line]
    except OSError:
        pass
    for name in names:
        connected, said = reach(socket.AF_UNIX, name)
        findings.take(said)
        if connected:
            findings.breach(f"abstract socket {name!r}")


def try_sockets_in_files(event, findings):
    for path in ("/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/systemd/private",
                 "/run/dbus/system_bus_socket"):
        if reach(socket.AF_UNIX, path)[0]:
            findings.breach(path)
    for parent, folders, names in os.walk("/"):
        if parent.startswith("/proc"):
            folders[:] = []
            continue
        for name in names:
            path = os.path.join(parent, name)
            try:
                if os.path.exists(path) and os.stat(path).st_mode & 0o170000 == 0o140000:
                    if reach(socket.AF_UNIX, path)[0]:
                        findings.breach(f"unix socket {path}")
            except OSError:
                pass


def try_ports_of_the_neighbour(event, findings):
    for port in (7001, 9001):
        for address in ("127.0.0.1", "127.0.0.2", "127.255.255.254"):
            connected, said = reach(socket.AF_INET, (address, port)) if (address, port) != ("127.0.0.1", 9001) else (0, b"")
            findings.take(said)
            if connected and port == 7001:
                findings.breach(f"the neighbour's {address}:{port}")
    with open("/proc/net/tcp") as file:
        listening = [line.split()[1] for line in file.read().splitlines()[1:] if line.split()[3] == "0A"]
    for local in listening:
        port = int(local.split(":")[1], 16)
        if port != 9001 and event["level"] == "container":
            findings.breach(f"somebody listens on port {port}")


def try_take_over_the_runtime_port(event, findings):
    """A second listener on the Runtime API's port would see its own connections at most."""
    for option in (socket.SO_REUSEADDR, getattr(socket, "SO_REUSEPORT", 15)):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
            try:
                listener.bind(("127.0.0.1", 9001))
                listener.listen()
                if select.select([listener], [], [], 0.5)[0]:
                    findings.breach("a connection of somebody else came in")
                findings.note("bound a second listener")
            except OSError as error:
                findings.note(error)
