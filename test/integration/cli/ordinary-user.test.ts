/** What a user without rights sees of a host that belongs to root, and what is said about the rest. */
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { makeWorld, type World } from '../../support/world.ts';

const isRoot = process.getuid?.() === 0;
const nobody = { wrapper: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] };

let world: World;
const url = () => `${world.server.url}/app`;
const closed = new Map<string, number>();
/** Leaves a file or directory to root alone, until the test ends. */
function close(path: string): void {
  const place = join(world.root, path);
  closed.set(place, statSync(place).mode & 0o777);
  chmodSync(place, 0o700);
}

describe.skipIf(!isRoot)('a user without rights', () => {
  beforeAll(async () => {
    world = await makeWorld();
    chmodSync(join(world.root, '..'), 0o755);
    const image = (text: string) => extensionImage({ name: 'app', files: { 'usr/share/x': text } });
    await world.publish('app', { 'app_1.raw': image('1'), 'app_2.raw': image('2') });
    await world.run(['add', 'app', url(), '--yes']);
    await world.run(['apply', 'app@1']);
  });
  afterAll(() => world?.close());
  afterEach(() => {
    for (const [place, mode] of closed) chmodSync(place, mode);
    closed.clear();
  });

  it.each([
    [['list'], 'app        1        yes        yes'],
    [['check'], '2: held; "extupdate unhold app" releases it'],
    [['status'], 'app        1        yes        yes'],
    [['status', '--os'], 'recorded'],
    [['why', 'app'], 'app: 1 is current'],
    [['history'], 'expose 1'],
    [['search'], 'app        2       app'],
    [['features'], 'No features.'],
    [['components'], 'app        yes'],
    [['list', '--offline'], 'app        2'],
  ])('%s', async (args, text) => {
    expect(await world.run(args, nobody)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(text),
      stderr: '',
    });
  });

  it('is told what is not shown, where that may make a difference', async () => {
    close('var/lib/extupdate');
    for (const args of [['check'], ['status'], ['why', 'app'], ['history']]) {
      const { status, stderr } = await world.run(args, nobody);
      expect([status, stderr]).toEqual([
        0,
        'not shown to this user: holds, marks, and where files came from; what other OSes need; what was done; what was seen of sources; what was downloaded, and lists that were saved; run as root to see it\n',
      ]);
    }
    const json = await world.run(['status', '--json=short'], nobody);
    expect(JSON.parse(json.stdout)).toMatchObject({
      unseen: expect.arrayContaining(['/var/lib/extupdate/state.json']),
    });
    expect((await world.run(['status', '--json=short'])).stdout).not.toContain('unseen');
  });

  it('staging of a dynamic user is hidden, and nothing else', async () => {
    close('var/lib/extupdate/staging');
    const { stdout, stderr } = await world.run(['list', '--offline'], nobody);
    expect(stdout).toContain('app        1        yes        yes');
    expect(stderr).toContain(
      'not shown to this user: what was downloaded, and lists that were saved; run as root to see it',
    );
  });

  it('cannot change anything, and is told before being asked', async () => {
    for (const args of [['add', 'other', url(), '--yes'], ['remove', 'app', '--yes'], ['apply']]) {
      const { status, stderr } = await world.run(args, nobody);
      expect([status, stderr]).toEqual([14, expect.stringMatching(/permission denied \(EACCES\)\n {2}run as root\n$/)]);
    }
    expect((await world.run(['add', 'other', url(), '--dry-run'], nobody)).stderr).toContain('has no extension other');
    expect((await world.run(['remove', 'app', '--dry-run'], nobody)).status).toBe(0);
  });

  it.each([
    ['etc/systemd/import-pubring.pgp', ['check'], 3, 'chmod a+r /etc/systemd/import-pubring.pgp'],
    [
      'etc/extupdate/transfer.d/app.transfer',
      ['check'],
      3,
      'app.transfer:1: cannot be read: EACCES: permission denied; ',
    ],
    ['etc/extupdate', ['check'], 14, 'run as root'],
    ['var/lib/extensions/app.raw.v', ['status'], 14, 'run as root'],
  ])('what is needed and closed is named: %s', async (path, args, exit, told) => {
    close(path);
    const { status, stderr } = await world.run(args, nobody);
    expect([status, stderr]).toEqual([exit, expect.stringContaining(told)]);
  });

  it('an image that is closed fits, or does not: nobody knows', async () => {
    close('var/lib/extensions/app.raw.v/app_1.raw');
    const { status, stdout } = await world.run(['status'], nobody);
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining('the newest that is not ruled out; it could not be looked into'),
    ]);
  });
});
