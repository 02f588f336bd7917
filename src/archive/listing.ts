/** What `tar --list --verbose --block-number --quoting-style=c` of GNU tar prints in the C locale, line by line. Pure. */

export type EntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

/** One member of an archive. Names are bytes, each a character of its own (latin1), as they stand in the archive. */
export interface TarEntry {
  readonly kind: EntryKind;
  /** The letter that tar shows for the type. */
  readonly type: string;
  readonly name: string;
  /** Of symbolic and hard links. */
  readonly target: string | undefined;
  /** Size in bytes, holes included; 0 for devices. */
  readonly size: number;
  readonly hasXattrs: boolean;
}

export type ListingLine =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  /** Where the archive ends: at its end marker, or because there is nothing more. The offset is in bytes. */
  | { readonly kind: 'end'; readonly offset: number; readonly marked: boolean };

/** Bytes of a block of the format. */
const BLOCK = 512;

const KINDS: Readonly<Record<string, EntryKind>> = { '-': 'file', d: 'directory', l: 'symlink', h: 'hardlink' };

const QUOTED = String.raw`"([^"\\]*(?:\\.[^"\\]*)*)"`;
// block 7: -rwxr-xr-x* 0/0   1234 2026-01-31 12:00:00.5 "name" -> "target"
const ENTRY = new RegExp(
  String.raw`^block \d+: ([-A-Za-z?])\S{9}([*+.]?) +\d+/\d+ +(\d+|\d+,\d+) [^"]*${QUOTED}(?:(?: ->| link to) ${QUOTED}|.*)$`,
);
const END = /^block (\d+): \*\* (Block of NULs|End of File) \*\*$/;

/** Reads one line; undefined for one that is not of that form, as for a damaged header. */
export function parseListingLine(line: string): ListingLine | undefined {
  const end = END.exec(line);
  if (end) return { kind: 'end', offset: Number(end[1]) * BLOCK, marked: end[2] === 'Block of NULs' };
  const match = ENTRY.exec(line);
  if (!match) return undefined;
  const [, type = '', flag, size = '', name = '', target] = match;
  const kind = KINDS[type] ?? 'other';
  const isLink = kind === 'symlink' || kind === 'hardlink';
  if (isLink !== (target !== undefined)) return undefined;
  return {
    kind: 'entry',
    entry: {
      kind,
      type,
      name: unquote(name),
      target: target === undefined ? undefined : unquote(target),
      size: size.includes(',') ? 0 : Number(size),
      hasXattrs: flag === '*',
    },
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function unquote(text: string): string {
  return text.replace(/\\([0-7]{1,3}|.)/g, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  );
}
