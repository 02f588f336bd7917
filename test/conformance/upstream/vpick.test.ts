/**
 * test-vpick.c and TEST-74-AUX-UTILS.vpick.sh: which entry of a `.v` directory counts, on real directories, by
 * extupdate, and by systemd-vpick 257 and 262 where their trees are there.
 *
 * Not replayed:
 * | case | why |
 * | --- | --- |
 * | path_uses_vpick, "___" patterns, explicit version (-V), --resolve, --print= | extupdate asks only what systemd picks by itself |
 * | -t sock, fifo; filters of several kinds in one directory | extupdate puts one kind into a `.v` directory |
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseVpickName } from '../../../src/resolve/vpick.ts';
import { pickedFrom } from '../../../src/target/active.ts';
import { describeHosts } from '../../support/e2e.ts';
import { prepareTree } from '../../support/systemd-host.ts';
import { runInTree } from '../../support/systemd-tree.ts';

interface Row {
  readonly title: string;
  readonly base: string;
  readonly suffix?: string;
  /** Directories when they end in "/". */
  readonly entries: readonly string[];
  readonly architecture?: string;
  readonly picked: string | undefined;
  /** Where 257 picks something else: it takes more characters in versions. */
  readonly by257?: string;
}

const foo = ['5.5', '55', '5', '5_ia64', '7', '7_x86-64', '55_x86-64', '55_x86', '99_x86', '100_sparc'];
const withoutX86 = foo.filter((version) => version !== '99_x86');
const files = (base: string, versions: readonly string[]) => versions.map((version) => `${base}_${version}.raw`);
const mymachine = ['7.5.13', '7.5.14_x86-64', '7.6.0_arm64', '7.7.0_x86-64+0-5'];
const mytree = ['33.4', '33.5', '36.0+0-5', '37.0_arm64+2-3', '38.0_arm64+0-5'].map((one) => `mytree_${one}/`);

const rows: readonly Row[] = [
  {
    title: 'test-vpick: the newest for this machine',
    base: 'foo',
    entries: files('foo', foo),
    picked: 'foo_99_x86.raw',
  },
  {
    title: 'test-vpick: native before secondary',
    base: 'foo',
    entries: files('foo', withoutX86),
    picked: 'foo_55_x86-64.raw',
  },
  { title: 'test-vpick: ia64', base: 'foo', entries: files('foo', foo), architecture: 'ia64', picked: 'foo_55.raw' },
  {
    title: 'test-vpick: s390x takes s390, and tries that are used up come last',
    base: 'quux',
    entries: files('quux', ['1_s390', '2_s390+4-6', '3_s390+0-10']),
    architecture: 's390x',
    picked: 'quux_2_s390+4-6.raw',
  },
  {
    title: 'TEST-74: x86-64',
    base: 'mymachine',
    entries: files('mymachine', mymachine),
    picked: 'mymachine_7.5.14_x86-64.raw',
  },
  {
    title: 'TEST-74: arm64',
    base: 'mymachine',
    entries: files('mymachine', mymachine),
    architecture: 'arm64',
    picked: 'mymachine_7.6.0_arm64.raw',
  },
  { title: 'TEST-74: trees', base: 'mytree', suffix: '', entries: mytree, picked: 'mytree_33.5' },
  {
    title: 'TEST-74: trees, arm64',
    base: 'mytree',
    suffix: '',
    entries: mytree,
    architecture: 'arm64',
    picked: 'mytree_37.0_arm64+2-3',
  },
  { title: 'TEST-74: nothing there', base: 'empty', entries: [], picked: undefined },
  { title: 'without a version it is never picked', base: 'x', entries: ['x.raw', 'x_.raw'], picked: undefined },
  {
    title: 'other names and suffixes',
    base: 'x',
    entries: ['x_1.raw', 'x_2.txt', 'x_3.img', 'x_4', 'xy_5.raw'],
    picked: 'x_1.raw',
  },
  {
    title: 'used up tries lose to an older version',
    base: 'x',
    entries: files('x', ['2+0-3', '0.5']),
    picked: 'x_0.5.raw',
  },
  {
    title: 'only used up ones: the best of them',
    base: 'x',
    entries: files('x', ['2+0-3', '1+0']),
    picked: 'x_2+0-3.raw',
  },
  { title: 'no counter before a counter', base: 'x', entries: files('x', ['0.6', '0.6+1']), picked: 'x_0.6.raw' },
  { title: 'more tries left', base: 'x', entries: files('x', ['1+2-0', '1+3-4']), picked: 'x_1+3-4.raw' },
  { title: 'fewer tries done', base: 'x', entries: files('x', ['1+3-2', '1+3-1']), picked: 'x_1+3-1.raw' },
  { title: 'none done counts as 0', base: 'x', entries: files('x', ['1+3', '1+3-1']), picked: 'x_1+3.raw' },
  { title: 'version before architecture', base: 'x', entries: files('x', ['1_x86-64', '2']), picked: 'x_2.raw' },
  { title: 'architecture before none', base: 'x', entries: files('x', ['1', '1_x86-64']), picked: 'x_1_x86-64.raw' },
  { title: 'tries before version', base: 'x', entries: files('x', ['1+1', '2+0']), picked: 'x_1+1.raw' },
  { title: 'unknown architectures are cut off', base: 'x', entries: files('x', ['1', '2_rc1']), picked: 'x_2_rc1.raw' },
  {
    title: 'versions with "+"',
    base: 'x',
    entries: files('x', ['1', '2+k3s1']),
    picked: 'x_1.raw',
    by257: 'x_2+k3s1.raw',
  },
  {
    title: 'versions with two "_"',
    base: 'x',
    entries: files('x', ['1', '2_3_x86-64']),
    picked: 'x_1.raw',
    by257: 'x_2_3_x86-64.raw',
  },
  { title: 'equal versions: the name', base: 'x', entries: files('x', ['1.0', '1.00']), picked: 'x_1.00.raw' },
];

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'extupdate-vpick-'));
  for (const [index, { base, suffix = '.raw', entries }] of rows.entries()) {
    const directory = join(top, `srv/${index}/${base}${suffix}.v`);
    mkdirSync(directory, { recursive: true });
    for (const entry of entries) {
      if (entry.endsWith('/')) mkdirSync(join(directory, entry));
      else writeFileSync(join(directory, entry), '');
    }
  }
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

