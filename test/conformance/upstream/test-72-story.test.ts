/**
 * The cases of systemd's TEST-72-SYSUPDATE.sh that are about files and directories, as one story; the other files here
 * go on with it. Its boot partition is a directory, since those of the boot partitions are left to systemd-sysupdate.
 *
 * Not replayed:
 * | case | why |
 * | --- | --- |
 * | all: sector sizes, partitions 1 and 2 | partitions are left to systemd-sysupdate |
 * | all: modes "varlink" and "updatectl" | there is no Varlink or D-Bus interface |
 * | 7, 8, 14, 17, 26 to 29: features and components | are in ../features.test.ts and test/integration/cli/features.test.ts |
 * | 10: SYSTEMD_SYSUPDATE_VERIFY_FRESHNESS=0 | there is no way around a stale list |
 * | 12: "already acquired and partially installed. Vacuum it" | a failure is mended by the next run, so there is nothing to say |
 * | 13: Varlink errors | there is no Varlink interface |
 * | 15: `pending`, `reboot` | extupdate reboots nothing and has no such commands |
 * | 20: installdb, `-A cleanup` | nothing is deleted by a recorded pattern; `gc` does what the definitions say now |
 * | 21: --cleanup= | `apply` always removes what nothing needs, at its end |
 * | 22: notify sockets | extupdate refreshes systemd itself, and calls nobody's socket |
 * | 23: SYSTEMD_OPENPGP_KEYRING | --keyring= is what replaces the rings |
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../support/repository.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

/** How versions are brought in: what upstream loops over; the two ways in two steps take turns. */
const split = [
  [['acquire'], ['install', '--offline']],
  [['acquire'], ['apply']],
] as const;
const modes = [
  ['monolithic', [[['apply']]]],
  ['acquire first', split],
] as const;

const uki = (version: number) => `uki ${version}`;

describe.each(modes)('TEST-72, %s', (mode, ways) => {
  let world: World;
  /** Files of each version at the server; some of them may be missing. */
  const published = new Map<string, string>();

  beforeAll(async () => {
    world = await makeWorld();
    const Transfer = { ProtectVersion: '%A' };
    const Source = { Type: 'url-file', Path: `${world.server.url}/source` };
    const transfers = {
      '03-directory': {
        Transfer,
        Source: { Type: 'directory', Path: '/srv/source', MatchPattern: 'dir-@v' },
        Target: { Path: '/opt/dirs', CurrentSymlink: '/opt/dirs/current', MatchPattern: 'dir-@v', InstancesMax: '2' },
      },
      '04-uki': {
        Transfer,
        Source: { ...Source, MatchPattern: 'uki-@v.efi' },
        Target: {
          Path: '/opt/EFI/Linux',
          MatchPattern: 'uki_@v+@l-@d.efi uki_@v+@l.efi uki_@v.efi',
          Mode: '0444',
          TriesLeft: '3',
          TriesDone: '0',
          InstancesMax: '2',
        },
      },
      '05-nested': {
        Transfer,
        Source: { ...Source, MatchPattern: 'uki-extra-@v.efi' },
        Target: { Path: '/opt/EFI/Linux', MatchPattern: 'uki_@v.efi.extra.d/extra.addon.efi', InstancesMax: '2' },
      },
      '06-part': {
        Transfer,
        Source: { ...Source, MatchPattern: 'part-@v.raw' },
        Target: { Path: '/opt/parts', MatchPattern: 'part-@v.raw', InstancesMax: '2' },
      },
      '07-part-alike': {
        Transfer,
        Source: { ...Source, MatchPattern: 'part-@v.raw.sig' },
        Target: { Path: '/opt/parts', MatchPattern: 'part-@v.raw.sig', InstancesMax: '2' },
      },
    };
    for (const [name, sections] of Object.entries(transfers))
      world.write(`etc/sysupdate.d/${name}.transfer`, definition(sections));
  });
  afterAll(() => world.close());

  async function newVersion(version: number, leaveOut?: string): Promise<void> {
    for (const [name, content] of Object.entries({
      [`uki-${version}.efi`]: uki(version),
      [`uki-extra-${version}.efi`]: `extra ${version}`,
      [`part-${version}.raw`]: `part ${version}`,
      [`part-${version}.raw.sig`]: `signature ${version}`,
    }))
      if (name !== leaveOut) published.set(name, content);
    world.write(`srv/source/dir-${version}/foo/hello`, `hello ${version}`);
    symlinkSync('hello', join(world.root, `srv/source/dir-${version}/foo/link`));
    await world.publish('source', Object.fromEntries(published));
  }

  let updates = 0;
  async function update(): Promise<void> {
    for (const command of ways[updates++ % ways.length] ?? []) {
      const result = await world.run(command);
      expect(result.status, result.stderr).toBe(0);
    }
  }

  async function expectNew(version: string | null): Promise<void> {
    // The answer does not depend on the way.
    if (mode !== 'monolithic') return;
    const result = await world.run(['check-new', '--json=short']);
    expect(JSON.parse(result.stdout)).toEqual({ available: version });
    expect(result.status).toBe(version === null ? 1 : 0);
  }

  function expectWhole(version: number): void {
    expect(world.read(`opt/dirs/dir-${version}/foo/link`)).toBe(`hello ${version}`);
    expect(world.read(`opt/EFI/Linux/uki_${version}+3-0.efi`)).toBe(uki(version));
    expect(world.read(`opt/EFI/Linux/uki_${version}.efi.extra.d/extra.addon.efi`)).toBe(`extra ${version}`);
    expect(world.read(`opt/parts/part-${version}.raw`)).toBe(`part ${version}`);
    expect(world.read(`opt/parts/part-${version}.raw.sig`)).toBe(`signature ${version}`);
  }
  const isThere = (version: number) =>
    ['opt/dirs', 'opt/EFI/Linux', 'opt/parts'].flatMap((path) =>
      world.names(path).filter((name) => new RegExp(`[-_]${version}\\b`).test(name)),
    );

  it('case 1: fresh install', async () => {
    await newVersion(1);
    await expectNew('1');
    await update();
    await expectNew(null);
    expectWhole(1);
    expect(world.link('opt/dirs/current')).toBe('dir-1');
  });

  it('case 2: version 2 is added, version 1 kept', async () => {
    await newVersion(2);
    await update();
    expectWhole(1);
    expectWhole(2);
    expect(world.link('opt/dirs/current')).toBe('dir-2');
  });

  it('case 3: version 3 takes the place of version 1 (InstancesMax=2), and directories that are empty then go', async () => {
    await newVersion(3);
    await update();
    expectWhole(2);
    expectWhole(3);
    expect(isThere(1)).toEqual([]);
  });

  it('case 4: a version that is incomplete on the server is not offered', async () => {
    await newVersion(4, 'part-4.raw.sig');
    await expectNew(null);
    await update();
    expect(isThere(4)).toEqual([]);
    expectWhole(3);
  });

  it('case 5: the next complete one is, and 4 is passed over', async () => {
    await newVersion(5);
    await update();
    expectWhole(3);
    expectWhole(5);
    expect(isThere(4)).toEqual([]);
  });

  it('case 6: a version that was damaged is incomplete, and repaired in place', async () => {
    rmSync(join(world.root, 'opt/dirs/dir-5'), { recursive: true });
    const listed = await world.run(['list', 'default', '5', '--json=short']);
    expect(JSON.parse(listed.stdout)).toMatchObject({ version: '5', installed: true, incomplete: true });
    await expectNew('5');
    await update();
    expectWhole(3);
    expectWhole(5);
    await expectNew(null);
  });
});

