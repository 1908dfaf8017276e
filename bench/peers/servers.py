# SPDX-License-Identifier: Apache-2.0
"""Each server as its users would set it up for this job: settings that help it are on, settings that
are known to hurt it in such a test (dnsmasq's ping, its limit of 50 TFTP transfers, …) are off."""
import json
import os
import textwrap

from lab import BUILD, PEERS, PREFIX, SERVER, run

POOL = ("10.77.128.1", "10.77.250.250")
NET, MASK = "10.77.0.0", "255.255.0.0"


class Server:
    """One server program. `serves`: which of dhcp, tftp, multicast, http, storm it can be asked."""
    name = ""
    serves = ()
    reaps = True        # its ended children's CPU time is in its own; else that is not known
    floor = False       # no server for anybody's use: what the kernel alone costs

    def start(self, lab):
        raise NotImplementedError

    def tftp_name(self, name):
        return name

    def http_path(self, name):
        return "/files/" + name


class Musterd(Server):
    name = "musterd"
    serves = ("dhcp", "tftp", "multicast", "http", "storm")

    def __init__(self, *flags, subnet=f"{NET}/{PREFIX}", pool=POOL):
        self.flags, self.subnet, self.pool = flags, subnet, pool

    def start(self, lab):
        site = lab.folder / "site"
        (site / "profiles").mkdir(parents=True, exist_ok=True)
        (site / "templates").mkdir(exist_ok=True)
        if not (site / "files").exists():
            # musterd serves nothing outside of its tree, so the files lie in it.
            os.rename(lab.files, site / "files")
            os.symlink(site / "files", lab.files)
        (site / "site.yaml").write_text(textwrap.dedent(f"""\
            server: {{address: {SERVER}}}
            subnets:
              - subnet: {self.subnet}
                pools: [{self.pool[0]}-{self.pool[1]}]
                router: {SERVER}
                dns: [{SERVER}]
                lease: 1h
            unknown-nodes: {{profile: storm}}
            """))
        (site / "profiles" / "storm.yaml").write_text(textwrap.dedent("""\
            kernel: storm/linux
            initrd: [storm/initrd]
            cmdline: "muster.answers={{answers_url}} muster.report={{report_url}}"
            answers: {install.conf: storm.mustache}
            """))
        (site / "templates" / "storm.mustache").write_text(
            f'image="http://{SERVER}/files/storm/image"\nreport="{{{{report_url}}}}"\n')
        for name in ("storm/linux", "storm/initrd", "storm/image"):
            if not (lab.files / name).exists():
                lab.write(name, 4096)
        data = lab.folder / "data"
        data.mkdir(exist_ok=True)
        interface = () if "--interface" in self.flags else ("--interface", "eth0")
        # A card says its speed; a veth says 10 Gb/s whatever shapes it.
        egress = ("--egress", f"{lab.link}G") if lab.link else ()
        lab.start(BUILD / "musterd", "--site", site, "--data", data, *interface, "--workers", "1", *egress,
                  *self.flags)
        lab.wait_for(self.name, lambda: "muster: ready" in lab.server_log())


def certificate(lab):
    """Files of a key and a certificate that it signed itself."""
    key, pem = lab.folder / "tls.key", lab.folder / "tls.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem, "-subj",
        f"/CN={SERVER}", "-days", "2")
    return key, pem


class MusterdTls(Musterd):
    serves = ("https",)

    def start(self, lab):
        key, pem = certificate(lab)
        self.flags = ("--https-port", "443", "--tls-cert", pem, "--tls-key", key)
        super().start(lab)


class Kea(Server):
    name = "Kea"
    serves = ("dhcp",)

    def start(self, lab):
        leases = lab.folder / "kea-leases.csv"
        leases.unlink(missing_ok=True)
        config = lab.folder / "kea.json"
        config.write_text(json.dumps({"Dhcp4": {
            "interfaces-config": {"interfaces": ["eth0"], "dhcp-socket-type": "raw"},
            "lease-database": {"type": "memfile", "persist": True, "name": str(leases),
                               "lfc-interval": 0},
            "valid-lifetime": 3600,
            "multi-threading": {"enable-multi-threading": True, "thread-pool-size": 2,
                                "packet-queue-size": 1024},
            "subnet4": [{"subnet": f"{NET}/{PREFIX}", "interface": "eth0",
                         "pools": [{"pool": f"{POOL[0]} - {POOL[1]}"}]}],
            "loggers": [{"name": "kea-dhcp4", "severity": "WARN",
                         "output_options": [{"output": "stdout"}]}],
        }}))
        os.environ.update(KEA_PIDFILE_DIR=str(lab.folder), KEA_LOCKFILE_DIR=str(lab.folder))
        lab.start(PEERS / "usr/sbin/kea-dhcp4", "-c", config)
        # Its raw socket shows in no list of UDP ports; the fallback socket beside it does.
        lab.wait_for(self.name, lambda: lab.port_open("udp", 67))


