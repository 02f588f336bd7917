import { describe, expect, it } from 'vitest';
import { encodeEntry, prefixLines } from '../../../src/cli/journal-entry.ts';

/** Reads an entry as systemd-journald does: text fields to the end of the line, others by their size. */
function decode(entry: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  let rest = entry;
  while (rest.length > 0) {
    const end = rest.indexOf('\n');
    const line = rest.subarray(0, end).toString();
    const at = line.indexOf('=');
    if (at >= 0) {
      fields[line.slice(0, at)] = line.slice(at + 1);
      rest = rest.subarray(end + 1);
      continue;
    }
    const size = Number(rest.readBigUInt64LE(end + 1));
    const start = end + 9;
    fields[line] = rest.subarray(start, start + size).toString();
    expect(rest[start + size]).toBe(0x0a);
    rest = rest.subarray(start + size + 1);
  }
  return fields;
}

describe('encodeEntry', () => {
  it('has priority, identifier and what is known of the message, and nothing that is not', () => {
    expect(decode(encodeEntry('info', 'hello'))).toEqual({
      MESSAGE: 'hello',
      PRIORITY: '6',
      SYSLOG_IDENTIFIER: 'extupdate',
    });
    const about = { component: 'app', version: '1=2', os: 'testos:1', code: 'network', exit: 10 };
    expect(decode(encodeEntry('error', 'a=b', about))).toEqual({
      MESSAGE: 'a=b',
      PRIORITY: '3',
      SYSLOG_IDENTIFIER: 'extupdate',
      EXTUPDATE_COMPONENT: 'app',
      EXTUPDATE_VERSION: '1=2',
      EXTUPDATE_OS: 'testos:1',
      EXTUPDATE_CODE: 'network',
      EXTUPDATE_EXIT: '10',
    });
    expect(decode(encodeEntry('warning', 'x', { component: null, os: undefined, exit: 0 }))).toEqual({
      MESSAGE: 'x',
      PRIORITY: '4',
      SYSLOG_IDENTIFIER: 'extupdate',
      EXTUPDATE_EXIT: '0',
    });
  });

  it('a value of several lines cannot make a field of its own', () => {
    const hostile = 'ü\nPRIORITY=0\n\n_UID=0';
    expect(decode(encodeEntry('notice', hostile, { component: hostile }))).toEqual({
      MESSAGE: hostile,
      PRIORITY: '5',
      SYSLOG_IDENTIFIER: 'extupdate',
      EXTUPDATE_COMPONENT: hostile,
    });
  });
});

it('each line of a stream has the priority', () => {
  expect(prefixLines('error', 'what\n  next')).toBe('<3>what\n<3>  next\n');
});