describe('extupdate', () => {
  it.each(rows)('$title: $picked', ({ base, suffix = '.raw', architecture = 'x86-64', picked, entries }) => {
    const index = rows.findIndex(
      (row) => row.entries === entries && row.architecture === (architecture === 'x86-64' ? undefined : architecture),
    );
    expect(pickedFrom(join(top, `srv/${index}/${base}${suffix}.v`), base, suffix, architecture)).toBe(picked);
  });

  it.each([
    ['foo_5.raw', { version: '5' }],
    ['foo_5_ia64.raw', { version: '5', architecture: 'ia64' }],
    ['foo_1_cris.raw', { version: '1', architecture: 'cris' }],
    ['foo_2_s390+4-6.raw', { version: '2', architecture: 's390', triesLeft: 4, triesDone: 6 }],
    ['foo_2+4.raw', { version: '2', triesLeft: 4 }],
    ['foo_1.5_bogus.raw', { version: '1.5' }],
  ])('reads %s', (name, expected) => {
    expect(parseVpickName(name, 'foo', '.raw')).toEqual({ name, ...expected });
  });

  it('takes what stands where a file should be for what is picked: systemd 257, and both at a link to nowhere, pick nothing then', () => {
    const directory = join(top, 'wrong.raw.v');
    mkdirSync(join(directory, 'wrong_2.raw'), { recursive: true });
    writeFileSync(join(directory, 'wrong_1.raw'), '');
    expect(pickedFrom(directory, 'wrong', '.raw', 'x86-64')).toBe('wrong_2.raw');
    symlinkSync('/nowhere', join(directory, 'wrong_3.raw'));
    expect(pickedFrom(directory, 'wrong', '.raw', 'x86-64')).toBe('wrong_3.raw');
  });
});

describeHosts('systemd-vpick', (suite) => {
  const native = rows.flatMap((row, index) => (row.architecture === undefined ? [{ ...row, index }] : []));
  let picked: string[];

  beforeAll(async () => {
    const script = native.map(({ base, suffix = '.raw', index }) => {
      const type = suffix === '' ? 'dir' : 'reg';
      return `systemd-vpick /mnt/srv/${index}/${base}${suffix}.v --suffix=${suffix} --type=${type} 2>/dev/null || echo none`;
    });
    const { stdout } = await runInTree(await prepareTree(suite), top, script.join('\n'));
    picked = stdout.trimEnd().split('\n');
  });

  // What a machine takes for its own architecture cannot be told to it, so only what is asked of this one is compared.
  it.skipIf(process.arch !== 'x64').each(native)('$title: $picked', (row) => {
    const line = picked[native.findIndex(({ index }) => index === row.index)];
    expect(line === 'none' ? undefined : line?.replace(/\/$/, '').split('/').at(-1)).toBe(
      suite === 'trixie' ? (row.by257 ?? row.picked) : row.picked,
    );
  });
});
