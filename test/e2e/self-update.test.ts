/** A host that has no Node: extupdate comes as an extension, brings in others, and keeps itself current. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { blocksOf } from '../support/pages.ts';
import { makeKey, sha256, type TestKey } from '../support/repository.ts';
import { type SelfImages, selfImages } from '../support/self-image.ts';

/** Stands in the images; each host has the server elsewhere. */
const SOURCE_URL = 'http://updates.example/extupdate';

const WORKS_ELSEWHERE = `if (process.argv[1].startsWith('/usr/')) process.exit(1);
console.log('{"format": 1, "components": []}');`;

let key: TestKey;
let keyring: string;
let images: SelfImages;
/** Paths of the images, by version; 0.3.0 does not run, and 0.4.0 only as long as it is not in its place. */
let built: Readonly<Record<string, string>>;
beforeAll(async () => {
  key = await makeKey();
  keyring = join(mkdtempSync(join(tmpdir(), 'extupdate-keyring-')), 'own.asc');
  writeFileSync(keyring, key.armoredPublicKey);
  images = await selfImages([`--source-url=${SOURCE_URL}`, `--keyring=${keyring}`]);
  const first = await images.build('0.1.0');
  built = {
    '0.1.0': first,
    '0.2.0': await images.build('0.2.0'),
    '0.3.0': await images.build('0.3.0', 'process.exit(1)'),
    '0.4.0': await images.build('0.4.0', WORKS_ELSEWHERE),
  };
});
afterAll(() => {
  images?.remove();
  rmSync(dirname(keyring), { recursive: true });
});

it('an image of the same inputs has the same bytes', async () => {
  const before = sha256(readFileSync(built['0.1.0'] ?? ''));
  expect(sha256(readFileSync(await images.build('0.1.0')))).toBe(before);
});

