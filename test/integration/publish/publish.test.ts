/** `publish`, as a person runs it, and what clients and other programs make of the directory. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PublicationDocument } from '../../../src/cli/publish-command.ts';
import { makeGpt } from '../../support/gpt-writer.ts';
import { extensionImage } from '../../support/images.ts';
import { imageTools, makeErofs, makeSquashfs } from '../../support/make-images.ts';
import { compressions, pack } from '../../support/pack.ts';
import { gpgVerify, makePublisher, type Publisher, sha256sumCheck, versionOf } from '../../support/publisher.ts';
import { member, tarOf } from '../../support/tar-writer.ts';
import { definition, makeWorld, runProgram, type World } from '../../support/world.ts';

const SUFFIX = { gzip: 'gz', xz: 'xz', zstd: 'zst', bzip2: 'bz2', lz4: 'lz4' } as const;

let world: World;
let publisher: Publisher;

beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  // Where the server of the world serves it.
  publisher = await makePublisher(world.published);
  world.write('etc/systemd/import-pubring.pgp', publisher.key.binaryPublicKey);
});
afterEach(() => publisher.close());

const url = () => `${world.server.url}${publisher.directory.slice(world.published.length)}`;

function define(name: string, pattern: string, source: Record<string, string> = {}, target?: Record<string, string>) {
  world.write(
    `etc/extupdate/transfer.d/${name}.transfer`,
    definition({
      Source: { Type: 'url-file', Path: url(), MatchPattern: pattern, ...source },
      Target: target ?? { Path: `/var/lib/extensions/${name}.raw.v`, MatchPattern: `${name}_@v.raw` },
    }),
  );
}

/** Runs the program. */
async function run(...args: readonly string[]) {
  const result = await runProgram(['publish', publisher.directory, ...args]);
  const document = () => JSON.parse(result.stdout) as PublicationDocument;
  return { ...result, document };
}
const signed = () => `--key=${publisher.keyFile}`;

