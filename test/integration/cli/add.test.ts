/** `add`: from the URL of a repository to a definition that works. */
import { readFileSync, writeFileSync } from 'node:fs';
import path, { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AddedDocument } from '../../../src/cli/add-command.ts';
import { extensionImage } from '../../support/images.ts';
import { makeKey } from '../../support/repository.ts';
import { runOnTerminal } from '../../support/terminal.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.close());

const unsigned = { signatureName: 'not-a-signature' };
const FILE = 'etc/extupdate/transfer.d/app.transfer';

function image(name: string, release: Record<string, string> = { ID: '_any' }, kind: 'sysext' | 'confext' = 'sysext') {
  return extensionImage({ name, release, kind, files: { [kind === 'sysext' ? 'usr/share/x' : 'etc/x']: name } });
}

async function added(...args: string[]): Promise<AddedDocument> {
  const result = await world.run(['add', ...args, '--yes', '--json=short']);
  expect(result.json().errors, result.stdout).toEqual([]);
  return (JSON.parse(result.stdout) as { added: AddedDocument }).added;
}

/** The settings of a definition, without comments. */
function settings(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('the layouts of publishers', () => {
  it('Flatcar: from the list of all extensions to the directory of one', async () => {
    world.setOs({ ID: 'flatcar', VERSION_ID: '4230.2.0', SYSEXT_LEVEL: '1.0' });
    const files = { 'docker-27.5.1-x86-64.raw': image('docker'), 'docker-28.0.4-x86-64.raw': image('docker') };
    await world.publish(
      'extensions',
      { ...files, 'docker-compose-2.34.0-x86-64.raw': image('docker-compose') },
      unsigned,
    );
    await world.publish('extensions/docker', { ...files, 'docker.conf': '' }, unsigned);
    const result = await world.run(['add', 'docker', `${world.server.url}/extensions`, '--verify=no', '--yes']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain('docker: a system extension, 2 versions at');
    expect(result.stdout).toContain('the newest that fits this host is 28.0.4');
    expect(result.stdout).toMatch(/Next: extupdate apply docker\n$/);
    expect(settings(world.read('etc/extupdate/transfer.d/docker.transfer'))).toEqual([
      '[Transfer]',
      'Verify=no',
      '[Source]',
      'Type=url-file',
      `Path=${world.server.url}/extensions/docker/`,
      'MatchPattern=docker-@v-%a.raw',
      '[Target]',
      'Type=regular-file',
      'Path=/opt/extensions/docker',
      'CurrentSymlink=/etc/extensions/docker.raw',
    ]);
    expect(await world.run(['apply', 'docker'])).toMatchObject({ status: 0, stdout: 'docker: exposed 28.0.4\n' });
    expect(world.link('etc/extensions/docker.raw')).toBe('../../opt/extensions/docker/docker-28.0.4-x86-64.raw');
  });

  it('Fedora: the version of the OS is a field of the name', async () => {
    world.setOs({ ID: 'fedora', VERSION_ID: '43' });
    const release = (os: string) => ({ ID: '_any', VERSION_ID: os });
    await world.publish('fedora/tree', {
      'tree-2.2.1-1.fc43-43-x86-64.raw': image('tree', release('43')),
      'tree-2.3.0-1.fc44-44-x86-64.raw': image('tree', release('44')),
    });
    const { definition: text, trust, signedBy } = await added('tree', `${world.server.url}/fedora/tree/tree.conf`);
    expect([trust, signedBy]).toEqual(['signature', [world.key.fingerprint]]);
    expect(settings(text).slice(1)).toEqual([
      'Type=url-file',
      `Path=${world.server.url}/fedora/tree/`,
      'MatchPattern=tree-@v-%w-%a.raw',
      '[Target]',
      'Type=regular-file',
      'Path=/var/lib/extensions.d',
      'CurrentSymlink=/var/lib/extensions/tree.raw',
      'InstancesMax=2',
    ]);
    expect((await world.run(['apply'])).stdout).toBe('tree: exposed 2.2.1-1.fc43\n');
  });

  it('openSUSE: the image loads under its full name alone; other extensions are left out', async () => {
    world.setOs({ ID: 'opensuse-microos', VERSION_ID: '20261101' });
    const release = { ID: 'opensuse-microos', VERSION_ID: '20261101' };
    const files = ['git-29.1.x86-64', 'git-30.3.x86-64', 'git-lfs-2.1.x86-64'].map(
      (name) => [`${name}.raw`, image(name, release)] as const,
    );
    await world.publish('mkosi', Object.fromEntries(files));
    const { definition: text } = await added('git', `${world.server.url}/mkosi/`);
    expect(settings(text).slice(2)).toEqual([
      `Path=${world.server.url}/mkosi/`,
      'MatchPattern=git-@v.%a.raw',
      '[Target]',
      'Type=regular-file',
      'Path=/var/lib/extensions',
      '[X-Extupdate]',
      'SkipVersions=lfs[_-]*',
    ]);
    expect((await world.run(['apply'])).stdout).toBe('git: exposed 30.3\n');
    expect(world.read('var/lib/extensions/git-30.3.x86-64.raw')).toBeDefined();
  });

  it('UAPI.10, compressed: the file here has the name without the compression', async () => {
    world.setOs({ ID: 'debian', VERSION_ID: '13' });
    const packed = gzipSync(image('app', { ID: 'debian', VERSION_ID: '13' }));
    await world.publish('ext/app', { 'app_5+29.6-1_13_x86-64.raw.gz': packed });
    const { definition: text } = await added('app', `${world.server.url}/ext/app/`);
    expect(settings(text)).toContain('MatchPattern=app_@v_%w_%a.raw.gz');
    expect(settings(text)).toContain('MatchPattern=app_@v_%w_%a.raw');
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 5+29.6-1\n');
    expect(world.link('var/lib/extensions/app.raw')).toBe('../extensions.d/app_5+29.6-1_13_x86-64.raw');
  });

  it.each([
    [
      'plain names',
      'app_1.raw',
      'app',
      'sysext',
      ['Path=/var/lib/extensions/app.raw.v'],
      'var/lib/extensions/app.raw.v/app_1.raw',
    ],
    [
      'names with a dash',
      'app-1.raw',
      'app',
      'sysext',
      ['Path=/var/lib/extensions/app.raw.v', 'MatchPattern=app_@v.raw'],
      'var/lib/extensions/app.raw.v/app_1.raw',
    ],
    [
      'a configuration extension',
      'app-1-x86-64.raw',
      'app',
      'confext',
      ['Path=/var/lib/confexts/app.raw.v', 'MatchPattern=app_@v.raw'],
      'var/lib/confexts/app.raw.v/app_1.raw',
    ],
    [
      'another name in the image',
      'app_1.raw',
      'other',
      'sysext',
      ['Path=/var/lib/extensions/other.raw.v', 'MatchPattern=other_@v.raw'],
      'var/lib/extensions/other.raw.v/other_1.raw',
    ],
    [
      'a full name, plain',
      'app-1.raw',
      'app-1',
      'sysext',
      ['Path=/var/lib/extensions'],
      'var/lib/extensions/app-1.raw',
    ],
  ] as const)('%s', async (_, file, inner, kind, target, installed) => {
    await world.publish('app', { [file]: image(inner, { ID: '_any' }, kind) });
    const { definition: text } = await added('app', `${world.server.url}/app`);
    expect(settings(text).slice(settings(text).indexOf('[Target]') + 2)).toEqual(target);
    expect((await world.run(['apply'])).status).toBe(0);
    expect(world.read(installed)).toBeDefined();
  });

  it('a number behind the version is that of the OS when the image says so', async () => {
    world.setOs({ ID: 'testos', VERSION_ID: '43' });
    await world.publish('app', { 'app-1.2-43-x86-64.raw': image('app', { ID: 'testos', VERSION_ID: '43' }) });
    await world.publish('tool', { 'tool-1.2-43-x86-64.raw': image('tool') });
    expect((await added('app', `${world.server.url}/app`)).definition).toContain('MatchPattern=app-@v-%w-%a.raw\n');
    expect((await added('tool', `${world.server.url}/tool`)).definition).toContain('MatchPattern=tool-@v-%a.raw\n');
  });

  it('what cannot be looked into is taken for what its layout suggests', async () => {
    await world.publish('app', { 'app-29.1.x86-64.raw.gz': gzipSync(image('app-29.1.x86-64')) });
    const result = await world.run(['add', 'app', `${world.server.url}/app`, '--yes', '--now']);
    expect(result.stdout).toContain('could not be looked into');
    expect(result).toMatchObject({ status: 0 });
    expect(world.read('var/lib/extensions/app-29.1.x86-64.raw')).toBeDefined();
  });
});

describe('what the publisher signs', () => {
  beforeEach(() => world.publish('app', { 'app_1.raw': image('app') }, unsigned));
  const url = () => `${world.server.url}/app`;

  it('nothing is written without a signature, but with --verify=no', async () => {
    const refused = await world.run(['add', 'app', url(), '--yes']);
    expect(refused.status).toBe(11);
    expect(refused.stderr).toMatch(/has no signature.*\n {2}.*--verify=no trusts the server alone\n$/);
    expect(world.read(FILE)).toBeUndefined();
    const taken = await world.run(['add', 'app', url(), '--yes', '--verify=no']);
    expect(taken).toMatchObject({ status: 0 });
    expect(settings(world.read(FILE)).slice(0, 2)).toEqual(['[Transfer]', 'Verify=no']);
  });

  it('a signature by a stranger is none, and says whose it is', async () => {
    const stranger = await makeKey();
    await world.publish('app', { 'app_1.raw': image('app') }, { key: stranger });
    const refused = await world.run(['add', 'app', url(), '--yes']);
    expect(refused.status).toBe(11);
    expect(refused.stderr).toContain(stranger.fingerprint.slice(-16));
    expect(refused.stderr).toContain('put the publisher’s key into /etc/systemd/import-pubring.pgp');
    const ring = join(world.root, '../ring');
    writeFileSync(ring, stranger.binaryPublicKey);
    const taken = await world.run(['add', 'app', url(), '--yes', `--keyring=${ring}`]);
    expect(taken).toMatchObject({ status: 0, stderr: expect.stringContaining('later runs need it') });
    expect(taken.stdout).toContain(`signed by ${stranger.fingerprint}`);
  });

  it('a bad signature is refused, and nobody is asked', async () => {
    await world.publish('app', { 'app_1.raw': image('app') });
    writeFileSync(join(world.published, 'app/SHA256SUMS'), `${'0'.repeat(63)}1 *app_2.raw\n`);
    const refused = await runOnTerminal(['add', 'app', url(), `--root=${world.root}`], ['y\n', 'y\n']);
    expect(refused.status).toBe(11);
    expect(refused.screen).toContain('bad signature');
    expect(refused.screen).not.toContain('[y/N]');
  });

  it('a host without a keyring says so (3)', async () => {
    await world.publish('app', { 'app_1.raw': image('app') });
    writeFileSync(join(world.root, 'etc/systemd/import-pubring.pgp'), '');
    const empty = await world.run(['add', 'app', url(), '--yes']);
    expect([empty.status, empty.stderr]).toEqual([3, expect.stringContaining('the keyring holds no key')]);
    const bare = await makeWorld();
    const none = await bare.run(['add', 'app', url(), '--yes', `--keyring=${join(world.root, 'nowhere')}`]);
    expect(none.status).toBe(3);
    await bare.close();
  });

  it('--signed-by= goes into the definition, and only that key counts', async () => {
    const fingerprint = world.key.fingerprint.toUpperCase();
    await world.publish('app', { 'app_1.raw': image('app') });
    const other = await world.run(['add', 'app', url(), '--yes', `--signed-by=${'AB'.repeat(20)}`]);
    expect([other.status, other.stderr]).toEqual([11, expect.stringContaining('which SignedBy= does not name')]);
    const bad = await world.run(['add', 'app', url(), '--yes', '--signed-by=ABCD']);
    expect([bad.status, bad.stderr]).toEqual([2, expect.stringContaining('expected OpenPGP fingerprints')]);
    const both = await world.run(['add', 'app', url(), '--yes', `--signed-by=${fingerprint}`, '--verify=no']);
    expect(both.status).toBe(2);
    expect((await added('app', url(), `--signed-by=${fingerprint}`)).definition).toContain(
      `[X-Extupdate]\nSignedBy=${world.key.fingerprint}\n`,
    );
    expect((await world.run(['check'])).status).toBe(0);
  });
});

describe('on a terminal', () => {
  const args = () => ['add', 'app', `${world.server.url}/app`, `--root=${world.root}`];

  it('it asks whether to trust the server, and whether to write', async () => {
    await world.publish('app', { 'app_1.raw': image('app') }, unsigned);
    const no = await runOnTerminal(args(), ['\n']);
    expect(no.status).toBe(11);
    expect(no.screen).toContain('Trust the server alone, and write Verify=no? [y/N] ');
    const second = await runOnTerminal(args(), ['y\n', 'n\n']);
    expect(second).toMatchObject({ status: 0, screen: expect.stringContaining('Nothing was written.') });
    expect(world.read(FILE)).toBeUndefined();
    const yes = await runOnTerminal(args(), ['yes\n', 'what?\n', '\n']);
    expect(yes).toMatchObject({ status: 0, screen: expect.stringContaining('app: added') });
    expect(yes.screen.match(/Write it\? \[Y\/n\] /g)).toHaveLength(2);
    expect(world.read(FILE)).toContain('Verify=no');
  });

  it('the end of input is no yes; what fits nothing is not the default', async () => {
    await world.publish('app', { 'app_1.raw': image('app', { ID: 'other' }) });
    const end = await runOnTerminal(args(), []);
    expect(end.screen).toContain('no version fits and none is installed; the newest is 1: ID=other, this OS is testos');
    expect(end).toMatchObject({ status: 0, screen: expect.stringContaining('Write it? [y/N] ') });
    expect(world.read(FILE)).toBeUndefined();
  });
});

it('without a terminal, the definition is shown, and --yes is asked for (2)', async () => {
  await world.publish('app', { 'app_1.raw': image('app') });
  const result = await world.run(['add', 'app', `${world.server.url}/app`]);
  expect(result.status).toBe(2);
  expect(result.stdout).toContain('    MatchPattern=app_@v.raw');
  expect(result.stderr).toBe(
    'extupdate: app: not written, for there is no terminal to ask on\n  --yes writes it, --dry-run only shows it\n',
  );
  const json = await world.run(['add', 'app', `${world.server.url}/app`, '--json=short']);
  expect(json.status).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({
    errors: [{ component: 'app', code: 'usage', exit: 2 }],
    added: { component: 'app', file: `/${FILE}`, written: false },
  });
  const dry = await world.run(['add', 'app', `${world.server.url}/app`, '--dry-run']);
  expect(dry).toMatchObject({ status: 0, stderr: '' });
  expect(world.read(FILE)).toBeUndefined();
});

describe('URLs as people have them', () => {
  beforeEach(() => world.publish('ext/app', { 'app_1.raw': image('app') }));

  it.each(['/ext', '/ext/app/app_1.raw', '/ext/app.transfer'])('%s', async (path) => {
    const { source } = await added('app', world.server.url + path);
    expect(source).toBe(`${world.server.url}/ext/app/`);
    expect((await world.run(['check'])).status).toBe(0);
  });

  it('a password is not written down (2)', async () => {
    const result = await world.run(['add', 'app', 'https://user:secret@example.org/ext', '--yes']);
    expect([result.status, result.stderr]).toEqual([2, expect.stringContaining('Credential= in extupdate.conf')]);
    expect(result.stderr).not.toContain('secret');
  });

  it('the words may be the other way round', async () => {
    const result = await world.run(['add', 'https://example.org/', 'app']);
    expect([result.status, result.stderr]).toEqual([
      2,
      expect.stringContaining('extupdate add app https://example.org/'),
    ]);
  });

  it('a directory of this machine', async () => {
    const { source } = await added('app', `file://${world.published}/ext/app`);
    expect(source).toBe(`file://${world.published}/ext/app/`);
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 1\n');
  });

  it('a directory of this machine is looked into: what the image is called goes before its layout', async () => {
    await world.publish('local', { 'foo_1.0.raw': image('foo_1.0') });
    const result = await world.run(['add', 'foo', `file://${world.published}/local`, '--yes', '--now']);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).not.toContain('could not be looked into');
    expect(settings(world.read('etc/extupdate/transfer.d/foo.transfer'))).toContain('Path=/var/lib/extensions');
    expect(world.read('var/lib/extensions/foo_1.0.raw')).toBeDefined();
  });

  it.each(['file:///x/re%ZZ', 'file:///x/repo%2f', 'file:///%00'])('%s is no directory (2)', async (bad) => {
    for (const words of [
      ['add', 'app', bad, '--yes'],
      ['search', `--url=${bad}`],
    ]) {
      const result = await world.run(words);
      expect([result.status, result.stderr]).toEqual([2, expect.stringContaining('not the path of a directory')]);
    }
  });

  it('a web page in place of a list, and no list at all (10)', async () => {
    world.server.intercept = (_, response, path) => {
      if (!path.startsWith('/web')) return false;
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html></html>');
      return true;
    };
    for (const path of ['/web', '/nothing']) {
      const result = await world.run(['add', 'app', world.server.url + path, '--yes']);
      expect(result.status).toBe(10);
      expect(result.stderr).toContain(
        `there is no ${world.server.url}${path}/SHA256SUMS and no ${world.server.url}${path}/app/SHA256SUMS`,
      );
      expect(result.stderr).toContain('the directory with SHA256SUMS in it');
    }
  });
});

describe('what is not there', () => {
  it('near names are offered (2)', async () => {
    await world.publish('all', { 'docker-1-x86-64.raw': image('docker'), 'tree-1-x86-64.raw': image('tree') });
    const typo = await world.run(['add', 'dokcer', `${world.server.url}/all`, '--yes']);
    expect([typo.status, typo.stderr]).toEqual([
      2,
      expect.stringContaining('has no extension dokcer; did you mean docker?'),
    ]);
    const other = await world.run(['add', 'podman', `${world.server.url}/all`, '--yes']);
    expect(other.stderr).toContain('it has docker, tree');
    await world.publish('none', { 'README.txt': 'x' });
    const none = await world.run(['add', 'podman', `${world.server.url}/none`, '--yes']);
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('its list names no images')]);
  });

  it('images for other machines (13), and what is no extension (13)', async () => {
    await world.publish('arm', { 'app-1-arm64.raw': image('app') });
    const arm = await world.run(['add', 'app', `${world.server.url}/arm`, '--yes', '--arch=x86-64']);
    expect([arm.status, arm.stderr]).toEqual([
      13,
      expect.stringContaining('has app for arm64 only, and this machine is x86-64'),
    ]);
    expect((await world.run(['add', 'app', `${world.server.url}/arm`, '--dry-run', '--arch=arm64'])).status).toBe(0);
    const { writeSquashfs } = await import('../../support/squashfs-writer.ts');
    await world.publish('bare', { 'app_1.raw': writeSquashfs({ 'usr/bin/app': 'x' }) });
    const bare = await world.run(['add', 'app', `${world.server.url}/bare`, '--yes']);
    expect([bare.status, bare.stderr]).toEqual([13, expect.stringContaining('it has no release file')]);
  });

  it.each(['two words', '10-app', 'default', '../app'])('%s is no name (2)', async (name) => {
    const result = await world.run(['add', name, `${world.server.url}/app`, '--yes']);
    expect([result.status, result.stderr]).toEqual([2, expect.stringContaining('cannot be the name of a component')]);
  });
});

