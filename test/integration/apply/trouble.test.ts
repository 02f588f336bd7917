/** Situations in which a manager of images could harm itself: each heals by the next run. */
import { chmodSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { sha256 } from '../../support/repository.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.close());

const image = (name: string, version: string, os?: string) =>
  extensionImage({
    name,
    release: os === undefined ? { ID: '_any' } : { ID: 'testos', VERSION_ID: os },
    files: { 'usr/share/v': version },
  });
const define = (name: string, target: Record<string, string>, pattern = `${name}-@v.raw`, path = 'all') =>
  world.write(
    `etc/extupdate/transfer.d/${name}.transfer`,
    definition({
      Source: { Type: 'url-file', Path: `${world.server.url}/${path}`, MatchPattern: pattern },
      Target: { InstancesMax: '2', ...target },
    }),
  );
const single = () => define('app', { Path: '/var/lib/extensions/app.raw.v' }, 'app_@v.raw', 'app');
const versions = async (name: string) =>
  (await world.run(['list', name, '--json=short'])).json().components[0]?.versions ?? [];

describe('patterns that match each other’s files', () => {
  const names = ['docker', 'docker-compose'];
  const offer = (version: string) =>
    world.publish('all', Object.fromEntries(names.map((name) => [`${name}-${version}.raw`, image(name, version)])));

  it('a file belongs to the more specific one, over many updates', async () => {
    for (const name of names) define(name, { Path: '/opt/extensions', CurrentSymlink: `/etc/extensions/${name}.raw` });
    for (const version of ['1', '2', '3', '4']) {
      await offer(version);
      expect((await world.run(['apply'])).status).toBe(0);
      for (const name of names) {
        expect(world.link(`etc/extensions/${name}.raw`)).toBe(`../../opt/extensions/${name}-${version}.raw`);
        expect(world.names('opt/extensions')).toContain(`${name}-${version}.raw`);
      }
      expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
    }
    expect(world.names('opt/extensions')).toEqual([
      'docker-3.raw',
      'docker-4.raw',
      'docker-compose-3.raw',
      'docker-compose-4.raw',
    ]);
  });

  it('in a search directory too: nobody parks the other’s file', async () => {
    // A name cut at "_" lets the image load under the name of its file.
    for (const name of names) define(name, { Path: '/var/lib/extensions' }, `${name}_@v.raw`);
    for (const version of ['1', '2']) {
      await world.publish(
        'all',
        Object.fromEntries(names.map((name) => [`${name}_${version}.raw`, image(name, version)])),
      );
      expect((await world.run(['apply'])).status).toBe(0);
      expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
      expect(world.names('var/lib/extensions')).toEqual([
        '.parked',
        `docker-compose_${version}.raw`,
        `docker_${version}.raw`,
      ]);
    }
  });
});

describe('what a server shows once', () => {
  it('does not rule a version out for longer than a day', async () => {
    single();
    await world.publish('app', { 'app_1.raw': image('app', '1'), 'app_2.raw': image('app', '2') });
    world.server.intercept = (request, response, path) => {
      if (!path.endsWith('app_2.raw') || request.headers.range === undefined) return false;
      const other = image('app', '2', '99');
      response.writeHead(206, { 'content-range': `bytes 0-${other.length - 1}/${other.length}` }).end(other);
      return true;
    };
    expect((await world.run(['check', '--json=short'])).json().components[0]?.candidate).toBe('1');
    world.server.intercept = undefined;
    expect((await world.run(['check', '--json=short'])).json().components[0]?.candidate).toBe('1');
    const file = 'var/lib/extupdate/staging/facts.json';
    const aged = (world.read(file) ?? '').replace(/"lookedAt":(\d+)/g, (_, at) => `"lookedAt":${at - 25 * 3_600_000}`);
    world.write(file, aged);
    expect((await world.run(['check', '--json=short'])).json().components[0]?.candidate).toBe('2');
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 2\n');
  });
});

describe('staging', () => {
  it.each([
    ['truncated', (path: string) => truncateSync(path, 100)],
    ['emptied', (path: string) => truncateSync(path, 0)],
    ['removed', (path: string) => rmSync(path)],
  ])('a payload that was %s there is fetched again', async (_, damage) => {
    single();
    const content = image('app', '1');
    await world.publish('app', { 'app_1.raw': content });
    expect((await world.run(['acquire'])).status).toBe(0);
    damage(join(world.root, 'var/lib/extupdate/staging', sha256(content)));
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 1\n' });
  });

  it('a damaged payload is told by install, which may not fetch it again', async () => {
    single();
    const content = image('app', '1');
    await world.publish('app', { 'app_1.raw': content });
    await world.run(['acquire']);
    truncateSync(join(world.root, 'var/lib/extupdate/staging', sha256(content)), 100);
    const requests = world.server.requests.length;
    const result = await world.run(['install']);
    expect(result.status).toBe(11);
    expect(result.stderr).toContain('app_1.raw: what was acquired of it is damaged');
    expect(world.server.requests).toHaveLength(requests);
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 1\n');
  });

  it('the same payload serves several components, and several transfers of one', async () => {
    const content = extensionImage({ name: 'same', release: { ID: '_any' } });
    for (const name of ['a', 'b', 'c']) {
      define(name, { Path: `/srv/${name}` }, `${name}_@v.raw`);
      world.write(
        `etc/sysupdate.set.d/${name}.transfer`,
        definition({
          Source: { Type: 'url-file', Path: `${world.server.url}/all`, MatchPattern: `${name}_@v.raw` },
          Target: { Path: `/srv/set-${name}` },
        }),
      );
    }
    await world.publish('all', { 'a_1.raw': content, 'b_1.raw': content, 'c_1.raw': content });
    const result = await world.run(['apply']);
    expect(result.status).toBe(0);
    for (const name of ['a', 'b', 'c', 'set-a', 'set-b', 'set-c']) expect(world.names(`srv/${name}`)).toHaveLength(1);
    const payloads = world.server.requests.filter(
      ({ path, headers }) => path.endsWith('.raw') && headers.range === undefined,
    );
    expect(payloads).toHaveLength(1);
  });

  it('temporary files of killed runs go', async () => {
    single();
    await world.publish('app', { 'app_1.raw': image('app', '1') });
    const temporary = (name: string) => `.extupdate.${name}.${'a'.repeat(32)}`;
    world.write(`var/lib/extupdate/${temporary('state.json')}`, 'x');
    world.write(`var/lib/extupdate/staging/${temporary('facts.json')}`, 'x');
    world.write(`var/lib/extupdate/unpacked/${temporary('image')}`, 'x');
    world.write(`var/lib/extupdate/unpacked/${'b'.repeat(64)}`, 'x');
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.names('var/lib/extupdate')).toEqual([
      'history.jsonl',
      'os',
      'sources',
      'staging',
      'state.json',
      'unpacked',
    ]);
    expect(world.names('var/lib/extupdate/unpacked')).toEqual([]);
    expect(world.names('var/lib/extupdate/staging')).toEqual(['.lock', 'facts.json', 'manifests']);
  });
});