/** A tree with a release file, as mkosi would pack it. */
function withTree<T>(operation: (tree: string) => T): T {
  const tree = mkdtempSync(join(tmpdir(), 'extupdate-tree-'));
  try {
    const releases = join(tree, 'usr/lib/extension-release.d');
    mkdirSync(releases, { recursive: true });
    writeFileSync(join(releases, 'extension-release.real'), 'ID=testos\nVERSION_ID=1\n');
    return operation(tree);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

describe('a directory of images', () => {
  it('of every form is published, and every client and program accepts it as it is', async () => {
    const [tools] = imageTools();
    withTree((tree) => {
      if (!tools) return;
      makeSquashfs(tools, tree, join(publisher.directory, 'real-1.raw'), ['-comp', 'zstd']);
      makeErofs(tools, tree, join(publisher.directory, 'real-2.raw'), ['-zlz4']);
      execFileSync('tar', ['--create', '--zstd', `--file=${join(publisher.directory, 'real-3.tar.zst')}`, '.'], {
        cwd: tree,
      });
    });
    const gpt = makeGpt([{ type: '44479540-f297-41b2-9af7-d131d5f0458a', content: versionOf('disk', '1') }]);
    publisher.put('disk_1.raw', gpt);
    for (const how of compressions) publisher.put(`${how}_1.raw.${SUFFIX[how]}`, pack(how, versionOf(how, '1')));
    publisher.put('conf_1.raw', extensionImage({ name: 'conf', kind: 'confext', release: { ID: '_any' } }));
    publisher.put('os_1.efi', 'no extension');

    const { status, stderr, document } = await run(signed(), '--best-before=30d', '--json=short');
    expect([status, stderr, document().errors]).toEqual([0, '', []]);
    const kinds = Object.fromEntries(document().published.map(({ file, kind }) => [file, kind]));
    expect(kinds).toMatchObject({
      'real-1.raw': 'sysext',
      'real-2.raw': 'sysext',
      'real-3.tar.zst': 'sysext',
      'disk_1.raw': 'sysext',
      'conf_1.raw': 'confext',
      'gzip_1.raw.gz': 'sysext',
      'lz4_1.raw.json': 'sidecar',
      'os_1.efi': 'other',
    });
    expect(document().published.every(({ state }) => state === 'new')).toBe(true);
    expect(document()).toMatchObject({ signature: 'SHA256SUMS.gpg', signedBy: publisher.key.fingerprint, errors: [] });

    const names = publisher.names().filter((name) => !name.startsWith('SHA256SUMS'));
    expect((await sha256sumCheck(publisher.directory)).sort()).toEqual(names.map((name) => `${name}: OK`).sort());
    await gpgVerify(publisher.directory, publisher.key);

    define('real', 'real-@v.raw');
    define('disk', 'disk_@v.raw');
    for (const how of compressions) define(how, `${how}_@v.raw.${SUFFIX[how]}`);
    define('conf', 'conf_@v.raw', {}, { Path: '/var/lib/confexts/conf.raw.v', MatchPattern: 'conf_@v.raw' });
    define(
      'tree',
      'real-@v.tar.zst',
      { Type: 'url-tar' },
      { Path: '/var/lib/extensions/real.v', MatchPattern: 'real_@v', Type: 'directory' },
    );
    const check = await world.run(['check', '--json=short']);
    const candidates = check.json().components.map(({ name, candidate }) => `${name} ${candidate}`);
    expect(candidates).toEqual([
      ...['bzip2', 'conf', 'disk', 'gzip', 'lz4'].map((name) => `${name} 1`),
      'real 2',
      'tree 3',
      'xz 1',
      'zstd 1',
    ]);
    expect([check.status, check.json().errors]).toEqual([0, []]);
    // Of none of the packed ones more than the sidecar was fetched to know that.
    const fetched = world.server.requests.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
    expect(fetched).toContain('zstd_1.raw.json');
    expect(fetched).not.toContain('zstd_1.raw.zst');
    const apply = await world.run(['apply', '--json=short']);
    expect([apply.status, apply.json().errors]).toEqual([0, []]);
    expect(world.names('var/lib/extensions/zstd.raw.v')).toContain('zstd_1.raw');
  });

  it('is told as a table, with what to look at first', async () => {
    publisher.put('app_1.raw', versionOf('app', '1'));
    publisher.put('index.html', '<p>');
    symlinkSync('app_1.raw', join(publisher.directory, 'latest.raw'));
    mkdirSync(join(publisher.directory, 'old'));
    execFileSync('mkfifo', [join(publisher.directory, 'pipe.raw')]);
    publisher.put('app_2.raw.partial', 'half');
    publisher.put('.htaccess', 'hidden');
    const { status, stdout, stderr } = await run(signed(), '--best-before=2999-01-31');
    expect(status).toBe(0);
    expect(stderr.trim().split('\n').sort()).toEqual([
      'app_2.raw.partial: left out: the name of a temporary file',
      'latest.raw: left out: a symbolic link',
      'old: left out: a directory',
      'pipe.raw: left out: a FIFO',
    ]);
    expect(stdout).toMatch(/^FILE +STATE +KIND +SIZE +REASON\n/);
    expect(stdout).toMatch(/\napp_1\.raw +new +sysext +[0-9.]+ KiB\n/);
    expect(stdout).toMatch(/\nindex\.html +new +other +3 B +not an extension; listed as it is\n/);
    expect(stdout).toContain(`\nListed: 3 new; signed by ${publisher.key.fingerprint}, best before 2999-01-31.\n`);
    expect(publisher.read('SHA256SUMS')).not.toMatch(/latest|pipe|partial|htaccess|old/);

    const again = await run(signed(), '--best-before=2999-01-31');
    expect(again.stdout).toBe(
      `Nothing to do: 3 unchanged; signed by ${publisher.key.fingerprint}, best before 2999-01-31.\n`,
    );
  });

  it('is not written to by a dry run, which tells what would be', async () => {
    publisher.put('app_1.raw', versionOf('app', '1'));
    const before = publisher.picture();
    const { status, stdout } = await run(signed(), '--dry-run');
    expect(status).toBe(0);
    expect(stdout).toContain('app_1.raw.json');
    expect(stdout).toContain('Would be listed: 2 new; to be signed.');
    expect(publisher.picture()).toBe(before);
    const { document } = await run('--no-sign', '--dry-run', '--json=short');
    expect(document()).toMatchObject({ dryRun: true, listWritten: true, signatureWritten: false, signature: null });
    expect(publisher.picture()).toBe(before);
  });

  it('is refused for all that is wrong at once, and nothing is written', async () => {
    publisher.put('good_1.raw', versionOf('good', '1'));
    publisher.put('html_1.raw', '<!doctype html><p>404');
    publisher.put('none_1.raw', extensionImage({ name: 'x', files: {} }));
    publisher.put('other_1.raw', versionOf('name', '1'));
    publisher.put('cut_1.raw.xz', pack('xz', versionOf('cut', '1')).subarray(0, 100));
    publisher.put('bad_1.tar', tarOf(member({ name: '../escape', type: '0' })));
    publisher.put('100%_1.raw', versionOf('100%', '1'));
    const before = publisher.picture();
    const { status, stdout, stderr } = await run(signed());
    expect([status, stdout]).toEqual([13, 'Nothing was written.\n']);
    for (const text of [
      '"100%_1.raw": "%" in the name',
      'html_1.raw: not an extension image: looks like an HTML page',
      'other_1.raw: its release file is named name: expected other_1,',
      'cut_1.raw.xz: the compressed payload is damaged',
      'bad_1.tar: "../escape"',
    ]) {
      expect(stderr).toContain(`extupdate: ${text}`);
    }
    expect(stderr).not.toContain('good_1');
    // What to do is said once for all of a kind.
    expect(stderr.match(/--allow-unsuitable=GLOB/g)).toHaveLength(1);
    expect(publisher.picture()).toBe(before);
    const { document } = await run(signed(), '--json=short');
    expect(document().errors.map(({ file, exit }) => `${file} ${exit}`)).toContain('html_1.raw 13');
  });

  it('is refused where its words are wrong', async () => {
    for (const [args, message, next] of [
      [[], 'how is the list to be signed?', '--no-sign'],
      [[signed(), '--gpg'], '--key= and --gpg: only one of them', ''],
      [['--gpg-key=x', '--no-sign'], '--gpg-key= and --no-sign: only one of them', ''],
      [['--no-sign', '--passphrase-file=/x'], '--passphrase-file= and --no-sign: only one of them', ''],
      [['--no-sign', '--best-before=2001-01-01'], '2001-01-01 is not after today', ''],
      [['--no-sign', '--root=/'], "unknown option '--root=/'", ''],
      [['--no-sign', '--offline'], "unknown option '--offline'", ''],
    ] as const) {
      const { status, stderr } = await run(...args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
      expect(stderr).toContain(next);
    }
    expect((await runProgram(['publish', '/no/such/directory', '--no-sign'])).stderr).toContain('not a directory');
    expect(publisher.names()).toEqual([]);
  });
});

describe('what clients remember', () => {
  it('a name with other content is refused, as clients that have it would', async () => {
    publisher.put('app_1.raw', versionOf('app', '1'));
    expect((await run(signed())).status).toBe(0);
    define('app', 'app_@v.raw');
    expect((await world.run(['apply', 'app'])).status).toBe(0);
    publisher.put('app_1.raw', versionOf('app', 'another'));
    const before = publisher.picture();
    const refused = await run(signed());
    expect(refused.status).toBe(12);
    expect(refused.stderr).toContain('app_1.raw: was published before with another content');
    expect(publisher.picture()).toBe(before);
    const accepted = await run(signed(), '--accept-republished');
    expect(accepted.status).toBe(0);
    expect(accepted.stderr).toContain('clients that have it refuse this one');
    expect((await world.run(['check', 'app'])).status).toBe(11);
    expect((await world.run(['apply', 'app', '--accept-republished'])).status).toBe(0);
  });
});
