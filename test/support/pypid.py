"""What PyPI speaks to its mirrors, over real files, on a free port of the loopback, which is printed first.

usage: pypid.py ROOT [--tls PEM]

ROOT/packages/NAME/VERSION/ holds the files of a release, ROOT/serials.json the serial of each project's last change. It
answers XML-RPC (list_packages_with_serial, changelog_since_serial) by Python's own implementation, the simple index of
PEP 691 with PyPI's serials, the JSON of a project with the serial as a header, and the files. ROOT/faults.json may have
`status` (regular expression of paths: code), `hang` (one: no answer) and `bodies` (one: an answer of other bytes).
"""

import hashlib
import http.server
import json
import os
import re
import ssl
import sys
import threading
import xmlrpc.server

root, options = sys.argv[1], sys.argv[2:]


def read(name, default):
    try:
        with open(os.path.join(root, name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return default


def releases(name, base):
    found = {}
    directory = os.path.join(root, "packages", name)
    for version in sorted(os.listdir(directory)):
        found[version] = []
        for filename in sorted(os.listdir(os.path.join(directory, version))):
            with open(os.path.join(directory, version, filename), "rb") as file:
                content = file.read()
            found[version].append(
                {
                    "filename": filename,
                    "url": f"{base}/packages/{name}/{version}/{filename}",
                    "size": len(content),
                    "digests": {
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "md5": hashlib.md5(content).hexdigest(),
                    },
                    "packagetype": "bdist_wheel" if filename.endswith(".whl") else "sdist",
                    "requires_python": None,
                    "upload_time_iso_8601": "2024-05-06T07:08:09.000000Z",
                    "yanked": False,
                }
            )
    return found


def changelog_since_serial(since):
    serials = read("serials.json", {})
    return [[name, "1.0", 0, "change", serial] for name, serial in serials.items() if serial > since]


calls = xmlrpc.server.SimpleXMLRPCDispatcher()
calls.register_function(lambda: read("serials.json", {}), "list_packages_with_serial")
calls.register_function(changelog_since_serial)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def faulty(self, path):
        faults = read("faults.json", {})
        if faults.get("hang") and re.search(faults["hang"], path):
            threading.Event().wait()
        for pattern, status in faults.get("status", {}).items():
            if re.search(pattern, path):
                self.answer(status, "text/plain", b"no")
                return True
        if faults.get("bodies") and re.search(faults["bodies"], path):
            self.answer(200, "text/html", b"<p>Please log in to this network.</p>")
            return True
        return False

    def answer(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.faulty("POST " + self.path):
            self.answer(200, "text/xml", calls._marshaled_dispatch(body))

    def do_GET(self):
        # A proxy is asked for whole URLs.
        path = re.sub(r"^https?://[^/]*", "", self.path)
        if self.faulty(path):
            return
        serials = read("serials.json", {})
        project = re.fullmatch(r"/pypi/([^/]+)/json", path)
        host = self.headers["Host"]
        if path.rstrip("/") == "/simple":
            projects = [{"name": name, "_last-serial": serial} for name, serial in serials.items()]
            index = {"meta": {"api-version": "1.1"}, "projects": projects}
            self.answer(200, "application/vnd.pypi.simple.v1+json", json.dumps(index).encode())
        elif project and os.path.isdir(os.path.join(root, "packages", project[1])):
            name = project[1]
            base = f"http{'s' if '--tls' in options else ''}://{host}"
            found = releases(name, base)
            info = {"name": name, "version": list(found)[-1] if found else None}
            data = {"info": info, "last_serial": serials[name], "releases": found}
            serial = [("X-PyPI-Last-Serial", str(serials[name]))]
            self.answer(200, "application/json", json.dumps(data).encode(), serial)
        elif path.startswith("/packages/") and os.path.isfile(root + path):
            with open(root + path, "rb") as file:
                self.answer(200, "application/octet-stream", file.read())
        else:
            self.answer(404, "text/plain", b"not found")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if "--tls" in options:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options[options.index("--tls") + 1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
