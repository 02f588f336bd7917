/**
 * SHA256SUMS as systemd-sysupdate reads it: one line an entry, 64 hex digits, a space, a space or `*`, a file name, a
 * newline. Anything else refuses the whole list, with the line number: this is signed data, so a line that does not
 * parse is a defect or an attack, never noise.
 */
import { PolicyError, TrustError } from '../errors.ts';

/** SHA-256, in lower-case hex, by name, in the order of the list. */
export type ManifestEntries = ReadonlyMap<string, string>;

export interface Manifest {
  readonly entries: ManifestEntries;
  /** The last day (UTC, `YYYY-MM-DD`) on which the list may be used. */
  readonly bestBefore?: string;
  /** Entries that were left out, and other oddities; one line each. */
  readonly warnings: readonly string[];
}

/** Names of its detached signature, in the order in which systemd 262 asks for them; 257 knows the third only. */
export const signatureNames = [
  'SHA256SUMS.sha256.asc',
  'SHA256SUMS.sha256.gpg',
  'SHA256SUMS.gpg',
  'SHA256SUMS.asc',
] as const;

/** Largest manifest, in bytes (systemd: 1 MiB). */
export const MANIFEST_SIZE_MAX = 1024 * 1024;
const NAME_LENGTH_MAX = 255;
/** SHA-256 of nothing. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Control characters, and those that reorder or hide text on a terminal. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

/** Almost every line is of this kind, and nothing more has to be looked at. */
const PLAIN_LINE = /^[0-9a-f]{64} [ *][A-Za-z0-9][A-Za-z0-9._+^=@-]{0,254}$/;

/**
 * Parses a manifest whose signature has been verified already.
 * @param url names the manifest in messages
 * @throws TrustError that names the line
 */
export function parseManifest(bytes: Uint8Array, url: string): Manifest {
  if (bytes.length > MANIFEST_SIZE_MAX) throw refusal(url, 1, 'the list is larger than 1 MiB');
  const text = decode(bytes, url);
  if (text === '') return { entries: new Map(), warnings: [] };
  if (!text.endsWith('\n')) throw refusal(url, text.split('\n').length, 'truncated: the last line has no end');

  const entries = new Map<string, string>();
  const warnings: string[] = [];
  let bestBefore: string | undefined;
  let index = -1;
  let end = -1;
  // Line by line: a list of all lines would be one more copy of it.
  for (let start = 0; start < text.length; start = end + 1) {
    end = text.indexOf('\n', start);
    const line = text.slice(start, end);
    index += 1;
    const isPlain = PLAIN_LINE.test(line);
    const entry = isPlain ? { name: line.slice(66), sha256: line.slice(0, 64) } : parseLine(line, index + 1, url);
    const known = entries.get(entry.name);
    if (known !== undefined && known !== entry.sha256) {
      throw refusal(url, index + 1, `${entry.name} is listed twice with different hashes`);
    }
    if (!isPlain && (Buffer.byteLength(entry.name) > NAME_LENGTH_MAX || UNPRINTABLE.test(entry.name))) {
      warnings.push(`${url}:${index + 1}: a name that is too long or not printable, ignoring the entry`);
      continue;
    }
    if (entry.name.startsWith('BEST-BEFORE-')) {
      const date = bestBeforeDate(entry.name, index + 1, url);
      if (entry.sha256 !== EMPTY_SHA256) warnings.push(`${url}:${index + 1}: ${entry.name} is not an empty file`);
      if (bestBefore === undefined || date < bestBefore) bestBefore = date;
      continue;
    }
    entries.set(entry.name, entry.sha256);
  }
  return { entries, warnings, ...(bestBefore === undefined ? {} : { bestBefore }) };
}

/**
 * Refuses a manifest after its best-before day; the day itself is still good, to its end in UTC (systemd 262 refuses
 * from its beginning on).
 * @throws PolicyError
 */
export function checkFreshness(manifest: Manifest, url: string, now: Date): void {
  if (manifest.bestBefore === undefined || now.toISOString().slice(0, 10) <= manifest.bestBefore) return;
  throw new PolicyError(`${url}: stale since the end of ${manifest.bestBefore}`, {
    next: 'ask the publisher for a fresh list; if this machine’s clock is wrong, set it',
  });
}

function decode(bytes: Uint8Array, url: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new TrustError(`${url}: not UTF-8 text`, { cause: error, next: askPublisher });
  }
  if (text.startsWith('\ufeff')) throw refusal(url, 1, 'begins with a byte order mark');
  const nul = text.indexOf('\0');
  if (nul >= 0) throw refusal(url, text.slice(0, nul).split('\n').length, 'holds a NUL byte');
  return text;
}

function parseLine(line: string, number: number, url: string): { name: string; sha256: string } {
  if (line.endsWith('\r')) throw refusal(url, number, 'CRLF line ends');
  const match = /^([0-9A-Fa-f]{64}) [ *](.+)$/s.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw refusal(url, number, 'expected 64 hex digits, two blanks (or " *") and a file name');
  }
  const name = match[2];
  const parts = name.split('/');
  const escapes =
    name.startsWith('~') ||
    name.includes('\\') ||
    /^[A-Za-z]:/.test(name) ||
    parts.some((part) => part === '' || /^\.\.?$/.test(part));
  if (escapes) throw refusal(url, number, `${JSON.stringify(name)} is not a plain file name`);
  return { name, sha256: match[1].toLowerCase() };
}

function bestBeforeDate(name: string, number: number, url: string): string {
  const date = name.slice('BEST-BEFORE-'.length);
  const time = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== date) {
    throw refusal(url, number, `${name}: expected BEST-BEFORE-YYYY-MM-DD`);
  }
  return date;
}

const askPublisher = 'this is for the publisher to mend; nothing was changed here';

function refusal(url: string, line: number, what: string): TrustError {
  return new TrustError(`${url}:${line}: ${what}`, { next: askPublisher });
}
