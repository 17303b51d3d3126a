import { sha256 } from '../system/digest.js';
import type { Change, Manifest } from './plan.js';

/** Settings that gather a list: a drop-in adds to them, and an empty assignment starts the list anew. */
const LISTS =
  /^(Exec\w+|Environment|EnvironmentFile|UnsetEnvironment|PassEnvironment|(Read(Write|Only)|Inaccessible|Exec|NoExec)Paths|Bind(ReadOnly)?Paths|SystemCall(Filter|Architectures)|RestrictAddressFamilies|LoadCredential|SetCredential|SupplementaryGroups|SuccessExitStatus|(Allowed|Denied)?(CPUs|IPAddress\w*)|On(Calendar|\w+Sec)|Documentation|(Condition|Assert)\w+|(State|Logs|Cache|Runtime|Configuration)Directory|TemporaryFileSystem|CapabilityBoundingSet|AmbientCapabilities)$/;

/** Dependencies cannot be taken back by a drop-in (systemd.unit(5)). */
const DEPENDENCIES =
  /^(Wants|Requires|Requisite|BindsTo|PartOf|Upholds|Conflicts|Before|After|OnFailure|OnSuccess|RequiresMountsFor|JoinsNamespaceOf)$/;

/**
 * The edit of a drifted unit file as the text of a drop-in, or null where that cannot be: no unit, an edit that no
 * drop-in can express, or a file that this apply would change as well (then nobody knows which difference is whose).
 */
export function adoption(change: Change, manifest: Manifest): string | null {
  const [base, edited] = unitTexts(change, manifest) ?? [];
  return base === undefined || edited === undefined ? null : dropIn(base, edited);
}

/** Why `adoption` finds no drop-in, for people. */
export function notAdopted(change: Change, manifest: Manifest): string {
  if (!UNIT.test(change.path)) return 'only an edit of a unit can become a drop-in';
  const texts = unitTexts(change, manifest);
  if (texts === null)
    return 'the config changes or removes the same file, so the edit cannot become a drop-in: apply without that change first';
  const [base, edited] = texts.map(parse);
  if (JSON.stringify(entries(base)) === JSON.stringify(entries(edited)))
    return 'the edit changes no setting, only comments or white space, so there is nothing to adopt';
  return 'a drop-in cannot express this edit (it cannot take a dependency back)';
}

const UNIT = /\.(service|timer|slice|socket|path)$/;

/** The unit as it was written and as it is now, where the difference is the edit and nothing else. */
function unitTexts(change: Change, manifest: Manifest): [string, string] | null {
  if (change.kind !== 'drifted' || change.before.kind !== 'file' || change.after?.kind !== 'file')
    return null;
  if (!UNIT.test(change.path)) return null;
  if (manifest.entries[change.path]?.sha256 !== sha256(change.after.content)) return null;
  return [change.after.content, change.before.content];
}

/** As a value that compares. */
function entries(unit: ReturnType<typeof parse> | undefined): unknown {
  return [...(unit ?? [])].map(([section, keys]) => [section, [...keys]]);
}

/** Directives that turn unit `base` into `edited`, as a drop-in; null when there are none or they cannot be written. */
export function dropIn(base: string, edited: string): string | null {
  const [old, now] = [parse(base), parse(edited)];
  if (old === null || now === null) return null;
  const sections: string[] = [];
  for (const section of new Set([...old.keys(), ...now.keys()])) {
    const [oldKeys, nowKeys] = [
      old.get(section) ?? new Map(),
      now.get(section) ?? new Map<string, string[]>(),
    ];
    const lines: string[] = [];
    for (const key of new Set<string>([...oldKeys.keys(), ...nowKeys.keys()] as string[])) {
      const assigned = assignments(
        key,
        (oldKeys.get(key) as string[] | undefined) ?? [],
        nowKeys.get(key) ?? [],
      );
      if (assigned === null) return null;
      lines.push(...assigned);
    }
    if (lines.length > 0) sections.push(`[${section}]\n${lines.join('\n')}\n`);
  }
  return sections.length > 0
    ? `# Adopted by mirror apply from an edit of the unit file.\n${sections.join('\n')}`
    : null;
}

function assignments(key: string, old: readonly string[], now: readonly string[]): string[] | null {
  if (JSON.stringify(old) === JSON.stringify(now)) return [];
  const lines = (values: readonly string[]): string[] => values.map((value) => `${key}=${value}`);
  const isLonger = old.every((value, i) => now[i] === value);
  if (DEPENDENCIES.test(key)) return isLonger ? lines(now.slice(old.length)) : null;
  // The last assignment of a plain setting wins; an empty one is its default.
  if (!LISTS.test(key) && old.length <= 1 && now.length <= 1) return lines([now[0] ?? '']);
  return isLonger ? lines(now.slice(old.length)) : [`${key}=`, ...lines(now)];
}

/** Section → key → values; null for text that is no unit file. Continued lines are joined. */
function parse(text: string): Map<string, Map<string, string[]>> | null {
  const sections = new Map<string, Map<string, string[]>>();
  let keys: Map<string, string[]> | undefined;
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue;
    const section = /^\[(.+)\]$/.exec(trimmed)?.[1];
    const [, key, value = ''] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(trimmed) ?? [];
    if (section !== undefined) {
      keys = sections.get(section) ?? new Map();
      sections.set(section, keys);
    } else if (keys && key !== undefined) keys.set(key, [...(keys.get(key) ?? []), value]);
    else return null;
  }
  return sections;
}
