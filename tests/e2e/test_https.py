#!/usr/bin/env python3
"""OVMF that trusts an authority takes its loader over HTTPS, and one that does not trust it refuses to."""
import pathlib
import re
import struct
import subprocess
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.certificates import Certificates  # noqa: E402
from tests.support.rack import RackTest  # noqa: E402

SERVER = "10.77.0.1"
EFI_CERT_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
OWNER = uuid.UUID("4d757374-6572-4000-8000-000000000000")


def signature_list(certificate):
    """An EFI_SIGNATURE_LIST of one certificate (UEFI 2.10 section 32.4.1)."""
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    size = len(OWNER.bytes_le) + len(der)
    return EFI_CERT_X509.bytes_le + struct.pack("<III", 28 + size, 0, size) + OWNER.bytes_le + der


class Https(RackTest):
    firmware, boot, boot_by = "uefi", "net,disk", "http"

    def prepare(self):
        rack = self.rack
        folder = rack.folder / "certificates"
        folder.mkdir()
        certificates = Certificates(folder)
        certificates.server("server", address=SERVER)
        (rack.folder / "authorities.esl").write_bytes(signature_list(self.trusted(certificates)))
        rack.flags = ["--https-port", "443", "--tls-cert", folder / "server.pem", "--tls-key", folder / "server.key"]
        site = rack.site / "site.yaml"
        site.write_text(re.sub(r"(?m)^server:\n", "server:\n  http-boot: https\n",
                               site.read_text()))


class Trusted(Https):
    def trusted(self, certificates):
        return certificates.root

    def test_firmware_takes_its_loader_over_https_and_installs(self):
        rack = self.rack
        rack.power("on")
        rack.wait_console(f"URI: https://{SERVER}/loaders/snponly.efi")
        rack.wait_console("iPXE")
        rack.wait_state("loading", timeout=600)
        rack.wait_console("installer: ", timeout=600)
        self.assert_sane()


class Stranger(Https):
    def trusted(self, certificates):
        return certificates.authority("stranger")

    def test_firmware_that_does_not_know_the_authority_stops(self):
        rack = self.rack
        rack.power("on")
        rack.wait_console(f"URI: https://{SERVER}/loaders/snponly.efi")
        rack.wait_console("Error")
        refused = [line for line in rack.metrics().splitlines()
                   if line.startswith("muster_tls_handshake_failures_total") and not line.endswith(" 0")]
        self.assertEqual(len(refused), 1, "it ended the handshake")
        self.assertNotIn("iPXE", rack.console())
        self.assert_sane()


if __name__ == "__main__":
    unittest.main()