describe('TEST-72', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld();
  });
  afterAll(() => world.close());

  const file = (name: string, more: Record<string, string> = {}) =>
    definition({
      Transfer: { Verify: 'no' },
      Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: 'f-@v.raw' },
      Target: { Path: `/opt/${name}`, ...more },
    });

  it('case 11: definitions that are named .conf still work', async () => {
    world.write('etc/sysupdate.legacy.d/10-f.conf', file('legacy'));
    await world.publish('legacy', { 'f-8.raw': 'eight' });
    expect((await world.run(['apply', 'legacy'])).status).toBe(0);
    expect(world.read('opt/legacy/f-8.raw')).toBe('eight');
  });

  it('case 12: a wrong hash fails and installs nothing; the next run needs no vacuum, and mends it once it can', async () => {
    world.write('etc/sysupdate.wrong.d/f.transfer', file('wrong'));
    await world.publish('wrong', { 'f-8.raw': 'eight' });
    await world.run(['apply', 'wrong']);
    await world.publish('wrong', { 'f-8.raw': 'eight', 'f-9.raw': 'nine' });
    writeFileSync(join(world.published, 'wrong/f-9.raw'), 'something else');
    for (let run = 0; run < 2; run++) {
      const result = await world.run(['apply', 'wrong']);
      expect([result.status, result.stderr]).toEqual([11, expect.stringContaining('hash mismatch')]);
      expect(world.names('opt/wrong')).toEqual(['f-8.raw']);
    }
    // It was not installed, and goes on being offered.
    const nine = JSON.parse((await world.run(['list', 'wrong', '9', '--json=short'])).stdout);
    expect(nine).toMatchObject({ installed: false, available: true });
    writeFileSync(join(world.published, 'wrong/f-9.raw'), 'nine');
    expect((await world.run(['apply', 'wrong'])).status).toBe(0);
    expect(world.names('opt/wrong')).toEqual(['f-8.raw', 'f-9.raw']);
  });

  it('case 16: a payload of 2 bytes, shorter than what tells a compression', async () => {
    world.write('etc/sysupdate.short.d/f.transfer', file('short'));
    await world.publish('short', { 'f-1.raw': 'ab' });
    expect((await world.run(['apply', 'short'])).status).toBe(0);
    expect(world.read('opt/short/f-1.raw')).toBe('ab');
  });

  it('case 19: a hash of 31 bytes in the list is refused by its line, and nothing crashes', async () => {
    world.write('etc/sysupdate.odd.d/f.transfer', file('odd'));
    mkdirSync(join(world.published, 'odd'));
    writeFileSync(join(world.published, 'odd/SHA256SUMS'), `${sha256('x').slice(2)}  f-1.raw\n`);
    const result = await world.run(['apply', 'odd']);
    expect([result.status, result.stderr]).toEqual([11, expect.stringContaining('odd/SHA256SUMS:1: expected 64 hex')]);
  });
});
