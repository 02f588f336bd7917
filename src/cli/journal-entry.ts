/** Entries of the journal, in the form of https://systemd.io/JOURNAL_NATIVE_PROTOCOL. */

/** Of syslog(3). */
export const priorities = { error: 3, warning: 4, notice: 5, info: 6 } as const;
export type Level = keyof typeof priorities;

/** What a message is about. */
export interface About {
  readonly component?: string | null;
  readonly version?: string;
  /** Name of the OS's record. */
  readonly os?: string | undefined;
  /** That of an error, or the action that was done. */
  readonly code?: string;
  /** The exit status of an error. */
  readonly exit?: number;
}

/** The bytes of an entry. */
export function encodeEntry(level: Level, message: string, about: About = {}): Buffer {
  const fields: [string, string | number | null | undefined][] = [
    ['MESSAGE', message],
    ['PRIORITY', priorities[level]],
    ['SYSLOG_IDENTIFIER', 'extupdate'],
    ['EXTUPDATE_COMPONENT', about.component],
    ['EXTUPDATE_VERSION', about.version],
    ['EXTUPDATE_OS', about.os],
    ['EXTUPDATE_CODE', about.code],
    ['EXTUPDATE_EXIT', about.exit],
  ];
  return Buffer.concat(
    fields.flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [encodeField(name, String(value))],
    ),
  );
}

function encodeField(name: string, value: string): Buffer {
  if (!value.includes('\n')) return Buffer.from(`${name}=${value}\n`);
  const bytes = Buffer.from(value);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), size, bytes, Buffer.from('\n')]);
}

/** A message as lines for a stream that systemd reads, with the priority before each, see sd-daemon(3). */
export function prefixLines(level: Level, message: string): string {
  return message
    .split('\n')
    .map((line) => `<${priorities[level]}>${line}\n`)
    .join('');
}
