/** `search`: what the sources of a host offer, and what others do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FoundExtension } from '../../../src/search.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
  world.setOs({ ID: 'testos', VERSION_ID: '43' });
});
afterEach(() => world.close());

const unsigned = { signatureName: 'not-a-signature' };
/** Only names count here. */
const files = (...names: string[]) => Object.fromEntries(names.map((name) => [name, name]));

function define(name: string, path: string, pattern: string, verify = 'yes'): void {
  world.write(
    `etc/extupdate/transfer.d/${name}.transfer`,
    definition({
      Transfer: { Verify: verify },
      Source: { Type: 'url-file', Path: `${world.server.url}/${path}`, MatchPattern: pattern },
      Target: { Path: `/var/lib/extensions/${name}.raw.v`, MatchPattern: `${name}_@v.raw` },
    }),
  );
}

/** What was found, in short: name, newest, component, directory. */
async function search(...args: string[]) {
  const result = await world.run(['search', ...args, '--json=short']);
  const { found = [] } = JSON.parse(result.stdout) as { found?: FoundExtension[] };
  const short = found.map(({ name, newest, component, source }) => [
    name,
    newest,
    component,
    source.slice(world.server.url.length),
  ]);
  return { ...result, short, errors: result.json().errors };
}

describe('a list above that of one extension, as Flatcar has it', () => {
  beforeEach(async () => {
    const docker = ['docker-27.5.1-x86-64.raw', 'docker-28.0.4-x86-64.raw', 'docker-29.0.0-arm64.raw'];
    await world.publish(
      'ext',
      files(...docker, 'docker-compose-2.34.0-x86-64.raw', 'wasmtime-31.0.0-arm64.raw'),
      unsigned,
    );
    await world.publish('ext/docker', files(...docker, 'docker.conf'), unsigned);
    define('docker', 'ext/docker', 'docker-@v-%a.raw', 'no');
  });

  it('is searched, too', async () => {
    const { short, status, stderr } = await search();
    expect({ short, status, stderr }).toEqual({
      short: [
        ['docker', '28.0.4', 'docker', '/ext/docker/'],
        ['docker-compose', '2.34.0', null, '/ext/'],
        ['wasmtime', null, null, '/ext/'],
      ],
      status: 0,
      stderr: '',
    });
    expect((await search('COMP')).short).toEqual([['docker-compose', '2.34.0', null, '/ext/']]);
  });

  it('the table says how to add what is found, and that works', async () => {
    const { stdout } = await world.run(['search', 'compose']);
    const url = `${world.server.url}/ext/`;
    expect(stdout).toBe(
      `EXTENSION       NEWEST  COMPONENT  SOURCE\ndocker-compose  2.34.0  -          ${url}\n\n"extupdate add docker-compose ${url}" and the like define what is no component yet.\n`,
    );
    const none = await world.run(['search', 'dokcer']);
    expect(none).toMatchObject({ status: 0, stdout: 'Nothing found.\n' });
    expect(none.stderr).toBe('nothing has "dokcer" in its name; did you mean docker?\n');
  });

  it('what is signed is not searched above where nothing is', async () => {
    await world.publish('ext/docker', files('docker-28.0.4-x86-64.raw'));
    define('docker', 'ext/docker', 'docker-@v-%a.raw', 'yes');
    expect((await search()).short).toEqual([['docker', '28.0.4', 'docker', '/ext/docker/']]);
  });
});

it('each source is asked once, one that fails does not stop the others (15)', async () => {
  await world.publish(
    'flat',
    files('tool-1.x86-64.raw', 'tool-2.x86-64.raw', 'git-1.x86-64.raw', 'tree-2.1-1.fc43-43.x86-64.raw'),
  );
  define('tool', 'flat', 'tool-@v.%a.raw');
  define('git', 'flat', 'git-@v.%a.raw');
  define('lost', 'lost', 'lost_@v.raw');
  const before = world.server.requests.length;
  const { short, status, errors } = await search();
  expect(short).toEqual([
    ['git', '1', 'git', '/flat/'],
    ['tool', '2', 'tool', '/flat/'],
    ['tree', '2.1-1.fc43', null, '/flat/'],
  ]);
  expect([status, errors.map(({ component, exit }) => [component, exit])]).toEqual([15, [['lost', 10]]]);
  const asked = world.server.requests.slice(before).filter(({ path }) => path === '/flat/SHA256SUMS');
  expect(asked).toHaveLength(1);
});

it('offline, saved lists have to do', async () => {
  await world.publish('app', files('app_1.raw'));
  define('app', 'app', 'app_@v.raw');
  const unknown = await search('--offline');
  expect([unknown.status, unknown.short]).toEqual([0, []]);
  const told = await world.run(['search', '--offline']);
  expect(told.stderr).toContain('not known here yet, and this run fetches nothing');
  await search();
  await world.publish('app', files('app_1.raw', 'app_2.raw'));
  expect((await search('--offline')).short).toEqual([['app', '1', 'app', '/app/']]);
});

describe('--url=', () => {
  it('looks into a repository that is no source', async () => {
    await world.publish('other', files('app_1.raw', 'tool_2_x86-64.raw'));
    expect((await search(`--url=${world.server.url}/other/SHA256SUMS`)).short).toEqual([
      ['app', '1', null, '/other/'],
      ['tool', '2', null, '/other/'],
    ]);
    expect((await search('tool', `--url=${world.server.url}/other`)).short).toHaveLength(1);
  });

  it('nothing is read that nobody has signed, but with --verify=no (11); a list has to be there (10)', async () => {
    await world.publish('other', files('app_1.raw'), unsigned);
    const refused = await world.run(['search', `--url=${world.server.url}/other`]);
    expect([refused.status, refused.stderr]).toEqual([
      11,
      expect.stringContaining('--verify=no trusts the server alone'),
    ]);
    expect((await search(`--url=${world.server.url}/other`, '--verify=no')).short).toHaveLength(1);
    expect((await world.run(['search', `--url=${world.server.url}/none`])).status).toBe(10);
  });
});

it('a host without sources', async () => {
  const result = await world.run(['search']);
  expect(result).toMatchObject({ status: 0, stdout: 'Nothing found.\n' });
  expect(result.stderr).toBe('no component has a source that publishes lists; --url= looks into a repository\n');
  expect((await world.run(['search', 'a', 'b'])).status).toBe(2);
});
