import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountImage, unmountAll, withoutBtrfs } from '../../support/mounts.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

const reason = withoutBtrfs();
if (reason !== undefined) console.warn(`subvolumes are not tested: ${reason}`);

describe.skipIf(reason !== undefined)('subvolumes', () => {
  let world: World;

  beforeAll(async () => {
    world = await makeWorld();
    mountImage(join(world.root, 'opt'), ['mkfs.btrfs', '--quiet'], 256);
  }, 60_000);
  afterAll(async () => {
    unmountAll();
    await world.close();
  });

  const isSubvolume = (path: string) => statSync(join(world.root, path)).ino === 256;

  it('a directory source fills a subvolume target', async () => {
    world.write(
      'etc/sysupdate.sub.d/sub.transfer',
      definition({
        Source: { Type: 'directory', Path: '/srv/sub', MatchPattern: 'tree_@v' },
        Target: { Type: 'subvolume', Path: '/opt/sub', MatchPattern: 'tree_@v', ReadOnly: 'yes', InstancesMax: '2' },
      }),
    );
    for (const version of ['1', '2', '3']) {
      world.write(`srv/sub/tree_${version}/file`, version);
      const result = await world.run(['apply', 'sub']);
      expect(result.status, result.stderr).toBe(0);
    }
    expect(world.names('opt/sub')).toEqual(['tree_2', 'tree_3']);
    expect(isSubvolume('opt/sub/tree_3')).toBe(true);
    expect(world.read('opt/sub/tree_3/file')).toBe('3');
  });

  it('ReadOnly=yes makes it read-only as a whole', () => {
    expect(() => writeFileSync(join(world.root, 'opt/sub/tree_3/new'), '')).toThrow('EROFS');
  });

  it('a subvolume source fills a directory target', async () => {
    mkdirSync(join(world.root, 'opt/from'));
    execFileSync('btrfs', ['--quiet', 'subvolume', 'create', join(world.root, 'opt/from/tree_1')]);
    world.write('opt/from/tree_1/file', 'one');
    world.write(
      'etc/sysupdate.plain.d/plain.transfer',
      definition({
        Source: { Type: 'subvolume', Path: '/opt/from', MatchPattern: 'tree_@v' },
        Target: { Type: 'directory', Path: '/opt/plain', MatchPattern: 'tree_@v' },
      }),
    );
    const result = await world.run(['apply', 'plain']);
    expect(result.status, result.stderr).toBe(0);
    expect(world.read('opt/plain/tree_1/file')).toBe('one');
    expect(isSubvolume('opt/plain/tree_1')).toBe(false);
  });

  it('where the file system has no subvolumes, a directory is made', async () => {
    world.write(
      'etc/sysupdate.other.d/other.transfer',
      definition({
        Source: { Type: 'directory', Path: '/srv/sub', MatchPattern: 'tree_@v' },
        Target: { Type: 'subvolume', Path: '/srv/other', MatchPattern: 'tree_@v' },
      }),
    );
    const result = await world.run(['apply', 'other']);
    expect(result.status, result.stderr).toBe(0);
    expect(world.read('srv/other/tree_3/file')).toBe('3');
  });
});
