/** Who signs a list: keys in files, gpg, nobody; and what clients would not take. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeSignatures } from '../../../src/verify/signature.ts';
import { type Gpg, gpgVerify, makePublisher, type Publisher, versionOf, withGpgHome } from '../../support/publisher.ts';
import { makeKey, sign, type TestKey } from '../../support/repository.ts';
import { runProgram } from '../../support/world.ts';

const DAY = 86_400_000;

let publisher: Publisher;
let scratch: string;
beforeEach(async () => {
  publisher = await makePublisher();
  publisher.put('app_1.raw', versionOf('app', '1'));
  scratch = mkdtempSync(join(tmpdir(), 'extupdate-signing-'));
});
afterEach(() => {
  publisher.close();
  rmSync(scratch, { recursive: true });
});

/** Puts something into a file. @returns its path */
function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(scratch, name), content);
  return join(scratch, name);
}
const armored = ({ privateKey }: TestKey) => file('key.asc', privateKey.armor());
const withKey = (path: string, passphraseFile?: string) =>
  publisher.publish({ signing: { by: 'key', file: path, passphraseFile } });

/** What clients say of the signature that is there. */
async function verdicts(key: Pick<TestKey, 'binaryPublicKey'>) {
  const place = (name: string) => readFileSync(join(publisher.directory, name));
  const certificate = await openpgp.readKey({ binaryKey: key.binaryPublicKey });
  const policy = { now: new Date(), allowExpiredKey: false, signedBy: [] };
  const judged = await judgeSignatures(
    place('SHA256SUMS'),
    place('SHA256SUMS.gpg'),
    [certificate],
    policy,
    'signature',
  );
  return judged.map(({ accepted }) => accepted);
}

describe('a key in a file', () => {
  it.each([
    ['armored', (key: TestKey) => key.privateKey.armor()],
    ['binary', (key: TestKey) => key.privateKey.write()],
  ])('signs, %s', async (_, form) => {
    const { signedBy } = await withKey(file('key', form(publisher.key)));
    expect(signedBy).toBe(publisher.key.fingerprint);
    expect(await verdicts(publisher.key)).toEqual([true]);
    await gpgVerify(publisher.directory, publisher.key);
  });

  it('signs with its passphrase, and is refused without it or with another', async () => {
    const privateKey = await openpgp.encryptKey({ privateKey: publisher.key.privateKey, passphrase: 'open sesame' });
    const path = file('locked.asc', privateKey.armor());
    await expect(withKey(path)).rejects.toMatchObject({ exit: 3, message: expect.stringContaining('by a passphrase') });
    await expect(withKey(path, file('wrong', 'shut\n'))).rejects.toMatchObject({
      exit: 3,
      message: `${path}: the passphrase in ${join(scratch, 'wrong')} does not open it`,
    });
    expect(publisher.names()).toEqual(['app_1.raw']);
    await withKey(path, file('passphrase', 'open sesame\nnot this\n'));
    expect(await verdicts(publisher.key)).toEqual([true]);
  });

  it.each<[string, () => Promise<string | Uint8Array>, string]>([
    [
      'expired',
      async () => (await makeKey({ date: new Date(Date.now() - 9 * DAY), expiresInSec: 86_400 })).privateKey.armor(),
      'expired',
    ],
    ['weak', async () => (await makeKey({ rsaBits: 1024 })).privateKey.armor(), 'RSA of 1024 bits is too weak'],
    [
      'revoked',
      async () => {
        const { privateKey } = await openpgp.revokeKey({ key: (await makeKey()).privateKey, format: 'object' });
        return privateKey.armor();
      },
      'revoked',
    ],
    [
      'of a form that gpg does not know',
      () => generated({ type: 'curve25519' }),
      'does not know ed25519 keys in the form of',
    ],
    ['of version 6', () => generated({ type: 'curve25519', config: { v6Keys: true } }), 'no OpenPGP keys of version 6'],
    ['public', async () => publisher.key.armoredPublicKey, 'not an OpenPGP secret key'],
    ['no key', async () => 'hello\n', 'not an OpenPGP secret key'],
    ['empty', async () => '', 'not an OpenPGP secret key'],
    [
      'two',
      async () => Buffer.concat([publisher.key, await makeKey()].map(({ privateKey }) => privateKey.write())),
      'holds 2 secret keys',
    ],
  ])('that is %s is refused, and nothing is written', async (_, make, message) => {
    const path = file('bad', await make());
    await expect(withKey(path)).rejects.toMatchObject({ exit: 3, message: expect.stringContaining(message) });
    expect(publisher.names()).toEqual(['app_1.raw']);
  });

  async function generated(options: object): Promise<string> {
    const { privateKey } = await openpgp.generateKey({ userIDs: [{ name: 'x' }], format: 'object', ...options });
    return privateKey.armor();
  }

  it('that is not there is refused', async () => {
    await expect(withKey(join(scratch, 'none'))).rejects.toMatchObject({ exit: 3 });
    await expect(withKey(scratch)).rejects.toMatchObject({ exit: 3 });
  });

  it('that expires soon is told of', async () => {
    const soon = await makeKey({ date: new Date(Date.now() - DAY), expiresInSec: 11 * 86_400 });
    expect((await withKey(armored(soon))).notices).toEqual([expect.stringMatching(/^the key expires on 20/)]);
    // Not only when something is signed.
    expect((await withKey(armored(soon))).notices).toHaveLength(1);
  });
});

