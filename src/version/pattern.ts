/**
 * The `MatchPattern=` language of sysupdate.d(5): literals and `@` wildcards, matched against file names.
 *
 * As systemd 262 has it (sysupdate-pattern.c): a field ends at the first occurrence of the whole literal that follows,
 * without backtracking; the last field takes the rest; the whole name must match; each wildcard stands once, and two of
 * them need a literal or a `/` in between. Specifiers (`%w`, `%a`, ...) are expanded before a pattern comes here.
 */
import { parseBoolean } from '../syntax.ts';
import { isVersion } from './compare.ts';

/** What a wildcard stands for. */
export const wildcards = {
  v: 'version',
  u: 'uuid',
  f: 'flags',
  a: 'noAuto',
  g: 'growFileSystem',
  r: 'readOnly',
  t: 'mtime',
  m: 'mode',
  s: 'size',
  d: 'triesDone',
  l: 'triesLeft',
  h: 'sha256',
} as const;

export type Wildcard = keyof typeof wildcards;

/** The fields that a pattern took out of a name. Sizes in bytes, times in microseconds since 1970, modes as numbers. */
export interface PatternFields {
  version: string;
  uuid?: string;
  flags?: bigint;
  noAuto?: boolean;
  growFileSystem?: boolean;
  readOnly?: boolean;
  mtime?: bigint;
  mode?: number;
  size?: number;
  triesDone?: number;
  triesLeft?: number;
  sha256?: string;
}

type Element =
  | { readonly type: 'literal'; readonly text: string }
  | { readonly type: 'wildcard'; readonly wildcard: Wildcard };

export interface Pattern {
  /** As written, after specifier expansion, without the any-directory prefix. */
  readonly text: string;
  /** Whether it began with two stars and a slash: matched against the last part of the name, at any depth. */
  readonly anyDirectory: boolean;
  readonly elements: readonly Element[];
}

/** Longest pattern after expansion, in bytes (sysupdate: FILENAME_MAX of a name). */
const PATTERN_LENGTH_MAX = 255;

/** How deep `**` is followed into a local directory. */
const ANY_DIRECTORY_DEPTH = 16;

/** Thrown by {@link parsePattern}; the text is the problem, for a message that knows file and line. */
export class PatternError extends Error {}

/**
 * Parses one pattern.
 * @throws PatternError that says what is wrong with it.
 */
export function parsePattern(text: string): Pattern {
  const anyDirectory = text.startsWith('**/');
  const body = anyDirectory ? text.slice(3) : text;
  checkText(body);

  const elements: Element[] = [];
  const seen = new Set<Wildcard>();
  let literal = '';
  const endLiteral = () => {
    if (literal !== '') elements.push({ type: 'literal', text: literal });
    literal = '';
  };
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== '@') {
      literal += body[i];
      continue;
    }
    const letter = body[++i];
    if (letter === '@') {
      literal += '@';
      continue;
    }
    if (letter === undefined) throw new PatternError('ends in a lone "@"');
    if (!isWildcard(letter)) throw new PatternError(`unknown wildcard "@${letter}"`);
    if (seen.has(letter)) throw new PatternError(`"@${letter}" stands twice`);
    endLiteral();
    if (elements.at(-1)?.type === 'wildcard') {
      throw new PatternError(`nothing separates "@${letter}" from the wildcard before it`);
    }
    seen.add(letter);
    elements.push({ type: 'wildcard', wildcard: letter });
  }
  endLiteral();
  if (!seen.has('v')) throw new PatternError('has no "@v"');
  return { text: body, anyDirectory, elements };
}

/** The fields of `name` if the whole of it matches; undefined if not. */
export function matchPattern(pattern: Pattern, name: string): PatternFields | undefined {
  let rest = pattern.anyDirectory ? name.slice(name.lastIndexOf('/') + 1) : name;
  const fields: Partial<PatternFields> = {};
  const { elements } = pattern;
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index] as Element;
    if (element.type === 'literal') {
      if (!rest.startsWith(element.text)) return undefined;
      rest = rest.slice(element.text.length);
      continue;
    }
    const next = elements[index + 1];
    const end = next?.type === 'literal' ? rest.indexOf(next.text) : rest.length;
    if (end < 0 || !takeField(element.wildcard, rest.slice(0, end), fields)) return undefined;
    rest = rest.slice(end);
  }
  return rest === '' && fields.version !== undefined ? (fields as PatternFields) : undefined;
}

