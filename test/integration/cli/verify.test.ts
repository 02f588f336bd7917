/** `verify`: which keys and signatures count, and whether what is installed is still what was installed. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as openpgp from 'openpgp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SourceDocument } from '../../../src/cli/verify-commands.ts';
import type { FileVerdict } from '../../../src/verify-installed.ts';
import { extensionImage } from '../../support/images.ts';
import { makeKey, sign, type TestKey } from '../../support/repository.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

const image = (version: string, name = 'app') =>
  extensionImage({ name, release: { ID: 'testos', VERSION_ID: '1' }, files: { 'usr/share/v': version } });
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

let world: World;

function define(name: string, more: Parameters<typeof definition>[0] = {}): void {
  const { Source, Target, ...rest } = more;
  const sections = {
    Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw`, ...Source },
    Target: { Path: `/var/lib/extensions/${name}.raw.v`, MatchPattern: `${name}_@v.raw`, ...Target },
    ...rest,
  };
  world.write(`etc/extupdate/transfer.d/${name}.transfer`, definition(sections));
}

const ring = (...keys: readonly { readonly binaryPublicKey: Uint8Array }[]) =>
  world.write('etc/systemd/import-pubring.pgp', Buffer.concat(keys.map(({ binaryPublicKey }) => binaryPublicKey)));

/** The whole document of a command, which has more than what all commands have. */
async function ask<T>(...args: readonly string[]): Promise<{ status: number; document: T & { errors: unknown[] } }> {
  const result = await world.run([...args, '--json=short']);
  return { status: result.status, document: JSON.parse(result.stdout) };
}
const askSources = async (...args: readonly string[]) => {
  const { status, document } = await ask<{ sources: SourceDocument[] }>('verify', ...args);
  return { status, sources: document.sources, errors: document.errors as { exit: number; message: string }[] };
};

describe('verify', () => {
  let expired: TestKey;
  let revoked: { readonly binaryPublicKey: Uint8Array; readonly fingerprint: string };
  let revokedKey: TestKey;
  beforeAll(async () => {
    world = await makeWorld();
    expired = await makeKey({ date: daysAgo(30), expiresInSec: 20 * 86_400 });
    revokedKey = await makeKey();
    const { publicKey } = await openpgp.revokeKey({ key: revokedKey.privateKey, format: 'object' });
    revoked = { binaryPublicKey: publicKey.write(), fingerprint: revokedKey.fingerprint };
    ring(world.key, expired, revoked);
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    define('app');
    await world.publish('app', { 'app_1.raw': image('1') });
  });
  const putSignature = (content: Uint8Array) => writeFileSync(join(world.published, 'app', 'SHA256SUMS.gpg'), content);
  const list = () => readFileSync(join(world.published, 'app', 'SHA256SUMS'));

  it('says which keys would count, from which file, and why others would not', async () => {
    const { status, sources } = await askSources();
    expect(status).toBe(0);
    const [source, ...others] = sources;
    expect(others).toEqual([]);
    expect(source).toMatchObject({
      component: 'app',
      source: `${world.server.url}/app`,
      trust: 'signature',
      accepted: true,
      threshold: 1,
      signedBy: [],
      signatureName: 'SHA256SUMS.gpg',
      signatures: [{ fingerprint: world.key.fingerprint, accepted: true, reason: { code: 'accepted' } }],
    });
    const files = ['/etc/systemd/import-pubring.pgp'];
    const userIds = ['Test publisher <publisher@example.com>'];
    expect(source?.keys).toMatchObject([
      { fingerprint: world.key.fingerprint, userIds, files, expires: null, accepted: true },
      { fingerprint: expired.fingerprint, files, accepted: false, reason: { code: 'key-expired' } },
      { fingerprint: revoked.fingerprint, files, accepted: false, reason: { code: 'key-revoked' } },
    ]);
    expect(source?.keys[1]?.expires?.slice(0, 10)).toBe(daysAgo(10).toISOString().slice(0, 10));
  });

  it('says of each signature whether it counts, and of the list whether a run would take it', async () => {
    const stranger = await makeKey();
    const signatures = [
      await sign(list(), [stranger]),
      await sign(list(), [expired], { date: daysAgo(25) }),
      await sign('something else', [world.key]),
    ];
    putSignature(Buffer.concat(signatures));
    const { status, sources, errors } = await askSources('app');
    expect(status).toBe(11);
    expect(errors).toMatchObject([{ component: 'app', exit: 11 }]);
    expect(sources[0]?.accepted).toBe(false);
    expect(sources[0]?.signatures).toMatchObject([
      { fingerprint: null, accepted: false, reason: { code: 'unknown-key' } },
      { fingerprint: expired.fingerprint, accepted: false, reason: { code: 'key-expired' } },
      { fingerprint: world.key.fingerprint, accepted: false, reason: { code: 'bad-signature' } },
    ]);
    const text = await world.run(['verify']);
    expect(text.stdout).toMatch(/^app: http\S+\/app: refused, signed by 0 of 1 required key in SHA256SUMS\.gpg\n/);
    expect(text.stdout).toContain(world.key.fingerprint);
    expect(text.stderr).toMatch(/^extupdate: app: .*\n {2}\S/);
  });

  it('goes by what the source asks for', async () => {
    define('app', {
      'X-Extupdate': {
        SignedBy: `${expired.fingerprint} ${world.key.fingerprint}`,
        AllowExpiredKey: 'yes',
        Threshold: '2',
      },
    });
    putSignature(
      Buffer.concat([await sign(list(), [expired], { date: daysAgo(25) }), await sign(list(), [world.key])]),
    );
    const { status, sources } = await askSources();
    expect(status).toBe(0);
    expect(sources[0]).toMatchObject({ accepted: true, threshold: 2 });
    const verdicts = sources[0]?.keys.map(({ accepted, reason }) => [accepted, reason.text]);
    expect(verdicts).toEqual([
      [true, 'may sign'],
      [true, 'has expired, and AllowExpiredKey=yes'],
      [false, 'SignedBy= does not name it'],
    ]);
  });

  it('judges the saved list with --offline', async () => {
    expect(await world.run(['check'])).toMatchObject({ status: 0 });
    const before = world.server.requests.length;
    const { status, sources } = await askSources('--offline');
    expect({ status, accepted: sources[0]?.signatures[0]?.accepted }).toEqual({ status: 0, accepted: true });
    expect(world.server.requests.length).toBe(before);
    // The key is revoked since.
    const { publicKey } = await openpgp.revokeKey({ key: world.key.privateKey, format: 'object' });
    world.write('usr/lib/systemd/import-pubring.pgp', publicKey.write());
    const after = await askSources('--offline');
    expect(after.status).toBe(11);
    expect(after.sources[0]?.signatures[0]?.reason.code).toBe('key-revoked');
    expect(after.sources[0]?.keys[0]?.files).toHaveLength(2);
    rmSync(join(world.root, 'usr/lib/systemd'), { recursive: true });
  });

  it('says when there is no keyring, no signature, or no server', async () => {
    rmSync(join(world.published, 'app/SHA256SUMS.gpg'));
    const unsigned = await askSources();
    expect(unsigned).toMatchObject({ status: 11, sources: [{ accepted: false, signatureName: null, signatures: [] }] });
    expect(unsigned.sources[0]?.keys).toHaveLength(3);
    rmSync(join(world.published, 'app'), { recursive: true });
    expect((await askSources()).status).toBe(10);
    await world.publish('app', { 'app_1.raw': image('1') });
    rmSync(join(world.root, 'etc/systemd/import-pubring.pgp'));
    expect(await askSources()).toMatchObject({ status: 3, sources: [{ keys: [] }] });
    ring(world.key, expired, revoked);
  });

  it('says how other sources are trusted', async () => {
    define('app', { Transfer: { Verify: 'no' } });
    mkdirSync(join(world.root, 'srv'), { recursive: true });
    define('here', { Source: { Type: 'regular-file', Path: '/srv', MatchPattern: 'here_@v.raw' } });
    const { status, sources } = await askSources();
    expect(status).toBe(0);
    expect(sources).toMatchObject([
      { component: 'app', trust: 'server', accepted: true, keys: [] },
      { component: 'here', source: '/srv', trust: 'local', accepted: true, keys: [] },
    ]);
    rmSync(join(world.root, 'etc/extupdate/transfer.d/here.transfer'));
  });
});

