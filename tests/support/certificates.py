"""Authorities and server certificates for tests of HTTPS."""
from tests.support.rig import SERVER, run


class Certificates:
    """An authority and what it signs, made by openssl in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.root = self.authority("root")

    def make(self, name, *options, key=("rsa:2048",), subject=None):
        run("openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout", self.folder / f"{name}.key", "-out",
            self.folder / f"{name}.pem", "-subj", f"/CN={subject or name}", *options)
        return self.folder / f"{name}.pem"

    def authority(self, name):
        return self.make(name, "-days", "2")

    def server(self, name, *options, by="root", key=("rsa:2048",), days="2", ca=False, address=SERVER):
        """A certificate for the server's `address`, signed by `by`; its files are name.pem and name.key."""
        run("openssl", "req", "-newkey", *key, "-nodes", "-keyout", self.folder / f"{name}.key", "-out",
            self.folder / f"{name}.csr", "-subj", f"/CN={name}")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text("basicConstraints=CA:TRUE\n" if ca else f"subjectAltName=IP:{address}\n")
        run("openssl", "x509", "-req", "-in", self.folder / f"{name}.csr", "-CA", self.folder / f"{by}.pem", "-CAkey",
            self.folder / f"{by}.key", "-CAcreateserial", "-days", days, "-extfile", extensions, "-out",
            self.folder / f"{name}.pem", *options)
        return self.folder / f"{name}.pem"