class DhcpFloor(Server):
    """No server, but what one cannot be cheaper than: see bench/peers/dhcp_floor.cc."""
    name = "bare responder"
    serves = ("dhcp",)
    floor = True

    def start(self, lab):
        lab.start(BUILD / "bench" / "dhcp-floor", SERVER, POOL[0], lab.folder / "floor.leases")
        lab.wait_for(self.name, lambda: lab.port_open("udp", 67))


class IscDhcpd(Server):
    name = "ISC dhcpd"
    serves = ("dhcp",)

    def start(self, lab):
        (lab.folder / "dhcpd.leases").write_text("")
        (lab.folder / "dhcpd.conf").write_text(textwrap.dedent(f"""\
            default-lease-time 3600; max-lease-time 3600; ping-check false; authoritative;
            subnet {NET} netmask {MASK} {{ range {POOL[0]} {POOL[1]}; }}
            """))
        lab.start(PEERS / "usr/sbin/dhcpd", "-4", "-f", "-q", "-user", "root", "-group", "root",
                  "-cf", lab.folder / "dhcpd.conf", "-lf", lab.folder / "dhcpd.leases",
                  "-pf", lab.folder / "dhcpd.pid", "eth0")
        lab.wait_for(self.name, lambda: lab.port_open("udp", 67))


class Dnsmasq(Server):
    """With `web`, nginx beside it: the pair that boots machines over HTTP today."""
    name = "dnsmasq"
    serves = ("dhcp", "tftp")

    def start(self, lab):
        lab.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
                  "--user=root", "--interface=eth0", "--bind-interfaces", "--no-ping",
                  "--dhcp-authoritative", "--dhcp-lease-max=100000", "--quiet-dhcp",
                  f"--dhcp-leasefile={lab.folder}/dnsmasq.leases",
                  f"--dhcp-range={POOL[0]},{POOL[1]},{MASK},1h",
                  "--enable-tftp", f"--tftp-root={lab.files}", "--tftp-max=20000", "--quiet-tftp",
                  *self.boot_options(lab))
        lab.wait_for(self.name, lambda: lab.port_open("udp", 69))

    def boot_options(self, lab):
        return ()


class DnsmasqNginx(Dnsmasq):
    name = "dnsmasq + nginx"
    serves = ("storm",)

    def boot_options(self, lab):
        base = f"http://{SERVER}/files/storm"
        tail = f"muster-load.image={base}/image"
        (lab.files / "boot.ipxe").write_text(
            f"#!ipxe\nkernel {base}/linux initrd=initrd {tail}\n"
            f"initrd --name initrd {base}/initrd\nboot\n")
        (lab.files / "grub").mkdir(exist_ok=True)
        (lab.files / "grub" / "grub.cfg").write_text(
            f"linux (http,{SERVER})/files/storm/linux {tail}\n"
            f"initrd (http,{SERVER})/files/storm/initrd\nboot\n")
        (lab.files / "pxelinux.cfg").mkdir(exist_ok=True)
        (lab.files / "pxelinux.cfg" / "default").write_text(
            f"DEFAULT i\nLABEL i\nKERNEL storm/linux\nINITRD storm/initrd\nAPPEND {tail}\n")
        for name, source in LOADERS.items():
            target = lab.files / name
            if not target.exists():
                target.write_bytes(open(source, "rb").read())
        return ("--dhcp-match=set:ipxe,175", "--dhcp-match=set:efi,option:client-arch,7",
                "--dhcp-match=set:efi-http,option:client-arch,16",
                "--dhcp-boot=tag:ipxe,boot.ipxe",
                "--dhcp-boot=tag:efi,tag:!ipxe,shimx64.efi",
                f"--dhcp-boot=tag:efi-http,tag:!ipxe,http://{SERVER}/files/snponly.efi",
                "--dhcp-option-force=tag:efi-http,tag:!ipxe,60,HTTPClient",
                "--dhcp-boot=tag:!efi,tag:!efi-http,tag:!ipxe,pxelinux.0",
                "--dhcp-option-force=tag:ipxe,encap:175,176,1b")

    def start(self, lab):
        Nginx().start(lab)
        super().start(lab)


LOADERS = {
    "shimx64.efi": "/usr/lib/shim/shimx64.efi.signed",
    "grubx64.efi": "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
    "snponly.efi": "/usr/lib/ipxe/snponly.efi",
    "pxelinux.0": "/usr/lib/PXELINUX/pxelinux.0",
    "ldlinux.c32": "/usr/lib/syslinux/modules/bios/ldlinux.c32",
}


