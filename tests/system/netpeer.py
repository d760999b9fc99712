# SPDX-License-Identifier: BSD-2-Clause
"""
The other end of the wire in t_net.sh: speaks to a guest and prints ok and FAIL lines.

    netpeer.py LABEL ADDRESS TEST [ARGUMENT ...]

    ping SIZE ...       ICMP echo with so many bytes of data; every byte must come back
    udp PORT SIZE ...   a datagram to an echo server
    tcp PORT BYTES      a stream to an echo server, both ways at once, compared by checksum
    sink PORT BYTES     a stream to netserve's port 9, which answers with the number of bytes
    source PORT         netserve's port 19: 8 MiB of its pattern
    closed PORT ...     TCP ports that must refuse at once, with RST
    unreachable PORT    a UDP port that must answer with ICMP
"""
import hashlib
import os
import random
import socket
import struct
import sys
import threading
import time

label, address, test, args = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
bad = 0


def result(good, name, why=""):
    global bad
    bad |= not good
    print(("ok" if good else "FAIL"), label, name, "" if good else why, flush=True)


def attempts(function, tries=3):
    """A datagram may be lost: by right, but not three times."""
    for _ in range(tries):
        if function():
            return True
    return False


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping(size):
    data, ident = random.randbytes(size), os.getpid() & 0xFFFF
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: fragments may be made
    s.settimeout(2)
    head = struct.pack("!BBHHH", 8, 0, 0, ident, size & 0xFFFF)
    head = struct.pack("!BBHHH", 8, 0, checksum(head + data), ident, size & 0xFFFF)
    s.sendto(head + data, (address, 0))
    end = time.monotonic() + 2
    try:
        while time.monotonic() < end:
            p = s.recv(65536)
            p = p[(p[0] & 15) * 4 :]
            if p[0] == 0 and p[4:8] == head[4:8]:
                return p[8:] == data and checksum(p) == 0
    except TimeoutError:
        pass
    finally:
        s.close()
    return False


def udp(port, size):
    data = random.randbytes(size)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 10, 0)
    s.settimeout(2)
    s.connect((address, port))
    try:
        s.send(data)
        return s.recv(65536) == data
    except OSError:
        return False
    finally:
        s.close()


def connect(port):
    s = socket.create_connection((address, port), timeout=20)
    s.settimeout(120)
    return s


def send_random(s, count, digest):
    block = random.randbytes(1 << 16)
    while count > 0:
        piece = block[: min(count, 1 + random.randrange(1 << 16))]
        s.sendall(piece)
        digest.update(piece)
        count -= len(piece)
    s.shutdown(socket.SHUT_WR)


def tcp(port, count):
    s, sent, got, n = connect(port), hashlib.sha256(), hashlib.sha256(), 0
    t = threading.Thread(target=send_random, args=(s, count, sent), daemon=True)
    began = time.monotonic()
    t.start()
    while piece := s.recv(1 << 16):
        got.update(piece)
        n += len(piece)
    t.join(10)
    s.close()
    print("# %s: %d bytes each way in %.1f s" % (label, n, time.monotonic() - began))
    return n == count and sent.digest() == got.digest(), "%d of %d bytes" % (n, count)


def sink(port, count):
    s = connect(port)
    send_random(s, count, hashlib.sha256())
    answer = s.recv(100)
    s.close()
    return answer == b"%d\n" % count, "answer " + repr(answer)


def source(port):
    s, n, right = connect(port), 0, True
    want = bytes((i * 7 + (i >> 8) + (i >> 16)) & 0xFF for i in range(8 << 20))
    while piece := s.recv(1 << 16):
        right &= piece == want[n : n + len(piece)]
        n += len(piece)
    s.close()
    return right and n == len(want), "%d bytes, right so far: %s" % (n, right)


def closed(port):
    began = time.monotonic()
    try:
        socket.create_connection((address, port), timeout=5).close()
    except ConnectionRefusedError:
        return time.monotonic() - began < 3
    except OSError:
        pass
    return False


def unreachable(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect((address, port))
    try:
        s.send(b"anybody there?")
        s.recv(100)
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    finally:
        s.close()
    return False


random.seed(int(os.environ.get("KILN_TEST_SEED", "1")))
try:
    if test == "ping":
        for n in map(int, args):
            result(attempts(lambda: ping(n)), "ping of %d bytes" % n, "no answer")
    elif test == "udp":
        for n in map(int, args[1:]):
            result(attempts(lambda: udp(int(args[0]), n)), "UDP echo of %d bytes" % n, "no answer")
    elif test == "tcp":
        result(*(lambda r: (r[0], "TCP: %s bytes each way at once" % args[1], r[1]))(tcp(int(args[0]), int(args[1]))))
    elif test == "sink":
        result(*(lambda r: (r[0], "TCP: %s bytes to the guest" % args[1], r[1]))(sink(int(args[0]), int(args[1]))))
    elif test == "source":
        result(*(lambda r: (r[0], "TCP: 8 MiB from the guest", r[1]))(source(int(args[0]))))
    elif test == "closed":
        wrong = [p for p in args if not closed(int(p))]
        result(not wrong, "%d closed ports refuse" % len(args), "but not " + " ".join(wrong))
    elif test == "unreachable":
        result(attempts(lambda: unreachable(int(args[0]))), "a closed UDP port tells so", "it does not")
    else:
        result(False, test, "no such test")
except OSError as e:
    result(False, test, str(e))
sys.exit(bad)
