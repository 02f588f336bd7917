/** Several components and several transfers at once. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.close());

const image = (name: string, version: string) =>
  extensionImage({ name, release: { ID: '_any' }, files: { 'usr/share/v': version } });
const transfer = (name: string, more: Record<string, string> = {}, path = 'all') =>
  definition({
    Source: { Type: 'url-file', Path: `${world.server.url}/${path}`, MatchPattern: `${name}_@v.raw` },
    Target: { Path: `/var/lib/extensions/${name}.raw.v`, ...more },
  });

describe('components that share a source', () => {
  it('have its list fetched once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `app${index}`);
    for (const name of names) world.write(`etc/extupdate/transfer.d/${name}.transfer`, transfer(name));
    await world.publish('all', Object.fromEntries(names.map((name) => [`${name}_1.raw`, image(name, '1')])));
    expect((await world.run(['apply'])).status).toBe(0);
    const lists = world.server.requests.filter(({ path, status }) => path.includes('SHA256SUMS') && status === 200);
    expect(lists.map(({ path }) => path).sort()).toEqual(['/all/SHA256SUMS', '/all/SHA256SUMS.gpg']);
    for (const name of names) expect(world.names(`var/lib/extensions/${name}.raw.v`)).toContain(`${name}_1.raw`);
  });

  it('fail alone: one without a fitting version does not stop the other', async () => {
    for (const name of ['good', 'bad']) world.write(`etc/extupdate/transfer.d/${name}.transfer`, transfer(name));
    await world.publish('all', { 'good_1.raw': image('good', '1'), 'bad_1.raw': Buffer.alloc(4096, 'x') });
    const result = await world.run(['apply', '--json=short']);
    expect(result.status).toBe(15);
    expect(result.json().errors).toMatchObject([{ component: 'bad', exit: 13 }]);
    expect(result.json().done).toMatchObject([
      { component: 'good', action: 'install' },
      { component: 'good', action: 'expose' },
    ]);
  });
});

describe('several transfers of one component', () => {
  beforeEach(() => {
    for (const name of ['one', 'two']) world.write(`etc/sysupdate.set.d/${name}.transfer`, transfer(name));
  });

  it('go to the newest version that all have, together', async () => {
    await world.publish('all', {
      'one_1.raw': image('one', '1'),
      'two_1.raw': image('two', '1'),
      'one_2.raw': image('one', '2'),
    });
    expect((await world.run(['apply'])).stdout).toBe('set: exposed 1\n');
    const [set] = (await world.run(['list', '--json=short'])).json().components;
    expect(set).toMatchObject({ name: 'set', current: '1', candidate: null });
    expect(set?.versions[0]).toMatchObject({ version: '2', available: false, incomplete: true });
  });

  it('are repaired when one was lost', async () => {
    await world.publish('all', { 'one_1.raw': image('one', '1'), 'two_1.raw': image('two', '1') });
    await world.run(['apply']);
    rmSync(join(world.root, 'var/lib/extensions/two.raw.v/two_1.raw'));
    expect((await world.run(['list', '--json=short'])).json().components[0]?.versions[0]).toMatchObject({
      incomplete: true,
    });
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.names('var/lib/extensions/two.raw.v')).toContain('two_1.raw');
  });

  it('are not filled up from what was published again, and there is a way out', async () => {
    await world.publish('all', { 'one_1.raw': image('one', '1'), 'two_1.raw': image('two', '1') });
    await world.run(['apply']);
    rmSync(join(world.root, 'var/lib/extensions/one.raw.v/one_1.raw'));
    await world.publish('all', { 'one_1.raw': image('one', 'other'), 'two_1.raw': image('two', 'other') });
    for (const command of ['check', 'apply']) {
      const result = await world.run([command, '--json=short']);
      expect(result.status, command).toBe(11);
      expect(result.json().errors).toMatchObject([
        { component: 'set', code: 'trust', next: expect.stringContaining('--accept-republished') },
      ]);
    }
    expect(world.names('var/lib/extensions/one.raw.v')).not.toContain('one_1.raw');
    expect(await world.run(['apply', '--accept-republished'])).toMatchObject({ status: 0, stdout: 'set: exposed 1\n' });
  });

  it('change nothing when one payload of the new version fails', async () => {
    await world.publish('all', { 'one_1.raw': image('one', '1'), 'two_1.raw': image('two', '1') });
    await world.run(['apply']);
    await world.publish('all', { 'one_2.raw': image('one', '2'), 'two_2.raw': image('two', '2') });
    world.server.intercept = (_, response, path) => {
      if (!path.endsWith('two_2.raw')) return false;
      response.writeHead(404).end();
      return true;
    };
    expect((await world.run(['apply'])).status).toBe(10);
    expect(world.names('var/lib/extensions/one.raw.v')).toEqual(['.parked', 'one_1.raw']);
    world.server.intercept = undefined;
    expect((await world.run(['apply'])).stdout).toBe('set: exposed 2 (was 1)\n');
  });
});

describe('a version that a .v directory cannot carry', () => {
  it('has a name that vpick reads, and stays known by its true version', async () => {
    world.write('etc/extupdate/transfer.d/k3s.transfer', transfer('k3s'));
    await world.publish('all', { 'k3s_v1.32.2+k3s1.raw': image('k3s', '1') });
    expect((await world.run(['apply'])).stdout).toBe('k3s: exposed v1.32.2+k3s1\n');
    expect(world.names('var/lib/extensions/k3s.raw.v')).toEqual(['.parked', 'k3s_v1.32.2.k3s1.raw']);
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
    await world.publish('all', {
      'k3s_v1.32.2+k3s1.raw': image('k3s', '1'),
      'k3s_v1.32.3+k3s1.raw': image('k3s', '2'),
    });
    expect((await world.run(['apply'])).stdout).toBe('k3s: exposed v1.32.3+k3s1 (was v1.32.2+k3s1)\n');
  });
});

describe('a lost state', () => {
  it('costs nothing but memory', async () => {
    world.write('etc/extupdate/transfer.d/app.transfer', transfer('app'));
    await world.publish('all', { 'app_1.raw': image('app', '1') });
    await world.run(['apply']);
    for (const content of ['{ torn', '{"format":2,"installed":[]}']) {
      world.write('var/lib/extupdate/state.json', content);
      expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
      expect(world.read('var/lib/extupdate/state.json.broken')).toBe(content);
    }
  });
});

describe('a state that a newer extupdate wrote', () => {
  it('is used as far as it is understood, and the rest is kept', async () => {
    world.write('etc/extupdate/transfer.d/app.transfer', transfer('app'));
    await world.publish('all', { 'app_1.raw': image('app', '1') });
    const newer = { format: 2, installed: {}, held: { app: ['1'] }, bad: {}, previous: {}, future: { x: 1 } };
    world.write('var/lib/extupdate/state.json', JSON.stringify(newer));
    expect((await world.run(['apply'])).status).toBe(13);
    expect((await world.run(['apply', 'app@1'])).status).toBe(0);
    expect(JSON.parse(world.read('var/lib/extupdate/state.json') ?? '')).toMatchObject({ format: 2, future: { x: 1 } });
  });
});

describe('what a killed run left', () => {
  it('is removed by the next one, and files of others are not', async () => {
    world.write('etc/extupdate/transfer.d/app.transfer', transfer('app'));
    await world.publish('all', { 'app_1.raw': image('app', '1') });
    const directory = 'var/lib/extensions/app.raw.v';
    world.write(`${directory}/.parked/.extupdate.app_1.raw.${'0'.repeat(32)}`, 'torn');
    world.write(`${directory}/.extupdate.notes`, 'mine');
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.names(`${directory}/.parked`)).toEqual([]);
    expect(world.names(directory)).toEqual(['.extupdate.notes', '.parked', 'app_1.raw']);
  });
});
