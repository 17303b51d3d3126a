import type { WriteFileStep } from '../job/step.js';
import type { Package } from '../model/site.js';
import { parseSource } from '../model/source.js';
import { sections } from './bandersnatch-conf.js';
import { privateFile } from './method.js';
import type { MethodContext } from './method.js';
import { upstreamHosts } from './redirects.js';
import { upstream } from './web-source.js';

/** PyPI's index, and many a mirror of it, names this host for the files of every project. */
const FILES = 'files.pythonhosted.org';

/**
 * Keeps bandersnatch on the upstream's hosts, and within its directory. It has no option for that, and an index names the
 * URL of each file, so the rules stand where aiohttp connects and where a name becomes a path. Python imports this file,
 * from a directory of PYTHONPATH, before the program. The executor writes it for each run.
 */
export function hostRule(pkg: Package, context: MethodContext): WriteFileStep {
  const { 'download-mirror': files } = sections(pkg, context.source).mirror ?? {};
  const others = [FILES, ...(typeof files === 'string' ? [parseSource(files).source.host] : [])];
  const hosts = upstreamHosts(
    pkg,
    context.source,
    others.filter((host) => host !== null),
  );
  const schemes = upstream(context.source).scheme === 'https' ? ['https'] : ['http', 'https'];
  return privateFile(`${context.work}/sitecustomize.py`, [
    `HOSTS = ${JSON.stringify(hosts)}\nSCHEMES = ${JSON.stringify(schemes)}\n`,
    HOST_RULE,
    NAME_RULE,
  ]);
}

/** Without the rule about hosts, which a configuration of the site's own decides about. */
export function nameRule(context: MethodContext): WriteFileStep {
  return privateFile(`${context.work}/sitecustomize.py`, [NAME_RULE]);
}

const HOST_RULE = `
try:
    import aiohttp
except ImportError:
    aiohttp = None  # Another program of the way there, such as a wrapper.

if aiohttp is not None:
    try:
        connect = aiohttp.BaseConnector.connect

        async def connect_upstream(self, req, *args, **kwargs):
            host = (req.url.host or "").lower()
            known = any(host == name or host.endswith("." + name) for name in HOSTS)
            if not known or req.url.scheme not in SCHEMES:
                raise aiohttp.ClientConnectionError(f"mirror: refused to go to {req.url.origin()}")
            return await connect(self, req, *args, **kwargs)

        aiohttp.BaseConnector.connect = connect_upstream
    except Exception as error:
        # Python goes on after an error here, and without the rule it must not.
        raise SystemExit(f"mirror: cannot keep aiohttp on the upstream's hosts: {error}")
`;

/**
 * Refuses names of projects that PEP 508 does not allow, and files whose URL, unquoted, is no plain path below /packages.
 * bandersnatch joins both to its directory as they are. Deletions are read from lines that begin with a path, so no message
 * of the log and no quoted error begins such a line.
 */
const NAME_RULE = `
try:
    import bandersnatch.mirror
    import bandersnatch.package
except ImportError:
    bandersnatch = None

if bandersnatch is not None:
    try:
        import logging
        import re
        from urllib.parse import unquote, urlparse

        local_path = bandersnatch.mirror.BandersnatchMirror._file_url_to_local_path
        make_package = bandersnatch.package.Package.__init__
        get_message = logging.LogRecord.getMessage
        format_record = logging.Formatter.format

        def plain_local_path(self, url):
            parts = unquote(urlparse(url).path).split("/")
            plain = all(part not in ("", ".", "..") and part.isprintable() for part in parts[1:])
            if parts[:2] != ["", "packages"] or not plain:
                raise RuntimeError(f"mirror: refused the name {url[:200]!a}")
            return local_path(self, url)

        def make_named_package(self, name, *args, **kwargs):
            if not re.fullmatch("[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
                raise RuntimeError(f"mirror: refused the name {name[:200]!a}")
            make_package(self, name, *args, **kwargs)

        def get_plain_message(self):
            return "".join(c if c.isprintable() else "?" for c in get_message(self))

        def format_plainly(self, record):
            return format_record(self, record).replace("\\n/", "\\n /")

        bandersnatch.mirror.BandersnatchMirror._file_url_to_local_path = plain_local_path
        bandersnatch.package.Package.__init__ = make_named_package
        logging.LogRecord.getMessage = get_plain_message
        logging.Formatter.format = format_plainly
    except Exception as error:
        raise SystemExit(f"mirror: cannot keep bandersnatch within its directory: {error}")
`;