describe('what is there already', () => {
  beforeEach(() => world.publish('app', { 'app_1.raw': image('app') }));
  const url = () => `${world.server.url}/app`;
  const other = () =>
    definition({
      Source: { Type: 'url-file', Path: url(), MatchPattern: 'app_@v.raw' },
      Target: { Path: '/var/lib/extensions/app.raw.v' },
    });

  it.each([
    ['etc/extupdate/transfer.d/app.transfer'],
    ['usr/lib/extupdate/transfer.d/20-app.transfer'],
    ['etc/sysupdate.app.d/app.conf'],
    ['run/sysupdate.app.d/10-app.transfer'],
  ])('%s is named, and never replaced (2)', async (file) => {
    world.write(file, other());
    for (const force of [[], ['--force']]) {
      const result = await world.run(['add', 'app', url(), '--yes', ...force]);
      expect([result.status, result.stderr]).toEqual([
        2,
        expect.stringContaining(`app is defined already, by /${file}\n`),
      ]);
    }
    expect(world.read(file)).toBe(other());
  });

  it('what add has written is replaced with --force', async () => {
    await added('app', url());
    await world.publish('new', { 'app-2-x86-64.raw': image('app') });
    const refused = await world.run(['add', 'app', `${world.server.url}/new`, '--yes']);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('--force writes it anew')]);
    await added('app', `${world.server.url}/new`, '--force');
    expect(world.read(FILE)).toContain(`${world.server.url}/new/`);
  });

  it('with --force, nothing that is installed is left to nobody', async () => {
    await added('app', url(), '--now');
    await world.publish('same', { 'app_1.raw': image('app'), 'app_2.raw': image('app') });
    await added('app', `${world.server.url}/same`, '--force');
    await world.publish('other', { 'app-2-x86-64.raw': image('app') });
    const refused = await world.run(['add', 'app', `${world.server.url}/other`, '--yes', '--force']);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining('does not go with what is installed: /var/lib/extensions/app.raw.v/app_1.raw'),
    ]);
    await world.run(['remove', 'app', '--yes']);
    await added('app', `${world.server.url}/other`);
  });

  it('a mask, a link of another component, a switch that is off', async () => {
    world.write(FILE, '');
    const masked = await world.run(['add', 'app', url(), '--yes']);
    expect([masked.status, masked.stderr]).toEqual([
      2,
      expect.stringContaining(`there is a mask of that name, /${FILE}`),
    ]);
    await world.close();
    world = await makeWorld();
    await world.publish('app', { 'app-1-x86-64.raw': image('app') });
    world.write(
      'etc/extupdate/transfer.d/mine.transfer',
      other().replace('/var/lib/extensions/app.raw.v', '/x\nCurrentSymlink=/etc/extensions/app.raw'),
    );
    const conflict = await world.run(['add', 'app', url(), '--yes']);
    expect([conflict.status, conflict.stderr]).toEqual([
      3,
      expect.stringContaining('/etc/extensions/app.raw is also that of'),
    ]);
    await world.run(['remove', 'mine', '--yes', '--purge']);
    world.write(
      'etc/extupdate/transfer.d/app.component.d/50-systemd-sysupdate-enabled.conf',
      '[Component]\nEnabled=no\n',
    );
    const off = await world.run(['add', 'app', url(), '--yes']);
    expect(off).toMatchObject({ status: 0, stderr: expect.stringContaining('"extupdate enable app" enables it') });
  });

  it('--definitions= is where it goes', async () => {
    const directory = join(world.root, '../mine');
    const { mkdirSync } = await import('node:fs');
    mkdirSync(directory);
    await added('app', url(), `--definitions=${directory}`);
    expect(readFileSync(join(directory, 'app.transfer'), 'utf8')).toContain(url());
    expect((await world.run(['apply', `--definitions=${directory}`])).stdout).toBe('app: exposed 1\n');
    // Seen from where the program was started.
    const relative = await world.run(['components', `--definitions=${path.relative(process.cwd(), directory)}`]);
    expect(relative.stdout).toContain('app');
  });
});

describe('names', () => {
  it.each(['a$b', 'a;b', "a'b", '-a', '.a', 'a b', '10-a', 'default', 'a@b'])('%s is refused (2)', async (name) => {
    const result = await world.run(['add', '--yes', '--', name, `${world.server.url}/app`]);
    expect([result.status, result.stderr]).toEqual([2, expect.stringContaining('cannot be the name of a component')]);
  });

  it('in a list that no pattern can stand for are a matter of the list (3)', async () => {
    await world.publish('list', { 'a$b/app_1.0.raw': image('app') });
    const result = await world.run(['add', 'app', `${world.server.url}/list`, '--yes']);
    expect(result.stderr).not.toContain('unexpected');
    expect([result.status, result.stderr]).toEqual([3, expect.stringContaining('written by hand')]);
  });
});
