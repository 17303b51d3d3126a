import { compile } from '../compile/index.js';
import { ConfigFileError, diskReader, readSite } from '../config/index.js';
import { wantsColor } from '../diagnostics/color.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { renderGitHub } from '../diagnostics/github.js';
import { ordered } from '../diagnostics/order.js';
import { countText, renderHuman, toJson } from '../diagnostics/render.js';
import { layout } from '../job/layout.js';
import { EXIT } from '../job/outcome.js';
import { jsonText } from '../job/plain-text.js';
import type { Site } from '../model/site.js';
import { ExitError } from './exit.js';
import { configPath, rootPath, runningEntry, surroundingsOf } from './load-site.js';
import type { GlobalOptions } from './options.js';

interface Choice extends GlobalOptions {
  readonly strict: boolean;
  readonly accept: string | undefined;
  readonly github: boolean;
}

interface Report {
  readonly exit: number;
  readonly site: Site | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** `mirror validate`: diagnostics on stdout. Ends with ExitError 66 (no such file), 78 (errors, or warnings if strict). */
export function validate(choice: Choice): void {
  if (choice.github && choice.json)
    throw new ExitError(EXIT.usage, 'mirror: --github and --json exclude each other');
  if (choice.accept !== undefined && !choice.strict)
    throw new ExitError(EXIT.usage, 'mirror: --accept goes with --strict only');
  const accepted = new Set(choice.accept?.split(','));
  const path = configPath(choice);
  const report = reportOn(path, choice);
  const failed =
    report.exit === 0 && choice.strict && report.diagnostics.some(({ code }) => !accepted.has(code));
  const exit = failed ? EXIT.config : report.exit;
  process.stdout.write(text(path, { ...report, exit }, choice));
  if (exit !== 0) throw new ExitError(exit);
}

/** Everything that can be known without touching the machine: the config, and what its scheduler makes of it. */
function reportOn(path: string, choice: Choice): Report {
  try {
    const result = readSite(diskReader(), path, { ...surroundingsOf(choice), isStrict: choice.strict });
    const { site, diagnostics } = result;
    if (site === null) return { exit: EXIT.config, site, diagnostics };
    const executable = site.settings.executable ?? runningEntry();
    const { findings } = compile(site, { layout: layout(rootPath(choice)), executable, nameServers: [] });
    const all = ordered([...diagnostics, ...result.locate(findings)]);
    const failed = all.some(({ severity }) => severity === 'error');
    return { exit: failed ? EXIT.config : EXIT.ok, site, diagnostics: all };
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    const place = { file: error.path, pointer: '', target: 'value' } as const;
    const finding: Diagnostic = { code: 'unreadable', severity: 'error', message: error.reason, place };
    return { exit: error.code, site: null, diagnostics: [finding] };
  }
}

function text(path: string, { exit, site, diagnostics }: Report, choice: Choice): string {
  if (choice.github) return renderGitHub(diagnostics, process.cwd());
  const packages = site === null ? null : site.packages.length;
  if (choice.json) {
    const document = {
      format: 'mirror/validate/1',
      config: path,
      valid: exit === 0,
      packages,
      diagnostics: toJson(diagnostics).diagnostics,
    };
    return `${jsonText(document, 2)}\n`;
  }
  const verdict = exit === 0 ? 'valid' : 'not valid';
  const count = packages === null ? '' : `, ${packages} package${packages === 1 ? '' : 's'}`;
  const summary = `${path} is ${verdict}: ${countText(diagnostics)}${count}\n`;
  return renderHuman(diagnostics, { color: wantsColor(process.stdout) }) + summary;
}
