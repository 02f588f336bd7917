/** What `publish` makes, read by the real systemd-sysupdate, with verification on and nothing edited. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeHosts } from '../support/e2e.ts';
import { pack } from '../support/pack.ts';
import { makePublisher, type Publisher, versionOf } from '../support/publisher.ts';
import { sign } from '../support/repository.ts';
import { serveFile, startServer, type TestServer } from '../support/server.ts';
import { prepareTree } from '../support/systemd-host.ts';
import { runInTree, SYSUPDATE } from '../support/systemd-tree.ts';
import { definition } from '../support/world.ts';

describeHosts('what publish makes, by systemd-sysupdate', (suite) => {
  let tree: string;
  let root: string;
  let publisher: Publisher;
  let server: TestServer;
  beforeAll(async () => {
    tree = await prepareTree(suite);
  });
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'extupdate-published-'));
    publisher = await makePublisher();
    server = await startServer(publisher.directory);
    // 257 reads the older name, 262 the newer one.
    for (const name of ['import-pubring.gpg', 'import-pubring.pgp'])
      write(`etc/systemd/${name}`, publisher.key.binaryPublicKey);
    write(
      'usr/lib/sysupdate.app.d/app.transfer',
      definition({
        Source: { Type: 'url-file', Path: server.url, MatchPattern: ['app_@v.raw', 'app_@v.raw.xz'] },
        Target: { Type: 'regular-file', Path: '/var/lib/extensions', MatchPattern: 'app_@v.raw' },
      }),
    );
  });
  afterEach(async () => {
    await server.close();
    publisher.close();
    rmSync(root, { recursive: true });
  });

  function write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const sysupdate = (args: string) => runInTree(tree, root, `${SYSUPDATE} -C app --root=/mnt ${args}`);
  const versions = async () => {
    const { status, stdout, stderr } = await sysupdate('--json=short list');
    return status === 0 ? (JSON.parse(stdout) as { all: string[] }).all : stderr;
  };

  it('is verified, listed and installed, plain and packed, with its best-before day', async () => {
    publisher.put('app_1.raw', versionOf('app', '1'));
    publisher.put('app_2.raw.xz', pack('xz', versionOf('app', '2')));
    publisher.put('a name with blanks.txt', 'no extension');
    await publisher.publish({ bestBefore: '2998-01-31' });
    expect(await versions()).toEqual(['2', '1']);
    for (const version of ['1', '2']) {
      const { status, stderr } = await sysupdate(`update ${version}`);
      expect([status, stderr]).toEqual([0, expect.stringContaining('SHA256SUMS.gpg')]);
      const installed = readFileSync(join(root, `var/lib/extensions/app_${version}.raw`));
      expect(installed.equals(versionOf('app', version))).toBe(true);
    }
    // The list of another key is not taken.
    publisher.put('SHA256SUMS', `${'a'.repeat(64)} *app_9.raw\n`);
    expect(await versions()).toMatch(/signature/i);
  });

  it('is taken again, where a signature that systemd asks for first was left over', async () => {
    publisher.put('app_1.raw', versionOf('app', '1'));
    await publisher.publish();
    publisher.put('SHA256SUMS.sha256.asc', await sign('another list\n', [publisher.key], { armored: true }));
    // Only 262 knows that name.
    expect(await versions()).toEqual(suite === 'forky' ? expect.stringMatching(/signature/i) : ['1']);
    await publisher.publish();
    expect(await versions()).toEqual(['1']);
  });

  it('refuses once when it is published between list and signature, and is right at its next run', async () => {
    publisher.put('app_1.raw', versionOf('app', '1'));
    await publisher.publish();
    for (const version of ['2', '3']) {
      let isBetween = true;
      server.intercept = (request, response, path) => {
        if (path !== '/SHA256SUMS.gpg' || !isBetween) return false;
        isBetween = false;
        publisher.put(`app_${version}.raw`, versionOf('app', version));
        void publisher.publish().then(() => serveFile(publisher.directory, path, request, response));
        return true;
      };
      expect(await versions()).toMatch(/signature/i);
      expect(await versions()).toContain(version);
    }
  });
});
