"""A real FTP server (pyftpdlib) on a free port of the loopback, which is printed first.

usage: ftpd.py ROOT [--tls PEM] [--hide NAME]...

Anonymous and the user `me` with the password in FTPD_PASSWORD may read; with --tls both must ask for TLS first. A file
or directory of a name given by --hide is listed but cannot be read.
"""

import os
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

root, options = sys.argv[1], sys.argv[2:]
hidden = [value for option, value in zip(options, options[1:]) if option == "--hide"]


class Filesystem(AbstractedFS):
    def open(self, filename, mode):
        if os.path.basename(filename) in hidden:
            raise PermissionError(13, "Permission denied", filename)
        return AbstractedFS.open(self, filename, mode)

    def listdir(self, path):
        if os.path.basename(path) in hidden:
            raise PermissionError(13, "Permission denied", path)
        return AbstractedFS.listdir(self, path)


authorizer = DummyAuthorizer()
authorizer.add_anonymous(root)
authorizer.add_user("me", os.environ.get("FTPD_PASSWORD", "secret"), root)
handler = FTPHandler
if "--tls" in options:
    handler = TLS_FTPHandler
    handler.certfile = options[options.index("--tls") + 1]
    handler.tls_control_required = True
    handler.tls_data_required = True
handler.authorizer = authorizer
handler.abstracted_fs = Filesystem
handler.auth_failed_timeout = 0
handler.use_sendfile = False
server = FTPServer(("127.0.0.1", 0), handler, ioloop=IOLoop())
print(server.address[1], flush=True)
server.serve_forever()
