/** Table S of the fault catalogue: which signatures count. Case numbers in the titles. */
import { readFileSync } from 'node:fs';
import * as openpgp from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, PolicyError, TrustError } from '../../../src/errors.ts';
import { parseKeyrings } from '../../../src/verify/keyring.ts';
import { type SignaturePolicy, verifySignature } from '../../../src/verify/signature.ts';
import { makeKey, sign, type TestKey } from '../../support/repository.ts';

const data = Buffer.from(`${'ab'.repeat(32)}  foo_1.raw\n`);
const day = 24 * 3600 * 1000;
const now = new Date();
const ago = (days: number) => new Date(now.getTime() - days * day);
const policy: SignaturePolicy = { now, allowExpiredKey: false, signedBy: [], threshold: 1 };

let good: TestKey;
let other: TestKey;
beforeAll(async () => {
  [good, other] = await Promise.all([makeKey(), makeKey()]);
});

const ring = async (...keys: TestKey[]) =>
  parseKeyrings([{ path: 'ring', bytes: Buffer.concat(keys.map((key) => key.binaryPublicKey)) }]);
const verify = async (signature: Uint8Array, keys: TestKey[], more: Partial<SignaturePolicy> = {}) =>
  verifySignature(data, signature, await ring(...keys), { ...policy, ...more }, 'SHA256SUMS.gpg');

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/openpgp/${name}`, import.meta.url));
const verifyFixture = async (signature: string, keyring: string) => {
  const keys = await parseKeyrings([{ path: keyring, bytes: fixture(keyring) }]);
  return verifySignature(fixture('SHA256SUMS'), fixture(signature), keys, policy, signature);
};

describe('accepted', () => {
  it('a good signature made by gpg', async () => {
    expect(await verifyFixture('sha256.sig', 'fixture.pgp')).toHaveLength(1);
  });

  it.each([false, true])('a good signature (armored: %s)', async (armored) => {
    const result = await verify(await sign(data, [good], { armored }), [other, good]);
    expect(result).toMatchObject([{ fingerprint: good.fingerprint }]);
  });

  it('a good RSA key of 2048 bits', async () => {
    const rsa = await makeKey({ rsaBits: 2048 });
    expect(await verify(await sign(data, [rsa]), [rsa])).toHaveLength(1);
  });

  it('36: a good signer beside an unknown one, in either order', async () => {
    expect(await verify(await sign(data, [good, other]), [good])).toHaveLength(1);
    expect(await verify(await sign(data, [other, good]), [good])).toHaveLength(1);
  });

  it('37: a good signer beside an expired key', async () => {
    const expired = await makeKey({ date: ago(30), expiresInSec: 10 * 86_400 });
    const both = Buffer.concat([await sign(data, [expired], { date: ago(25) }), await sign(data, [good])]);
    expect(await verify(both, [expired, good])).toMatchObject([{ fingerprint: good.fingerprint }]);
  });

  it('48: a good signer beside a bad signature', async () => {
    const both = Buffer.concat([await sign('something else', [other]), await sign(data, [good])]);
    expect(await verify(both, [other, good])).toHaveLength(1);
  });

  it('a threshold of two by two different keys', async () => {
    expect(await verify(await sign(data, [good, other]), [good, other], { threshold: 2 })).toHaveLength(2);
  });

  it('an expired key where AllowExpiredKey=yes', async () => {
    const expired = await makeKey({ date: ago(30), expiresInSec: 10 * 86_400 });
    const signature = await sign(data, [expired], { date: ago(25) });
    expect(await verify(signature, [expired], { allowExpiredKey: true })).toHaveLength(1);
  });

  it('a signature a few minutes ahead of this clock', async () => {
    expect(await verify(await sign(data, [good], { date: new Date(now.getTime() + 5 * 60_000) }), [good])).toHaveLength(
      1,
    );
  });
});

describe('refused', () => {
  const refused = async (
    signature: Uint8Array,
    keys: TestKey[],
    message: RegExp,
    more: Partial<SignaturePolicy> = {},
  ) => {
    const result = verify(signature, keys, more);
    await expect(result).rejects.toThrow(TrustError);
    await expect(result).rejects.toThrow(message);
  };

  it('27: an unknown key', async () => {
    await refused(await sign(data, [other]), [good], /not in the keyring/);
  });

  it('28: a key that has expired since', async () => {
    const expired = await makeKey({ date: ago(30), expiresInSec: 10 * 86_400 });
    await refused(await sign(data, [expired], { date: ago(25) }), [expired], /not valid now.*expired/);
  });

  it.each([
    ['29: a signing subkey that has expired since', 'expired-subkey.sig', 'subkeys.pgp', /not valid now/],
    ['33: a SHA-1 digest', 'sha1.sig', 'fixture.pgp', /SHA1/],
    ['34: an MD5 digest', 'md5.sig', 'fixture.pgp', /MD5/],
  ])('%s (made by gpg)', async (_, signature, keyring, message) => {
    const result = verifyFixture(signature, keyring);
    await expect(result).rejects.toThrow(TrustError);
    await expect(result).rejects.toThrow(message);
  });

  it('31: a signature that has expired itself, as a matter of policy (made by gpg)', async () => {
    const result = verifyFixture('expiring.sig', 'fixture.pgp');
    await expect(result).rejects.toThrow(PolicyError);
    await expect(result).rejects.toThrow('expired at 2025-01-15');
  });

  it('30: a revoked key', async () => {
    const signature = await sign(data, [good], { date: ago(5) });
    const { publicKey } = await openpgp.revokeKey({ key: good.privateKey, format: 'object' });
    const revoked = { ...good, binaryPublicKey: publicKey.write() };
    await refused(signature, [revoked], /revoked/);
  });

  it('30: a key revoked as retired, signature older', async () => {
    const signature = await sign(data, [good], { date: ago(5) });
    const { publicKey } = await openpgp.revokeKey({
      key: good.privateKey,
      reasonForRevocation: { flag: openpgp.enums.reasonForRevocation.keyRetired },
      format: 'object',
    });
    await refused(signature, [{ ...good, binaryPublicKey: publicKey.write() }], /revoked/);
  });

  it('35: RSA with 1024 bits', async () => {
    const weak = await makeKey({ rsaBits: 1024 });
    await refused(await sign(data, [weak]), [weak], /1024|bits|insufficient|weak/i);
  });

  it('38: a signature over other content', async () => {
    await refused(await sign('something else', [good]), [good], /bad signature/);
  });

  it('39: clear-signed text', async () => {
    const text = await openpgp.createCleartextMessage({ text: data.toString() });
    const signed = await openpgp.sign({ message: text, signingKeys: [good.privateKey] });
    await refused(Buffer.from(signed as string), [good], /not a detached/);
  });

  it('40: an inline-signed message', async () => {
    const message = await openpgp.createMessage({ binary: data });
    const signed = (await openpgp.sign({ message, signingKeys: [good.privateKey], format: 'binary' })) as Uint8Array;
    await refused(signed, [good], /not a detached|holds no signature/);
  });

  it.each([
    ['41: empty', async () => Buffer.alloc(0)],
    ['42: truncated', async () => (await sign(data, [good])).subarray(0, 40)],
    ['43: random', async () => Buffer.alloc(120, 0x5a)],
    ['text', async () => Buffer.from('<html>no signature</html>')],
  ])('%s signature', async (_, signature) => {
    await refused(await signature(), [good], /SHA256SUMS\.gpg: /);
  });

  it('a threshold of two by one key that signs twice', async () => {
    const twice = Buffer.concat([await sign(data, [good]), await sign(data, [good])]);
    await refused(twice, [good], /signed by 1 of 2/, { threshold: 2 });
  });

  it('a key that SignedBy= does not name', async () => {
    await refused(await sign(data, [good]), [good, other], /SignedBy=/, { signedBy: [other.fingerprint] });
    expect(await verify(await sign(data, [good]), [good], { signedBy: [good.fingerprint] })).toHaveLength(1);
  });

  it('a signature older than MaxManifestAgeSec=, as a matter of policy', async () => {
    const signature = await sign(data, [good], { date: ago(10) });
    expect(await verify(signature, [good], { maxAgeSec: 11 * 86_400 })).toHaveLength(1);
    await expect(verify(signature, [good], { maxAgeSec: 9 * 86_400 })).rejects.toThrow(PolicyError);
    await expect(verify(signature, [good], { maxAgeSec: 9 * 86_400 })).rejects.toThrow('MaxManifestAgeSec=');
  });

  it('32: a signature of the future, as a matter of the clock', async () => {
    const signature = await sign(data, [good], { date: new Date(now.getTime() + 20 * 60_000) });
    await expect(verify(signature, [good])).rejects.toThrow(PolicyError);
    await expect(verify(signature, [good])).rejects.toThrow(/signed in the future/);
  });
});

describe('keyrings', () => {
  it('45: armored, several blocks in one file', async () => {
    const bytes = Buffer.from(`${good.armoredPublicKey}\n${other.armoredPublicKey}`);
    expect(await parseKeyrings([{ path: 'ring.asc', bytes }])).toHaveLength(2);
  });

  it.each([
    ['44: empty', Buffer.alloc(0)],
    ['text', Buffer.from('no key')],
    ['random', Buffer.alloc(64, 0x99)],
  ])('refuses one that is %s', async (_, bytes) => {
    await expect(parseKeyrings([{ path: '/etc/ring', bytes }])).rejects.toThrow(ConfigError);
    await expect(parseKeyrings([{ path: '/etc/ring', bytes }])).rejects.toThrow('/etc/ring');
  });
});