describe('compressed payloads', () => {
  const patterns = 'app_@v.raw.gz app_@v.raw';
  const gz = (content: Buffer) => gzipSync(content);

  it.each([
    ['damaged', () => gz(image('app', '2')).subarray(0, 200)],
    ['compressed twice', () => gz(gz(image('app', '2')))],
    ['for another OS', () => gz(image('app', '2', '99'))],
    ['no image', () => gz(Buffer.from('<!doctype html>'))],
  ])('one that is %s gives way to the next version down', async (_, content) => {
    define('app', { Path: '/var/lib/extensions/app.raw.v', MatchPattern: 'app_@v.raw' }, patterns, 'app');
    await world.publish('app', { 'app_2.raw.gz': content(), 'app_1.raw.gz': gz(image('app', '1')) });
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 1\n' });
    expect((await versions('app'))[0]).toMatchObject({ version: '2', installed: false, compatible: false });
    expect(world.names('var/lib/extupdate/unpacked')).toEqual([]);
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
  });

  it('a bomb is stopped at MaxImageSize=', async () => {
    define('app', { Path: '/var/lib/extensions/app.raw.v', MatchPattern: 'app_@v.raw' }, patterns, 'app');
    world.write('etc/extupdate.conf', '[Extupdate]\nMaxImageSize=1M\n');
    await world.publish('app', { 'app_2.raw.gz': gz(Buffer.alloc(50 * 1024 * 1024)) });
    expect((await world.run(['apply'])).status).toBe(12);
    expect(world.names('var/lib/extupdate/unpacked')).toEqual([]);
  });
});

