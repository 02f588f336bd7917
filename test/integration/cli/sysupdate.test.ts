import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definition, makeWorld, type World } from '../../support/world.ts';

describe('the ways of systemd-sysupdate', () => {
  let world: World;

  beforeAll(async () => {
    world = await makeWorld();
    world.write(
      'etc/sysupdate.d/app.transfer',
      definition({
        Transfer: {
          Verify: 'no',
          ChangeLog: ['https://example.com/changes/@v', 'ftp://no'],
          AppStream: 'https://example.com/app.xml',
        },
        Source: { Type: 'url-file', Path: `file://${world.published}/app`, MatchPattern: 'app_@v_@t.raw' },
        Target: { Type: 'regular-file', Path: '/opt/app', MatchPattern: 'app_@v+@l-@d.raw', InstancesMax: '4' },
      }),
    );
    await world.publish('app', { 'app_1_1000000.raw': 'one', 'app_2_2000000.raw': 'two' });
  });
  afterAll(() => world.close());

  const json = async (...args: string[]) => {
    const result = await world.run([...args, '--json=short']);
    return { ...result, document: JSON.parse(result.stdout) as Record<string, unknown> };
  };

  it('check-new of the default component: the version alone, and status 0', async () => {
    const result = await world.run(['check-new']);
    expect(result.stdout).toBe('2\n');
    expect(result.status).toBe(0);
    expect((await json('check-new')).document).toEqual({ available: '2' });
  });

  it('list of one component has current, all and appstreamUrls beside what extupdate knows', async () => {
    expect((await world.run(['list', 'default'])).stderr).toContain('ftp://no');
    const { document } = await json('list', 'default');
    expect(document).toMatchObject({
      current: null,
      all: ['2', '1'],
      appstreamUrls: ['https://example.com/app.xml'],
      components: [{ name: 'default' }],
    });
  });

  it('list of one version tells what the source has of it', async () => {
    const { document } = await json('list', 'default', '2');
    expect(document).toMatchObject({
      version: '2',
      newest: true,
      available: true,
      installed: false,
      partial: false,
      pending: false,
      obsolete: false,
      protected: false,
      incomplete: false,
      changelogUrls: ['https://example.com/changes/2'],
      contents: [{ type: 'url-file', mtime: 2_000_000, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
  });

  it('url sources may be file:// URLs', async () => {
    expect((await world.run(['apply', 'default'])).status).toBe(0);
    expect(world.read('opt/app/app_2+3-0.raw')).toBe('two');
  });

  it('TriesLeft= and TriesDone= count anew: 3 left and none done where nothing is set', async () => {
    expect(world.names('opt/app')).toEqual(['app_2+3-0.raw']);
    const { document } = await json('list', 'default', '2');
    expect(document.contents).toMatchObject([
      { type: 'regular-file', path: '/opt/app/app_2+3-0.raw', mtime: 2_000_000, 'tries-left': 3, 'tries-done': 0 },
    ]);
  });

  it('a version whose tries were counted since is the same version', async () => {
    const { renameSync } = await import('node:fs');
    renameSync(join(world.root, 'opt/app/app_2+3-0.raw'), join(world.root, 'opt/app/app_2+2-1.raw'));
    const result = await world.run(['check-new']);
    expect(result.stdout).toBe('');
    expect(result.status).toBe(1);
    expect((await json('check-new')).document).toEqual({ available: null });
  });

  it('check-new fails with 1 and prints nothing when the source cannot be asked', async () => {
    const missing = join(world.root, 'etc/sysupdate.gone.d/gone.transfer');
    world.write('etc/sysupdate.gone.d/gone.transfer', '');
    writeFileSync(
      missing,
      definition({
        Source: { Type: 'url-file', Path: 'file:///does/not/exist', MatchPattern: 'x_@v' },
        Target: { Type: 'regular-file', Path: '/opt/gone' },
      }),
    );
    const result = await world.run(['check-new', '-C', 'gone', '--json=short']);
    expect(result.status).toBe(1);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('gone');
  });

  it('--instances-max= overrides InstancesMax= for a run', async () => {
    for (const version of [3, 4, 5]) {
      await world.publish('app', { [`app_${version}_1.raw`]: String(version) });
      expect((await world.run(['apply', 'default'])).status).toBe(0);
    }
    expect(world.names('opt/app').length).toBe(4);
    await world.publish('app', { 'app_6_1.raw': '6' });
    expect((await world.run(['apply', 'default', '--instances-max=2'])).status).toBe(0);
    expect(world.names('opt/app')).toEqual(['app_5+3-0.raw', 'app_6+3-0.raw']);
    expect((await world.run(['apply', 'default', '--instances-max=1'])).status).toBe(2);
  });

  it('PathRelativeTo=explicit takes the source from --transfer-source=', async () => {
    world.write(
      'etc/sysupdate.side.d/side.transfer',
      definition({
        Source: { Type: 'regular-file', Path: '/sub', PathRelativeTo: 'explicit', MatchPattern: 'side_@v' },
        Target: { Type: 'regular-file', Path: '/opt/side', MatchPattern: 'side_@v' },
      }),
    );
    world.write('media/stick/sub/side_1', 'one');
    const without = await world.run(['apply', 'side']);
    expect(without.stderr).toContain('PathRelativeTo=explicit needs --transfer-source=');
    expect(without.status).toBe(2);
    const result = await world.run(['apply', 'side', `--transfer-source=${join(world.root, 'media/stick')}`]);
    expect(result.status, result.stderr).toBe(0);
    expect(world.read('opt/side/side_1')).toBe('one');
  });

  it('--image= is refused with what to do in its place', async () => {
    const result = await world.run(['list', '--image=/os.raw']);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('systemd-dissect --mount /os.raw');
  });

  it('targets on partitions, and in the boot partition, are left to systemd-sysupdate by name', async () => {
    world.write(
      'etc/sysupdate.disk.d/a.transfer',
      definition({
        Source: { Type: 'url-file', Path: 'https://example.com', MatchPattern: 'x_@v' },
        Target: { Type: 'partition', Path: 'auto', MatchPattern: 'x_@v' },
      }),
    );
    const result = await world.run(['list', 'disk']);
    expect(result.stdout).toContain('disk: left to systemd-sysupdate, its target is a partition');
  });
});
