import { describe, expect, it } from 'vitest';
import { parseIni } from '../../../src/definition/ini.ts';
import { parseTransfer } from '../../../src/definition/transfer.ts';

const specifiers = { a: 'x86-64', w: '43', A: '', o: 'fedora', '%': '%' };
const parse = (text: string) =>
  parseTransfer('foo', '/etc/foo.transfer', parseIni(text, '/etc/foo.transfer').assignments, specifiers);
const source = '[Source]\nType=url-file\nPath=https://example.com/foo/\nMatchPattern=foo_@v.raw\n';
const target = '[Target]\nPath=/var/lib/extensions/foo.raw.v\n';
const withTarget = (settings: string) =>
  parse(`${source}[Target]\nPath=/var/lib/extensions.d\n${settings}`).transfer?.target;

describe('parseTransfer', () => {
  it('fills in the defaults of sysupdate.d(5)', () => {
    expect(parse(source + target).transfer).toMatchObject({
      id: 'foo',
      kind: 'sysext',
      verify: true,
      protectVersions: [],
      source: { type: 'url-file', path: 'https://example.com/foo', patterns: [{ text: 'foo_@v.raw' }] },
      target: {
        type: 'regular-file',
        path: '/var/lib/extensions/foo.raw.v',
        patterns: [{ text: 'foo_@v.raw' }],
        instancesMax: 3,
      },
    });
  });

  it('expands specifiers in paths, patterns and versions', () => {
    const { transfer } = parse(
      '[Transfer]\nMinVersion=%w\nProtectVersion=%A\n[Source]\nType=url-file\nPath=https://example.com/%o/%%\nMatchPattern=foo_@v_%w_%a.raw\n[Target]\nPath=/opt/%o\nCurrentSymlink=/etc/extensions/%o.raw\n',
    );
    expect(transfer).toMatchObject({
      minVersion: '43',
      // An unset field protects nothing.
      protectVersions: [],
      source: { path: 'https://example.com/fedora/%', patterns: [{ text: 'foo_@v_43_x86-64.raw' }] },
      target: { path: '/opt/fedora', currentSymlink: '/etc/extensions/fedora.raw' },
    });
  });

  it('adds up lists, and resets them by an empty value', () => {
    const { transfer } = parse(
      `[Transfer]\nProtectVersion=1\nProtectVersion=\nProtectVersion=2\nProtectVersion=3\n${source}MatchPattern=\nMatchPattern=a_@v.raw b_@v.raw\nMatchPattern=c_@v.raw\n${target}`,
    );
    expect(transfer?.protectVersions).toEqual(['2', '3']);
    expect(transfer?.source.patterns.map(({ text }) => text)).toEqual(['a_@v.raw', 'b_@v.raw', 'c_@v.raw']);
  });

  it.each([
    ['CurrentSymlink=foo.raw', { currentSymlink: '/var/lib/extensions.d/foo.raw' }],
    ['CurrentSymlink=/etc/extensions/foo.raw', { currentSymlink: '/etc/extensions/foo.raw' }],
    ['InstancesMax=1', { instancesMax: 2 }],
    ['InstancesMax=7', { instancesMax: 7 }],
    ['Mode=0600', { mode: 0o600 }],
    ['ReadOnly=yes', { readOnly: true }],
  ])('[Target] %s', (setting, expected) => {
    expect(withTarget(setting)).toMatchObject(expected);
  });

  it('drops the any-directory prefix from the pattern that a target inherits', () => {
    const { transfer } = parse(
      `[Source]\nType=url-file\nPath=https://example.com/\nMatchPattern=**/foo_@v.raw\n${target}`,
    );
    expect(transfer?.source.patterns[0]).toMatchObject({ text: 'foo_@v.raw', anyDirectory: true });
    expect(transfer?.target.patterns[0]).toMatchObject({ text: 'foo_@v.raw', anyDirectory: false });
  });

  it.each([
    ['[Source]\nType=url-file\nPath=https://x/\nMatchPattern=f_@v\n[Target]\nType=partition\nPath=auto\n', 'partition'],
    ['[Source]\nType=url-file\nPath=https://x/\nMatchPattern=f_@v\n[Target]\nPath=/dev/sda\n', 'partition'],
    [
      '[Source]\nType=url-file\nPath=https://x/\nMatchPattern=f_@v\n[Target]\nPath=/EFI/Linux\nPathRelativeTo=boot\n',
      'boot',
    ],
    [
      '[Source]\nType=regular-file\nPath=/\nMatchPattern=invalid@v.raw\n[Target]\nType=regular-file\nPath=/\n',
      'placeholder',
    ],
    ['[Source]\nType=tar\nPath=/EFI\nPathRelativeTo=esp\nMatchPattern=f_@v.tar\n[Target]\nPath=/x\n', 'esp'],
  ])('leaves %j to systemd-sysupdate', (text, reason) => {
    expect(parse(text)).toMatchObject({ left: expect.stringContaining(reason) });
    expect(parse(text).problems).toEqual([]);
  });

  it.each([
    [
      '[Source]\nPath=https://x/\nMatchPattern=f_@v\n[Target]\nPath=/x\n',
      1,
      'Type=: is missing in [Source]; allowed: url-file',
    ],
    [`${source}[Target]\nType=file\nPath=/x\n`, 6, 'Type=: "file" is unknown; allowed: partition, regular-file'],
    [
      '[Source]\nType=url-file\nPath=ftp://x/\nMatchPattern=f_@v\n[Target]\nPath=/x\n',
      3,
      'Path=: "ftp://x/" is not a URL',
    ],
    [
      '[Source]\nType=url-file\nPath=https://x/\nMatchPattern=foo.raw\n[Target]\nPath=/x\n',
      4,
      'MatchPattern=: "foo.raw" has no "@v"',
    ],
    [`${source}[Target]\nPath=x\n`, 6, 'Path=: "x" is not a usable path'],
    [`${source}[Target]\nPath=/x/../y\n`, 6, 'Path=: "/x/../y" is not a usable path'],
    [`${source}[Target]\nPath=/x\nCurrentSymlink=../y\n`, 7, 'CurrentSymlink=: "../y"'],
    [`${source}[Target]\nPath=/x\nInstancesMax=many\n`, 7, 'InstancesMax=: "many" is not a number'],
    [`[Transfer]\nVerify=perhaps\n${source}${target}`, 2, 'Verify=: "perhaps" is not a boolean; allowed: yes, no'],
    [`[Transfer]\nMinVersion=a/b\n${source}${target}`, 2, 'MinVersion=: "a/b" is not a version'],
    [`${source}[Target]\nPath=/x\nMatchPattern=**/f_@v\n`, 7, '"**/" is for sources only'],
    [`[Source]\nType=directory\nPath=/s\nMatchPattern=**/f_@v\n${target}`, 4, '"**/" is not for sources of the type'],
    [
      `[Source]\nType=tar\nPath=/s\nMatchPattern=f_@v\n[Target]\nType=regular-file\nPath=/x\n`,
      6,
      'a tar source cannot fill',
    ],
  ])('%j: line %i, %s', (text, line, message) => {
    const { transfer, problems } = parse(text);
    expect(transfer).toBeUndefined();
    const errors = problems.filter(({ severity }) => severity === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ file: '/etc/foo.transfer', line, message: expect.stringContaining(message) });
  });

  it('tells all problems at once', () => {
    const { problems } = parse('[Source]\nType=url\nPath=x\nMatchPattern=f\n[Target]\nPath=y\nMode=9\n');
    expect(problems.map(({ line }) => line)).toEqual([2, 3, 4, 6, 7]);
  });

  it('warns of settings it does not know, and ignores sections that begin with X-', () => {
    const { transfer, problems } = parse(`${source}${target}InstanceMax=2\nX-Mine=1\n[X-Other]\nA=b\n`);
    expect(transfer).toBeDefined();
    expect(problems).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('InstanceMax=: unknown setting') },
    ]);
  });
});