describe('what is installed', () => {
  it('is repaired when it is damaged and offered', async () => {
    single();
    await world.publish('app', { 'app_1.raw': image('app', '1') });
    await world.run(['apply']);
    world.write('var/lib/extensions/app.raw.v/app_1.raw', 'x');
    expect((await world.run(['check', '--json=short'])).json().components[0]?.candidate).toBe('1');
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.read('var/lib/extensions/app.raw.v/app_1.raw')).toBe(image('app', '1').toString('latin1'));
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
  });

  it('stays when it was published again with other content, and that is told', async () => {
    single();
    await world.publish('app', { 'app_1.raw': image('app', '1') });
    await world.run(['apply']);
    await world.publish('app', { 'app_1.raw': image('app', 'changed') });
    const result = await world.run(['apply']);
    expect(result).toMatchObject({ status: 11, stdout: '' });
    expect(result.stderr).toContain('version 1 was republished');
    expect(world.read('var/lib/extensions/app.raw.v/app_1.raw')).toBe(image('app', '1').toString('latin1'));
  });

  it('that fits no more, with nothing else that does, is told', async () => {
    single();
    await world.publish('app', { 'app_1.raw': image('app', '1', '1') });
    await world.run(['apply']);
    world.setOs({ ID: 'testos', VERSION_ID: '2' });
    const result = await world.run(['apply']);
    expect(result.status).toBe(0);
    expect(result.stderr).toContain('app: 1 is active and should not be (VERSION_ID=1, this OS is 2)');
    expect(world.names('var/lib/extensions/app.raw.v')).toContain('app_1.raw');
  });
});

describe('the caches', () => {
  it('are no reason to fail', async () => {
    single();
    await world.publish('app', { 'app_1.raw': image('app', '1') });
    world.write('var/lib/extupdate/staging/facts.json/x', 'a directory');
    world.write('var/lib/extupdate/staging/manifests', 'a file');
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 1\n' });
  });
});

describe('text of others', () => {
  it('cannot reach the terminal as it is', async () => {
    single();
    const content = extensionImage({ name: 'app', release: { ID: '\u001b]0;pwn\u0007\u001b[2Jevil' } });
    await world.publish('app', { 'app_1.raw': content });
    for (const args of [['list'], ['check'], ['why', 'app'], ['apply']]) {
      const { stdout, stderr } = await world.run(args);
      expect(stdout + stderr).toContain('\\x1b]0;pwn\\x07');
      expect(stdout + stderr).not.toMatch(/[\u0007\u001b]/);
    }
  });
});

describe('many components', () => {
  it('raise no warnings, and the newest 250 of 10,000 versions are listed', async () => {
    for (let index = 0; index < 30; index++) define(`x${index}`, { Path: `/srv/x${index}` }, `x${index}_@v.raw`);
    await world.publish(
      'all',
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x${index}_1.raw`, 'payload'])),
    );
    expect((await world.run(['apply'])).status).toBe(0);
    const lines = Array.from({ length: 10_000 }, (_, index) => `${sha256(String(index))} *x0_1.${index}.raw`);
    await world.publish('all', {}, { extraLines: lines });
    const result = await world.run(['list', 'x0']);
    expect(result.stderr).toBe('');
    expect(result.stdout).toContain('1.9999 ');
    expect(result.stdout).not.toContain('1.9749 ');
    expect(result.stdout.match(/1\.\d{4} /g)?.length).toBe(250);
  });
});

describe('files that this user may not read', () => {
  it('are told by name, once', async (context) => {
    if (process.getuid?.() !== 0) {
      console.warn('skipped: needs root to become somebody else');
      context.skip();
    }
    single();
    const file = join(world.root, 'etc/extupdate/transfer.d/app.transfer');
    chmodSync(file, 0o600);
    chmodSync(join(world.root, '..'), 0o755);
    expect(statSync(file).uid).toBe(0);
    const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const result = await world.run(['list'], { wrapper });
    expect(result.stderr.match(/app\.transfer/g)?.length).toBeLessThanOrEqual(2);
    expect(result.stderr).toContain('cannot be read');
    expect(result.status).toBe(3);
  });
});
