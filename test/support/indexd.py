"""Python's own web server on a free port of the loopback, which is printed first: it lists directories as pages.

usage: indexd.py ROOT [--tls PEM] [--login USER:PASSWORD]
"""

import base64
import functools
import http.server
import ssl
import sys

root, options = sys.argv[1], sys.argv[2:]
given = dict(zip(options[::2], options[1::2]))


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send_head(self):
        wanted = "Basic " + base64.b64encode(given.get("--login", "").encode()).decode()
        if "--login" in given and self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="mirror"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return super().send_head()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=root))
if "--tls" in given:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given["--tls"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
