import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

/** An image of `app` for an OS version, that tells its own version. */
const app = (version: string, os: string) =>
  extensionImage({
    name: 'app',
    release: { ID: 'testos', VERSION_ID: os },
    files: { 'usr/share/app/version': `${version}\n` },
  });

describe('one extension in a versioned directory, from nothing to a new OS', () => {
  let world: World;
  const directory = 'var/lib/extensions/app.raw.v';
  const current = async () => (await world.run(['status', '--json=short'])).json().components[0]?.current;

  beforeAll(async () => {
    world = await makeWorld();
    world.write(
      'etc/extupdate/transfer.d/app.transfer',
      definition({
        Source: { Type: 'url-file', Path: `${world.server.url}/app`, MatchPattern: 'app_@v.raw' },
        Target: { Path: '/var/lib/extensions/app.raw.v', InstancesMax: '2' },
      }),
    );
    await world.publish('app', { 'app_1.raw': app('1', '1') });
  });
  afterAll(() => world.close());

  it('check finds the first version', async () => {
    const result = await world.run(['check', '--json=short']);
    expect(result.stderr).toBe('');
    expect(result.json().components).toMatchObject([{ name: 'app', current: null, candidate: '1' }]);
    expect(result.status).toBe(0);
  });

  it('check --exit-code tells it by status 100', async () => {
    expect((await world.run(['check', '--exit-code'])).status).toBe(100);
  });

  it('apply --dry-run changes nothing', async () => {
    const result = await world.run(['apply', '--dry-run']);
    expect(result.stdout).toContain('acquire app_1.raw');
    expect(world.names('var/lib')).toEqual(['extupdate']);
    expect(world.names(directory)).toEqual([]);
  });

  it('apply installs it under the name that systemd reads', async () => {
    const result = await world.run(['apply']);
    expect(result.stderr).toBe('downloading app_1.raw\n');
    expect(result.stdout).toBe('app: exposed 1\n');
    expect(result.status).toBe(0);
    expect(world.names(directory)).toEqual(['.parked', 'app_1.raw']);
    expect(world.read(`${directory}/app_1.raw`)).toBe(app('1', '1').toString('latin1'));
    expect(await current()).toBe('1');
  });

  it('a second apply has nothing to do and asks with conditional requests only', async () => {
    world.server.requests.length = 0;
    const result = await world.run(['apply']);
    expect(result.stdout).toBe('Nothing to do.\n');
    expect(world.server.requests.map(({ path, status }) => `${path} ${status}`).sort()).toEqual([
      '/app/SHA256SUMS 304',
      '/app/SHA256SUMS.gpg 304',
    ]);
  });

  it('a newer version replaces it; the old one stays for going back', async () => {
    await world.publish('app', { 'app_1.raw': app('1', '1'), 'app_2.raw': app('2', '1') });
    const result = await world.run(['apply', '--json=short']);
    expect(result.json().done).toEqual([
      { component: 'app', action: 'install', version: '2', from: '1' },
      { component: 'app', action: 'expose', version: '2', from: '1' },
    ]);
    expect(world.names(directory)).toEqual(['.parked', 'app_1.raw', 'app_2.raw']);
    expect(await current()).toBe('2');
  });

  it('a version for another OS is left out, with the reason', async () => {
    await world.publish('app', { 'app_2.raw': app('2', '1'), 'app_3.raw': app('3', '2') });
    const result = await world.run(['check', '--json=short']);
    const [component] = result.json().components;
    expect(component).toMatchObject({ current: '2', candidate: null });
    expect(component?.versions[0]).toMatchObject({
      version: '3',
      compatible: false,
      reason: { code: 'incompatible', text: 'VERSION_ID=2, this OS is 1' },
    });
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
  });

  it('under the new OS the version that fits it is chosen', async () => {
    world.setOs({ ID: 'testos', VERSION_ID: '2' });
    const result = await world.run(['apply', '--json=short']);
    expect(result.status).toBe(0);
    expect(await current()).toBe('3');
    expect(world.names(directory)).toEqual(['.parked', 'app_2.raw', 'app_3.raw']);
  });

  it('back on the old OS the old version is chosen, and the new one parked', async () => {
    world.setOs({ ID: 'testos', VERSION_ID: '1' });
    const result = await world.run(['apply', '--json=short', '--offline']);
    expect(result.status).toBe(0);
    expect(await current()).toBe('2');
    expect(world.names(directory)).toEqual(['.parked', 'app_2.raw']);
    expect(world.names(`${directory}/.parked`)).toEqual(['app_3.raw']);
  });

  it('why tells the reason for each version', async () => {
    const result = await world.run(['why', 'app']);
    expect(result.stdout).toMatch(/^app: 2 is current\n/);
    expect(result.stdout).toContain('VERSION_ID=2, this OS is 1');
  });
});
