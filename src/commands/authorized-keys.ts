import { readFileSync } from 'node:fs';
import { EXIT } from '../job/outcome.js';
import { shellWord } from '../job/shell.js';
import { ExitError } from './exit.js';

/** Key types that sshd(8) takes today; DSA is none of them. */
const TYPES = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

/**
 * Lines for authorized_keys(5) that let each public key of a file run `argv` and nothing else: no shell, terminal,
 * forwarding or rc file. Throws ExitError: 66 for a file that cannot be read, 65-like trouble (78) for a line that is no
 * public key, before anything is printed.
 */
export function authorizedKeys(path: string, argv: readonly string[]): string {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new ExitError(EXIT.noInput, `mirror: ${path}: ${(error as Error).message}`);
  }
  const option = `restrict,command="${argv.map(shellWord).join(' ').replaceAll('"', '\\"')}"`;
  const lines = text.split(/\r?\n/).flatMap((line, index) => {
    const key = line.trim();
    return key === '' || key.startsWith('#')
      ? []
      : [`${option} ${publicKey(key, `${path}:${String(index + 1)}`)}\n`];
  });
  if (lines.length === 0) throw new ExitError(EXIT.config, `mirror: ${path}: no public key in it`);
  return lines.join('');
}

/** A line `type base64 comment`, as far as it can be trusted to be that and no more. */
function publicKey(line: string, place: string): string {
  const refuse = (problem: string): never => {
    throw new ExitError(EXIT.config, `mirror: ${place}: ${problem}`);
  };
  if (line.includes('PRIVATE KEY'))
    refuse('this is a private key; give the .pub file, and keep this one secret');
  const [type = '', blob = '', ...comment] = line.split(/\s+/);
  if (!TYPES.includes(type))
    refuse('expected a public key: type, base64, comment, without options before it');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blob) || innerType(blob) !== type) refuse(`the key is no ${type} key`);
  // A comment is free text: only what cannot surprise a terminal.
  const shown = comment
    .join(' ')
    .replace(/[^ -~]/g, '')
    .slice(0, 100);
  return [type, blob, ...(shown === '' ? [] : [shown])].join(' ');
}

/** The type that the key itself carries: a 4-byte length and that many characters (RFC 4253, 6.6). */
function innerType(blob: string): string | null {
  const bytes = Buffer.from(blob, 'base64');
  if (bytes.length < 4 + 32 || bytes.toString('base64').replace(/=+$/, '') !== blob.replace(/=+$/, ''))
    return null;
  const length = bytes.readUInt32BE();
  return length < 64 ? bytes.toString('latin1', 4, 4 + length) : null;
}