describe('verify --installed', () => {
  beforeEach(async () => {
    world = await makeWorld();
    define('app');
    define('packed', { Source: { MatchPattern: 'packed_@v.raw.gz' } });
    await world.publish('app', { 'app_1.raw': image('1') });
    await world.publish('packed', { 'packed_1.raw.gz': gzipSync(image('1', 'packed')) });
    expect(await world.run(['apply'])).toMatchObject({ status: 0 });
  });
  afterEach(() => world.close());

  const file = (name: string) => join(world.root, `var/lib/extensions/${name}.raw.v/${name}_1.raw`);
  const damage = (name: string) => {
    const content = readFileSync(file(name));
    content[content.length - 1] = (content.at(-1) as number) ^ 1;
    writeFileSync(file(name), content);
  };
  const askFiles = async () => {
    const { status, document } = await ask<{ files: FileVerdict[] }>('verify', '--installed');
    return {
      status,
      states: document.files.map(({ component, state }) => [component, state]),
      errors: document.errors,
    };
  };

  it('finds what was damaged, though its size is the same, and apply NAME@VERSION puts it right', async () => {
    const requests = world.server.requests.length;
    expect(await askFiles()).toMatchObject({
      status: 0,
      states: [
        ['app', 'intact'],
        ['packed', 'intact'],
      ],
    });
    expect(world.server.requests.length).toBe(requests);
    for (const name of ['app', 'packed']) damage(name);
    expect(await askFiles()).toMatchObject({
      status: 11,
      states: [
        ['app', 'damaged'],
        ['packed', 'damaged'],
      ],
    });
    const told = await world.run(['verify', '--installed', 'app']);
    expect(told.stderr).toBe(
      'extupdate: app: /var/lib/extensions/app.raw.v/app_1.raw: its content is not what was installed\n' +
        '  extupdate apply app@1 installs it anew, when it is offered\n',
    );
    expect(await world.run(['apply', 'app@1', 'packed@1'])).toMatchObject({ status: 0 });
    expect(await askFiles()).toMatchObject({
      status: 0,
      states: [
        ['app', 'intact'],
        ['packed', 'intact'],
      ],
      errors: [],
    });
    expect(readFileSync(file('app')).equals(image('1'))).toBe(true);
  });

  it('finds what is cut off, and what is gone', async () => {
    writeFileSync(file('app'), image('1').subarray(0, 100));
    rmSync(file('packed'));
    const { status, states } = await askFiles();
    expect(states).toEqual([
      ['app', 'damaged'],
      ['packed', 'missing'],
    ]);
    expect(status).toBe(15);
    expect(await world.run(['apply', 'app@1', 'packed@1'])).toMatchObject({ status: 0 });
    expect(await askFiles()).toMatchObject({ status: 0 });
  });

  it('says where there is nothing to compare with', async () => {
    world.write('var/lib/extensions/app.raw.v/app_0.raw', image('0'));
    const { status, states } = await askFiles();
    expect(status).toBe(0);
    expect(states).toContainEqual(['app', 'unknown']);
  });
});