describe('gpg', () => {
  const inGpg = (
    operation: (gpg: Gpg, fingerprint: string) => Promise<void>,
    more: readonly string[] = ['--passphrase='],
  ) =>
    withGpgHome(async (gpg) => {
      await gpg([
        ...more,
        '--pinentry-mode=loopback',
        '--quick-generate-key',
        'Publisher <p@example.com>',
        'ed25519',
        'sign',
      ]);
      const { stdout } = await gpg(['--with-colons', '--list-secret-keys']);
      await operation(gpg, (/^fpr:+([0-9A-F]+):/m.exec(stdout)?.[1] ?? '').toLowerCase());
    });
  const run = (gpg: Gpg, ...args: readonly string[]) =>
    runProgram(['publish', publisher.directory, ...args], { env: { GNUPGHOME: gpg.home } });
  const exported = async (gpg: Gpg) => {
    const certificate = join(gpg.home, 'exported');
    await gpg(['--yes', '--output', certificate, '--export']);
    return { binaryPublicKey: readFileSync(certificate) };
  };

  it('signs with its default key, or the one that is named, and is not asked again when nothing has changed', () =>
    inGpg(async (gpg, fingerprint) => {
      const first = await run(gpg, '--gpg', '--json=short');
      expect([first.status, JSON.parse(first.stdout).signedBy]).toEqual([0, fingerprint]);
      await gpgVerify(publisher.directory, await exported(gpg));
      expect(await verdicts(await exported(gpg))).toEqual([true]);
      const before = publisher.picture();
      for (const way of ['--gpg', '--gpg-key=p@example.com', `--gpg-key=${fingerprint}`]) {
        const again = await run(gpg, way);
        expect(again.stdout).toMatch(/^Nothing to do: 2 unchanged; signed by [0-9a-f]{40}\.\n$/);
      }
      expect(publisher.picture()).toBe(before);
    }));

  it('signs with a passphrase from a file', () =>
    inGpg(
      async (gpg) => {
        const { status, stderr } = await run(gpg, '--gpg', `--passphrase-file=${file('passphrase', 'secret')}`);
        expect([status, stderr]).toEqual([0, '']);
        expect(await verdicts(await exported(gpg))).toEqual([true]);
      },
      ['--passphrase=secret'],
    ));

  it('that cannot sign is told of in one line, and nothing is written', () =>
    inGpg(async (gpg) => {
      const unknown = await run(gpg, '--gpg-key=nobody@example.com');
      expect(unknown.status).toBe(3);
      expect(unknown.stderr).toMatch(/^extupdate: gpg cannot sign: .*No secret key\n {2}gpg --list-secret-keys .*\n$/);
      // The lock needs flock(1).
      symlinkSync(execFileSync('sh', ['-c', 'command -v flock'], { encoding: 'utf8' }).trim(), join(scratch, 'flock'));
      const without = await runProgram(['publish', publisher.directory, '--gpg'], { env: { PATH: scratch } });
      expect([without.status, without.stderr]).toEqual([3, expect.stringContaining('gpg is not installed')]);
      expect(publisher.names()).toEqual(['app_1.raw']);
    }));

  it('whose key clients would refuse signs for nothing', () =>
    withGpgHome(async (gpg) => {
      const parameters = ['%no-protection', 'Key-Type: RSA', 'Key-Length: 1024', 'Key-Usage: sign', 'Name-Real: Weak'];
      await gpg(['--generate-key', file('parameters', `${parameters.join('\n')}\n%commit\n`)]);
      const { status, stderr } = await run(gpg, '--gpg');
      expect(status).toBe(3);
      expect(stderr).toContain('clients would refuse the signature: ');
      expect(stderr).toContain('RSA of 1024 bits is too weak');
      expect(publisher.names()).toEqual(['app_1.raw']);
    }));

  it('exports a signing subkey without its primary key, and that signs as a file', () =>
    inGpg(async (gpg, fingerprint) => {
      await gpg([
        '--passphrase=',
        '--pinentry-mode=loopback',
        '--quick-add-key',
        fingerprint.toUpperCase(),
        'ed25519',
        'sign',
      ]);
      const path = join(scratch, 'subkeys.asc');
      await gpg(['--passphrase=', '--pinentry-mode=loopback', '--armor', '--output', path, '--export-secret-subkeys']);
      expect((await withKey(path)).signedBy).toBe(fingerprint);
      await gpgVerify(publisher.directory, await exported(gpg));
    }));
});