/** Tries the patterns of a list in order; the first that matches gives the fields. */
export function matchPatterns(patterns: readonly Pattern[], name: string): PatternFields | undefined {
  for (const pattern of patterns) {
    const fields = matchPattern(pattern, name);
    if (fields) return fields;
  }
  return undefined;
}

/**
 * Makes the name that a pattern stands for.
 * @returns undefined when the pattern has a wildcard for which `fields` has no value.
 */
export function formatPattern(pattern: Pattern, fields: PatternFields): string | undefined {
  let name = '';
  for (const element of pattern.elements) {
    const part = element.type === 'literal' ? element.text : formatField(element.wildcard, fields);
    if (part === undefined) return undefined;
    name += part;
  }
  return name;
}

/** How much literal text a pattern has; of two that match a name, the one with more is the more specific. */
export function literalLength(pattern: Pattern): number {
  return pattern.elements.reduce((sum, element) => sum + (element.type === 'literal' ? element.text.length : 0), 0);
}

/** Levels of directories that a name has to be looked for in; a pattern for any directory is not followed for ever. */
export function directoryDepth(pattern: Pattern): number {
  return pattern.anyDirectory ? ANY_DIRECTORY_DEPTH : pattern.text.split('/').length - 1;
}

function checkText(text: string): void {
  if (text === '') throw new PatternError('is empty');
  if (Buffer.byteLength(text) > PATTERN_LENGTH_MAX)
    throw new PatternError(`is longer than ${PATTERN_LENGTH_MAX} bytes`);
  const bad = /[\0-\x1f\x7f-\x9f]|[$*?[\]!\\|]/.exec(text);
  if (bad) throw new PatternError(`has the character ${JSON.stringify(bad[0])}, which is not allowed in a pattern`);
  if (text.startsWith('/') || text.endsWith('/')) throw new PatternError('begins or ends with "/"');
  if (text.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new PatternError('has an empty, "." or ".." path part');
  }
}

function isWildcard(letter: string): letter is Wildcard {
  return Object.hasOwn(wildcards, letter);
}

function takeField(wildcard: Wildcard, text: string, fields: Partial<PatternFields>): boolean {
  // A field never spans directories.
  if (text === '' || text.includes('/')) return false;
  switch (wildcard) {
    case 'v':
      fields.version = text;
      return isVersion(text);
    case 'u':
      fields.uuid = text.replaceAll('-', '').toLowerCase();
      return /^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(text);
    case 'f':
      if (!/^(0x)?[0-9a-f]{1,16}$/i.test(text)) return false;
      fields.flags = BigInt(`0x${text.replace(/^0x/i, '')}`);
      return true;
    case 'a':
    case 'g':
    case 'r': {
      const value = parseBoolean(text);
      if (value !== undefined) fields[wildcards[wildcard]] = value;
      return value !== undefined;
    }
    case 't':
      if (!/^[0-9]{1,19}$/.test(text)) return false;
      fields.mtime = BigInt(text);
      return true;
    case 'm':
      if (!/^[0-7]{1,5}$/.test(text)) return false;
      fields.mode = Number.parseInt(text, 8);
      return (fields.mode & ~0o775) === 0;
    case 's':
    case 'd':
    case 'l':
      if (!/^[0-9]{1,15}$/.test(text)) return false;
      fields[wildcards[wildcard]] = Number(text);
      return true;
    case 'h':
      fields.sha256 = text.toLowerCase();
      return /^[0-9a-f]{64}$/i.test(text);
  }
}

function formatField(wildcard: Wildcard, fields: PatternFields): string | undefined {
  switch (wildcard) {
    case 'v':
      return fields.version;
    case 'u':
      return fields.uuid?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    case 'f':
      return fields.flags?.toString(16);
    case 'a':
    case 'g':
    case 'r': {
      const value = fields[wildcards[wildcard]];
      return value === undefined ? undefined : value ? '1' : '0';
    }
    case 'm':
      return fields.mode?.toString(8);
    case 't':
      return fields.mtime?.toString();
    case 's':
    case 'd':
    case 'l':
      return fields[wildcards[wildcard]]?.toString();
    case 'h':
      return fields.sha256;
  }
}
