import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, startE2e } from '../support/e2e.ts';
import { definition } from '../support/world.ts';

/** Files of a directory extension that tells its version in `/usr/share/NAME/version`. */
function writeTree(directory: string, name: string, version: string): void {
  const files = {
    [`usr/lib/extension-release.d/extension-release.${name}`]: 'ID=testos\nVERSION_ID=1\n',
    [`usr/share/${name}/version`]: version,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

/** @param change a command that is run in the tree before it is packed */
function archiveOf(name: string, version: string, change = 'true'): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'extupdate-tree-'));
  try {
    writeTree(directory, name, version);
    execFileSync('sh', ['-c', change], { cwd: directory });
    return execFileSync('tar', ['--create', '--gzip', '--owner=0', '--group=0', '-C', directory, '.']);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describeAlikeHosts('trixie', 'extensions that are directories', (suite) => {
  let e2e: E2e;
  beforeAll(async () => {
    e2e = await startE2e(suite);
    // Before anything is merged: what is new below an overlay need not be seen through it.
    await e2e.installUnits('extupdate.timer');
    e2e.write(
      'etc/extupdate/transfer.d/packed.transfer',
      definition({
        Source: { Type: 'url-tar', Path: `${e2e.server.url}/packed`, MatchPattern: 'packed_@v.tar.gz' },
        Target: { Type: 'directory', Path: '/var/lib/extensions/packed.v', MatchPattern: 'packed_@v' },
      }),
    );
    e2e.write(
      'etc/extupdate/transfer.d/plain.transfer',
      definition({
        Source: { Type: 'directory', Path: '/srv/plain', MatchPattern: 'plain_@v' },
        Target: {
          Type: 'directory',
          Path: '/var/lib/extensions.d',
          MatchPattern: 'plain_@v',
          CurrentSymlink: '/var/lib/extensions/plain',
        },
      }),
    );
    await e2e.publish('packed', { 'packed_1.tar.gz': archiveOf('packed', '1') });
    writeTree(join(e2e.host.root, 'srv/plain/plain_1'), 'plain', '1');
  });
  afterAll(() => e2e?.stop());

  const versions = async () => [await e2e.cat('/usr/share/packed/version'), await e2e.cat('/usr/share/plain/version')];

  it('an archive and a tree are installed and merged', async () => {
    const result = await e2e.run('apply');
    expect(result, result.stderr).toMatchObject({
      status: 0,
      stdout: 'packed: activated 1\nplain: activated 1\n',
    });
    expect(await e2e.merged()).toEqual(['packed', 'plain']);
    expect(await versions()).toEqual(['1', '1']);
  });

  it('both are updated, and the second run has nothing to do', async () => {
    await e2e.publish('packed', {
      'packed_1.tar.gz': archiveOf('packed', '1'),
      'packed_2.tar.gz': archiveOf('packed', '2'),
    });
    writeTree(join(e2e.host.root, 'srv/plain/plain_2'), 'plain', '2');
    const result = await e2e.run('apply');
    expect(result, result.stderr).toMatchObject({
      status: 0,
      stdout: 'packed: activated 2 (was 1)\nplain: activated 2 (was 1)\n',
    });
    expect(await versions()).toEqual(['2', '2']);
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
  });

  it('both go back', async () => {
    const result = await e2e.run('rollback');
    expect(result.status, result.stderr).toBe(0);
    expect(await versions()).toEqual(['1', '1']);
  });

  it('one that systemd cannot merge stays out, and the other goes in', async () => {
    await e2e.run('unhold packed plain');
    // systemd forbids it in a sysext.
    e2e.write('srv/plain/plain_3/usr/lib/os-release', 'ID=other\n');
    writeTree(join(e2e.host.root, 'srv/plain/plain_3'), 'plain', '3');
    const result = await e2e.run('apply');
    expect(result.status, result.stderr).toBe(0);
    expect(await versions()).toEqual(['2', '2']);
    expect((await e2e.run('why plain')).stdout).toContain('os-release');
  });

  it('the units bring them in, and keep what only a privileged run can set', async () => {
    const archive = archiveOf('packed', '4', 'chmod 4755 usr/share/packed/version');
    await e2e.publish('packed', { 'packed_4.tar.gz': archive });
    await e2e.host.sh('systemctl start extupdate-install.service extupdate-activate.service');
    expect(await versions()).toEqual(['4', '2']);
    expect((await e2e.host.exec(['stat', '-c', '%a', '/usr/share/packed/version'])).stdout).toBe('4755\n');
  });
});
