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
 * Keeps bandersnatch on the upstream's hosts. It has no option for that, and an index names the URL of each file, so the
 * rule stands where aiohttp connects. Python imports this file, from a directory of PYTHONPATH, before the program.
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
    RULE,
  ]);
}

const RULE = `
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