describe('the signature that is there', () => {
  it('stays where it is good and nothing has changed; --renew makes it anew', async () => {
    await publisher.publish();
    const before = publisher.picture();
    expect(await publisher.publish()).toMatchObject({ listChanged: false, signed: false });
    expect(publisher.picture()).toBe(before);
    const list = publisher.read('SHA256SUMS');
    expect(await publisher.publish({ renew: true })).toMatchObject({ listChanged: false, signed: true });
    expect(publisher.picture()).not.toBe(before);
    expect(publisher.read('SHA256SUMS')).toBe(list);
    expect(await verdicts(publisher.key)).toEqual([true]);
  });

  it.each<[string, () => Promise<Uint8Array> | Uint8Array]>([
    ['is of another list', () => sign('another list\n', [publisher.key])],
    ['is by another key', async () => sign(publisher.read('SHA256SUMS'), [await makeKey()])],
    ['is by another key, too', async () => sign(publisher.read('SHA256SUMS'), [publisher.key, await makeKey()])],
    ['is damaged', () => Buffer.from('no signature')],
    ['is empty', () => Buffer.alloc(0)],
  ])('is made anew where it %s', async (_, make) => {
    await publisher.publish();
    publisher.put('SHA256SUMS.gpg', await make());
    expect(await publisher.publish()).toMatchObject({ listChanged: false, signed: true });
    expect(await verdicts(publisher.key)).toEqual([true]);
  });

  it('goes where clients would ask for it first, or still', async () => {
    await publisher.publish();
    const stale = ['SHA256SUMS.asc', 'SHA256SUMS.sha256.asc', 'SHA256SUMS.sha256.gpg'];
    for (const name of stale) publisher.put(name, publisher.read('SHA256SUMS.gpg'));
    publisher.put('SHA256SUMS.minisig', 'somebody else’s');
    const { removed, notices, listChanged } = await publisher.publish();
    expect([removed.toSorted(), listChanged]).toEqual([stale, false]);
    expect(notices.join('\n')).toContain('SHA256SUMS.sha256.asc');
    expect(publisher.names()).toEqual([
      'SHA256SUMS',
      'SHA256SUMS.gpg',
      'SHA256SUMS.minisig',
      'app_1.raw',
      'app_1.raw.json',
    ]);
  });

  it('goes where the list is not signed any more, which is told', async () => {
    await publisher.publish();
    const { removed, notices, signedBy } = await publisher.publish({ signing: { by: 'nobody' } });
    expect([removed, signedBy]).toEqual([['SHA256SUMS.gpg'], undefined]);
    expect(notices).toEqual(['the list was signed until now: clients that verify it will refuse it']);
    expect(await publisher.publish({ signing: { by: 'nobody' } })).toMatchObject({ removed: [], notices: [] });
  });

  it('that is newer than the clock of this machine is not replaced: clients would take the list for an old one', async () => {
    await publisher.publish();
    const ahead = new Date(Date.now() + 2 * DAY);
    publisher.put('SHA256SUMS.gpg', await sign(publisher.read('SHA256SUMS'), [publisher.key], { date: ahead }));
    publisher.put('app_2.raw', versionOf('app', '2'));
    const before = publisher.picture();
    await expect(publisher.publish()).rejects.toMatchObject({
      exit: 12,
      message: expect.stringContaining('the list that is there was signed at'),
      next: expect.stringContaining('set the clock'),
    });
    expect(publisher.picture()).toBe(before);
  });
});
