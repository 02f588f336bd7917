import { describe, expect, it } from 'vitest';
import { formatPattern, matchPattern, matchPatterns, parsePattern } from '../../../src/version/pattern.ts';

const hash = 'a'.repeat(64);

describe('matchPattern', () => {
  it.each([
    ['foo_@v.raw', 'foo_1.raw', '1'],
    ['foo_@v.raw', 'foo_1.2~rc3.raw', '1.2~rc3'],
    // The last wildcard is greedy.
    ['foo_@v', 'foo_1.raw', '1.raw'],
    ['kubernetes-v1.32.@v-x86-64.raw', 'kubernetes-v1.32.4-x86-64.raw', '4'],
    ['tailscale-@v-43-x86-64.raw', 'tailscale-1.90.2-1.fc43-43-x86-64.raw', '1.90.2-1.fc43'],
    ['k3s-@v-x86-64.raw', 'k3s-v1.32.2+k3s1-x86-64.raw', 'v1.32.2+k3s1'],
    ['debug-@v.x86-64.raw', 'debug-29.1.x86-64.raw', '29.1'],
    // A field ends at the first occurrence of the next whole literal, without backtracking.
    ['@v-x', '1-x-x', undefined],
    ['foo_@v.raw', 'foo_1.raw.xz', undefined],
    ['foo_@v.raw', 'bar_1.raw', undefined],
    ['foo_@v.raw', 'foo_.raw', undefined],
    ['foo_@v.raw', 'foo_1/2.raw', undefined],
    ['@v/foo.raw', '7/foo.raw', '7'],
    ['dir/foo_@v.raw', 'dir/foo_3.raw', '3'],
    ['dir/foo_@v.raw', 'foo_3.raw', undefined],
    ['**/foo_@v.raw', 'a/b/foo_3.raw', '3'],
    ['**/foo_@v.raw', 'foo_3.raw', '3'],
    ['a@@b_@v', 'a@b_1', '1'],
  ])('%s on %s: %s', (pattern, name, version) => {
    expect(matchPattern(parsePattern(pattern), name)?.version).toBe(version);
  });

  it.each([
    ['@v_@u.raw', '1_0f1e2d3c4b5a69788796a5b4c3d2e1f0.raw', { uuid: '0f1e2d3c4b5a69788796a5b4c3d2e1f0' }],
    ['@v_@u.raw', '1_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0.raw', { uuid: '0f1e2d3c4b5a69788796a5b4c3d2e1f0' }],
    ['@v_@f.raw', '1_ff.raw', { flags: 255n }],
    ['@v_@a.raw', '1_yes.raw', { noAuto: true }],
    ['@v_@g.raw', '1_0.raw', { growFileSystem: false }],
    ['@v_@r.raw', '1_1.raw', { readOnly: true }],
    ['@v_@t.raw', '1_1700000000000000.raw', { mtime: 1700000000000000n }],
    ['@v_@m.raw', '1_644.raw', { mode: 0o644 }],
    ['@v_@s.raw', '1_4096.raw', { size: 4096 }],
    ['@v+@l-@d.efi', '1+3-0.efi', { triesLeft: 3, triesDone: 0 }],
    ['@v_@h.raw', `1_${hash}.raw`, { sha256: hash }],
  ])('%s takes the fields of %s', (pattern, name, fields) => {
    expect(matchPattern(parsePattern(pattern), name)).toEqual({ version: '1', ...fields });
  });

  it.each([
    ['@v_@u.raw', '1_xyz.raw'],
    ['@v_@m.raw', '1_777.raw'],
    ['@v_@m.raw', '1_4755.raw'],
    ['@v_@r.raw', '1_maybe.raw'],
    ['@v_@s.raw', '1_-1.raw'],
    ['@v_@h.raw', '1_abc.raw'],
  ])('%s refuses %s', (pattern, name) => {
    expect(matchPattern(parsePattern(pattern), name)).toBeUndefined();
  });
});

describe('matchPatterns', () => {
  it('takes the first pattern that matches', () => {
    const patterns = ['foo_@v.raw.xz', 'foo_@v.raw'].map((text) => parsePattern(text));
    expect(matchPatterns(patterns, 'foo_1.raw')?.version).toBe('1');
    expect(matchPatterns(patterns, 'foo_1.raw.xz')?.version).toBe('1');
    expect(matchPatterns(patterns, 'foo_1.zip')).toBeUndefined();
  });
});

describe('parsePattern', () => {
  it.each([
    ['foo.raw', 'has no "@v"'],
    ['', 'is empty'],
    ['@v@v', '"@v" stands twice'],
    ['@v_@v', '"@v" stands twice'],
    ['@v@u', 'nothing separates'],
    ['@v_@x', 'unknown wildcard "@x"'],
    ['@v@', 'lone "@"'],
    ['foo*_@v', '"*"'],
    ['foo_@v?', '"?"'],
    ['foo_[1]@v', '"["'],
    ['foo|_@v', '"|"'],
    ['$foo_@v', '"$"'],
    ['f\u0085_@v', 'not allowed'],
    ['/foo_@v', 'begins or ends with "/"'],
    ['@v/', 'begins or ends with "/"'],
    ['../@v', '".." path part'],
    [`${'x'.repeat(254)}@v`, 'longer than 255'],
  ])('refuses %j', (text, problem) => {
    expect(() => parsePattern(text)).toThrow(problem);
  });
});

describe('formatPattern', () => {
  it.each([
    ['foo_@v.raw', { version: '1' }, 'foo_1.raw'],
    ['foo_@v+@l-@d.efi', { version: '1', triesLeft: 3, triesDone: 0 }, 'foo_1+3-0.efi'],
    ['@v_@r_@m', { version: '1', readOnly: true, mode: 0o640 }, '1_1_640'],
    ['@v_@u', { version: '1', uuid: '0f1e2d3c4b5a69788796a5b4c3d2e1f0' }, '1_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'],
    ['@@_@v', { version: '1' }, '@_1'],
    ['@v_@h', { version: '1' }, undefined],
  ])('%s', (pattern, fields, name) => {
    expect(formatPattern(parsePattern(pattern), fields)).toBe(name);
  });
});
