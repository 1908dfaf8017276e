#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""offload.py INTERFACE FEATURE on|off: what `ethtool -K` does, for machines without ethtool."""
import ctypes
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
GET_STRINGS, GET_SET_SIZES, SET_FEATURES = 0x1B, 0x37, 0x3B
FEATURES, NAME_SIZE = 4, 32


def ask(interface, request):
    """The driver's answer, in the place of the request (struct ifreq with ifr_data)."""
    data = ctypes.create_string_buffer(bytes(request), len(request))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL,
                    struct.pack("16sP16x", interface.encode(), ctypes.addressof(data)))
    return data.raw


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in ("on", "off"):
        sys.exit(__doc__)
    interface, feature, state = sys.argv[1:]
    answer = ask(interface, struct.pack("IIQI", GET_SET_SIZES, 0, 1 << FEATURES, 0))
    count = struct.unpack_from("I", answer, 16)[0]
    answer = ask(interface, struct.pack("III", GET_STRINGS, FEATURES, count) + bytes(NAME_SIZE * count))
    names = [answer[12 + NAME_SIZE * i:12 + NAME_SIZE * (i + 1)].split(b"\0")[0].decode()
             for i in range(count)]
    if feature not in names:
        sys.exit(f"{interface} has no feature {feature}")
    at = names.index(feature)
    blocks = [[0, 0] for _ in range((count + 31) // 32)]  # those meant, and their values
    blocks[at // 32] = [1 << at % 32, (1 << at % 32) if state == "on" else 0]
    ask(interface, struct.pack("II", SET_FEATURES, len(blocks))
        + b"".join(struct.pack("II", *block) for block in blocks))


if __name__ == "__main__":
    main()
