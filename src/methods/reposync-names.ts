import type { WriteFileStep } from '../job/step.js';
import { privateFile } from './method.js';
import type { MethodContext } from './method.js';

/**
 * Ends dnf before it downloads a package whose index gives it a base that is no URL of the web, or no plain path: dnf would
 * copy a file of this host into dst. A path that leaves the repository is refused by dnf itself, and another host by the
 * proxy that it is given. Python imports this file, from a directory of PYTHONPATH, before dnf (4).
 */
export function packageRule({ work }: MethodContext): WriteFileStep {
  return privateFile(`${work}/sitecustomize.py`, [RULE]);
}

const RULE = `
try:
    import dnf.exceptions
    import dnf.repo
except ImportError:
    dnf = None  # Another program of the way there.

if dnf is not None:
    import re

    make_payload = dnf.repo.RPMPayload.__init__

    def is_plain(path):
        plain = re.fullmatch("(?![/~-])[A-Za-z0-9._+~^:@%=,/-]+", path)
        return plain and "://" not in path

    def is_web(base):
        return re.match("(https?|ftp)://", base)

    def make_plain_payload(self, pkg, *args, **kwargs):
        if not is_web(pkg.baseurl or "https://") or not is_plain(pkg.location):
            name = f"{pkg.baseurl or ''}{pkg.location}"[:200]
            raise dnf.exceptions.Error(f"mirror: refused the name {name!a}")
        make_payload(self, pkg, *args, **kwargs)

    dnf.repo.RPMPayload.__init__ = make_plain_payload
`;