class TftpdHpa(Server):
    name = "tftpd-hpa"
    serves = ("tftp",)
    reaps = False

    def start(self, lab):
        lab.start(PEERS / "usr/sbin/tftpd-hpa", "-L", "-4", "-u", "root", "-a", f"{SERVER}:69", "-s",
                  "-B", "1468", lab.files)
        lab.wait_for(self.name, lambda: lab.port_open("udp", 69))


class TftpFloor(Server):
    """A loop that sends windows by GSO and checks nothing: bench/peers/tftp_floor.cc."""
    name = "bare loop"
    serves = ("tftp",)
    floor = True

    def start(self, lab):
        lab.start(BUILD / "bench" / "tftp-floor", SERVER, lab.files)
        lab.wait_for(self.name, lambda: lab.port_open("udp", 69))


class HttpFloor(Server):
    """An epoll loop that parses and checks next to nothing: bench/peers/http_floor.cc."""
    name = "bare loop"
    serves = ("http",)
    floor = True

    def start(self, lab):
        lab.start(BUILD / "bench" / "http-floor", SERVER, lab.files)
        lab.wait_for(self.name, lambda: lab.port_open("tcp", 80))


class Atftpd(Server):
    name = "atftpd"
    serves = ("tftp", "multicast")

    def start(self, lab):
        lab.start(PEERS / "usr/sbin/atftpd", "--daemon", "--no-fork", "--user", "root.root",
                  "--maxthread", "3000", "--retry-timeout", "1", "--logfile", "/dev/null",
                  "--mcast-addr", "239.255.70.0-255", "--bind-address", SERVER, "--port", "69",
                  lab.files)
        lab.wait_for(self.name, lambda: lab.port_open("udp", 69))


class Nginx(Server):
    name = "nginx"
    serves = ("http",)
    port, more = 80, ""

    def start(self, lab):
        (lab.folder / "nginx.conf").write_text(textwrap.dedent(f"""\
            daemon off; user root; worker_processes 1; worker_rlimit_nofile 65536;
            pid {lab.folder}/nginx.pid; error_log {lab.folder}/nginx-error.log;
            events {{ worker_connections 30000; multi_accept on; }}
            http {{
              access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
              open_file_cache max=1000; types {{}} default_type application/octet-stream;
              client_body_temp_path {lab.folder}/b; proxy_temp_path {lab.folder}/p;
              fastcgi_temp_path {lab.folder}/f; uwsgi_temp_path {lab.folder}/u;
              scgi_temp_path {lab.folder}/s;
              server {{ listen {SERVER}:{self.port} backlog=8192; {self.more} location /files/ {{ alias {lab.files}/; }} }}
            }}
            """))
        lab.start(PEERS / "usr/sbin/nginx", "-c", lab.folder / "nginx.conf", "-p", lab.folder)
        lab.wait_for(self.name, lambda: lab.port_open("tcp", str(self.port).split()[0]))


class NginxTls(Nginx):
    """With the cipher that musterd chooses; it has kTLS where the kernel has it."""
    serves = ("https",)
    port = "443 ssl"

    def start(self, lab):
        key, pem = certificate(lab)
        self.more = (f"ssl_certificate {pem}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3; "
                     "ssl_session_cache shared:s:10m; ssl_conf_command Options KTLS; "
                     "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;")
        super().start(lab)


class Lighttpd(Server):
    name = "lighttpd"
    serves = ("http",)

    def start(self, lab):
        (lab.folder / "lighttpd.conf").write_text(textwrap.dedent(f"""\
            server.document-root = "{lab.folder}"
            server.bind = "{SERVER}"
            server.port = 80
            server.max-connections = 20000
            server.max-fds = 65536
            server.listen-backlog = 8192
            server.max-keep-alive-requests = 0
            server.network-backend = "sendfile"
            mimetype.assign = ( "" => "application/octet-stream" )
            """))
        lab.start(PEERS / "usr/sbin/lighttpd", "-D", "-f", lab.folder / "lighttpd.conf",
                  "-m", PEERS / "usr/lib/lighttpd")
        lab.wait_for(self.name, lambda: lab.port_open("tcp", 80))


ALL = [Musterd, MusterdTls, DhcpFloor, Kea, IscDhcpd, Dnsmasq, DnsmasqNginx, TftpdHpa, Atftpd, TftpFloor,
       HttpFloor, Nginx, NginxTls, Lighttpd]


def serving(kind, names=None):
    """The servers for one kind of load, muster first; `names`: only these."""
    chosen = [server for server in ALL if kind in server.serves]
    return [server() for server in chosen
            if names is None or server.name.split()[0].lower() in names or server.name in names]