describeHosts('extupdate as an extension', (suite) => {
  let e2e: E2e;
  beforeAll(async () => {
    e2e = await startE2e(suite, { program: false });
    e2e.write('etc/extupdate.conf.d/mirror.conf', `[Extupdate]\nBaseURL=http://updates.example ${e2e.server.url}\n`);
    await e2e.publish('app', { 'app_1.raw': image('app', '1') });
  });
  afterAll(() => e2e?.stop());

  /** With the key that is in the image, and nowhere else. */
  const offer = (...versions: string[]) => {
    const files = versions.map((version) => [basename(built[version] ?? ''), readFileSync(built[version] ?? '')]);
    return e2e.publish('extupdate', Object.fromEntries(files), { key });
  };
  const running = async () =>
    /^IMAGE_VERSION=(.*)$/m.exec(await e2e.cat('/usr/lib/extension-release.d/extension-release.extupdate'))?.[1];
  const states = async (...units: string[]) =>
    (await e2e.host.exec(['systemctl', 'is-active', ...units])).stdout.trim().split('\n');
  const failed = async () => (await e2e.host.sh('systemctl list-units --failed --no-legend --plain')).stdout;
  const version = (name: string) => e2e.cat(`/usr/share/${name}/version`);

  it('is put into its directory, and merged: the program runs with its own Node, and its timer is on', async () => {
    expect((await e2e.host.sh('command -v node extupdate')).stdout).toBe('');
    const first = built['0.1.0'] ?? '';
    e2e.write(`srv/${basename(first)}`, readFileSync(first));
    // The reader is root already.
    e2e.write('usr/local/bin/sudo', '#!/bin/sh\nexec "$@"\n');
    chmodSync(join(e2e.host.root, 'usr/local/bin/sudo'), 0o755);
    for (const block of blocksOf(readFileSync('docs/host-without-node.md', 'utf8'))) {
      if (block.kind !== 'commands') continue;
      const typed = await e2e.host.sh(`cd /srv; set -e\n${block.text}`);
      expect(typed, block.text).toMatchObject({ status: 0 });
    }
    expect(await e2e.run('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^[0-9]+\.[0-9]/) });
    expect(await states('extupdate.timer', 'extupdate-extension.target')).toEqual(['active', 'active']);
    expect(await failed()).toBe('');
  });

  it('knows its own definition, and brings in another extension', async () => {
    const added = await e2e.run(`add app ${e2e.server.url}/app/ --yes`);
    expect(added).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('/etc/extupdate/transfer.d/app.transfer'),
    });
    await offer('0.1.0');
    const result = await e2e.run('apply');
    expect(result).toMatchObject({ status: 0, stdout: 'app: activated 1\n' });
    expect(await e2e.merged()).toEqual(['app', 'extupdate']);
  });

  it('is there after a cold boot, with its units', async () => {
    await e2e.host.reboot();
    expect(await e2e.merged()).toEqual(['app', 'extupdate']);
    const services = ['extupdate-boot-late.service', 'extupdate-bless.service'];
    expect(await states('extupdate.timer', 'extupdate-varlink.socket', ...services)).toEqual(Array(4).fill('active'));
    const why = `varlinkctl call /run/extupdate/io.extupdate.Manager io.extupdate.Manager.Why '{"component": "app"}'`;
    expect(await e2e.host.sh(why)).toMatchObject({ status: 0, stdout: expect.stringMatching(/"version"\s*:\s*"1"/) });
    expect(await failed()).toBe('');
    const verified = await e2e.host.sh('systemd-analyze verify --man=no default.target extupdate-extension.target');
    expect(verified.stderr).not.toMatch(/cycle|extupdate/i);
  });

  it('brings in its own next version, whose units work', async () => {
    await offer('0.1.0', '0.2.0');
    expect(await e2e.run('apply extupdate')).toMatchObject({
      status: 0,
      stdout: 'extupdate: activated 0.2.0 (was 0.1.0)\n',
    });
    expect(await running()).toBe('0.2.0');
    await e2e.publish('app', { 'app_1.raw': image('app', '1'), 'app_2.raw': image('app', '2') });
    expect((await e2e.host.sh('systemctl start extupdate-install extupdate-activate')).status).toBe(0);
    expect(await version('app')).toBe('2');
    expect(await failed()).toBe('');
  });

  it('does not let a version of itself be seen that does not run', async () => {
    await offer('0.1.0', '0.2.0', '0.3.0');
    const result = await e2e.run('apply extupdate');
    expect(result).toMatchObject({ status: 13, stdout: '' });
    expect(result.stderr).toMatch(
      /extupdate: version 0.3.0 does not run here: ".*extupdate --version" ended with status 1/,
    );
    expect((await e2e.host.sh('ls -A /var/lib/extensions/extupdate.raw.v')).stdout).not.toContain('0.3.0');
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(await running()).toBe('0.2.0');
  });

  it('takes a version of itself back that does not work', async () => {
    await offer('0.1.0', '0.2.0', '0.4.0');
    const result = await e2e.run('apply extupdate');
    expect(result.status).toBe(16);
    expect(result.stderr).toMatch(
      /extupdate: version 0.4.0 is not healthy: ".*extupdate --version" ended with status 1; 0.2.0 is back/,
    );
    expect(await running()).toBe('0.2.0');
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(await running()).toBe('0.2.0');
    expect(await states('extupdate.timer')).toEqual(['active']);
  });

  it('the same when a unit runs it', async () => {
    await e2e.run('unhold extupdate');
    await e2e.host.sh('systemctl start extupdate-install extupdate-activate');
    expect(await states('extupdate-activate')).toEqual(['failed']);
    const log = (await e2e.host.sh('journalctl -b -o cat -u extupdate-activate --no-pager')).stdout;
    expect(log).toContain('version 0.4.0 is not healthy');
    expect(await running()).toBe('0.2.0');
    await e2e.host.sh('systemctl reset-failed extupdate-activate');
  });

  it('goes back to the version before when it is told to, and stays there over a cold boot', async () => {
    expect(await e2e.run('rollback extupdate')).toMatchObject({
      status: 0,
      stdout: 'extupdate: activated 0.1.0 (was 0.2.0)\n',
    });
    expect(await running()).toBe('0.1.0');
    await e2e.host.reboot();
    expect(await running()).toBe('0.1.0');
    expect(await version('app')).toBe('2');
    expect((await e2e.json('check')).components[1]).toMatchObject({ current: '0.1.0', candidate: null });
    expect(await states('extupdate.timer', 'extupdate-boot-late.service')).toEqual(['active', 'active']);
    expect(await failed()).toBe('');
  });

  it('what a boot makes visible of itself, and does not work, is taken back in that boot', async () => {
    e2e.write('etc/extupdate/transfer.d/extupdate.transfer.d/reboot.conf', '[X-Extupdate]\nActivate=reboot\n');
    await e2e.run('unhold extupdate');
    expect((await e2e.run('apply extupdate@0.4.0')).status).toBe(0);
    expect(await running()).toBe('0.1.0');
    await e2e.host.reboot();
    expect(await running()).toBe('0.1.0');
    const log = (await e2e.host.sh('journalctl -b -o cat -u extupdate-boot-late --no-pager')).stdout;
    expect(log).toContain('version 0.4.0 is not healthy');
    expect(await failed()).toBe('');
  });
});
