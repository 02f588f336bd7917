/** The fault catalogue, S: signatures, in whole runs (reliability.md section 2); signature-corpus.test.ts has the rest. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeKey, sign, type TestKey } from '../support/repository.ts';
import { imageOf, makeScene, type Scene } from '../support/scene.ts';

const RING = 'etc/systemd/import-pubring.pgp';
const day = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * day);

let scene: Scene;

const list = (name = 'app') => readFileSync(join(scene.world.published, name, 'SHA256SUMS'));
/** Puts a signature of its own beside the list of `app`. */
const putSignature = (content: Uint8Array | string) =>
  writeFileSync(join(scene.world.published, 'app', 'SHA256SUMS.gpg'), content);
const trust = (...keys: readonly { readonly binaryPublicKey: Uint8Array }[]) =>
  scene.world.write(RING, Buffer.concat(keys.map(({ binaryPublicKey }) => binaryPublicKey)));
/** The publisher signs again as it should. */
const mend = () => scene.publish({ 1: imageOf('1'), 2: imageOf('2') });
const accepted = async () => {
  expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
  scene.expectActive('2');
};

/** A signature that expires, which openpgp's own functions do not make. */
async function signUntil(data: Uint8Array, { privateKey }: TestKey, date: Date, seconds: number): Promise<Uint8Array> {
  const packet = new openpgp.SignaturePacket();
  Object.assign(packet, {
    signatureType: openpgp.enums.signature.binary,
    publicKeyAlgorithm: privateKey.keyPacket.algorithm,
    hashAlgorithm: openpgp.enums.hash.sha512,
    signatureExpirationTime: seconds,
    signatureNeverExpires: false,
  });
  const [literal] = (await openpgp.createMessage({ binary: Buffer.from(data) })).packets;
  const { sign: signPacket } = packet as unknown as { sign(...words: unknown[]): Promise<void> };
  await signPacket.call(packet, privateKey.keyPacket, literal, date, true, openpgp.config);
  const packets = new openpgp.PacketList<openpgp.SignaturePacket>();
  packets.push(packet);
  return new openpgp.Signature(packets).write() as Uint8Array;
}

describe('S', () => {
  beforeEach(async () => {
    scene = await makeScene();
  });
  afterEach(() => scene.close());

  it('S27: a key that is not in the keyring', async () => {
    putSignature(await sign(list(), [await makeKey()]));
    await scene.suffer({ exit: 11, message: /SHA256SUMS\.gpg: signed by the key [0-9a-f]{16}, which is not in/, mend });
  });

  it('S28: a key that has expired since, unless the source allows it', async () => {
    const expired = await makeKey({ date: ago(30), expiresInSec: 20 * 86_400 });
    trust(scene.world.key, expired);
    putSignature(await sign(list(), [expired], { date: ago(25) }));
    // Nothing that was signed later has been seen.
    rmSync(join(scene.world.root, 'var/lib/extupdate/sources'), { recursive: true });
    const told = await scene.suffer({
      exit: 11,
      message: /is not valid now: .*expired/,
      // For this source only: what others do is no concern of it.
      mend: () => scene.define('app', { 'X-Extupdate': { AllowExpiredKey: 'yes' } }),
      next: /AllowExpiredKey=yes/,
    });
    expect(told.stderr).toContain(expired.fingerprint);
  });

  it('S30: a key that was revoked, in the vendor’s ring only', async () => {
    const key = await makeKey();
    putSignature(await sign(list(), [key], { date: ago(5) }));
    const { publicKey } = await openpgp.revokeKey({ key: key.privateKey, format: 'object' });
    trust(scene.world.key, key);
    scene.world.write('usr/lib/systemd/import-pubring.pgp', publicKey.write());
    await scene.suffer({ exit: 11, message: /the key was revoked/, mend });
  });

  it('S31: a signature that has expired itself', async () => {
    putSignature(await signUntil(list(), scene.world.key, ago(10), 5 * 86_400));
    await scene.suffer({ exit: 12, message: /the signature expired at/, mend });
  });

  it('S32: a signature of the future', async () => {
    putSignature(await sign(list(), [scene.world.key], { date: new Date(Date.now() + 20 * 60_000) }));
    await scene.suffer({ exit: 12, message: /signed in the future/, next: /clock/, mend });
  });

  it('S36: a rotation: the old key and an unknown new one sign, in either order', async () => {
    const stranger = await makeKey();
    putSignature(await sign(list(), [stranger, scene.world.key]));
    await accepted();
    await scene.publish({ 1: imageOf('1'), 2: imageOf('2') });
    putSignature(await sign(list(), [scene.world.key, stranger]));
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
  });

  it('S38: a signature over other content', async () => {
    putSignature(await sign('something else', [scene.world.key]));
    await scene.suffer({ exit: 11, message: /bad signature by/, mend });
  });

  it('S41: an empty signature', async () => {
    putSignature('');
    await scene.suffer({ exit: 11, message: /SHA256SUMS\.gpg: holds no signature/, mend });
  });

  it('S44: a keyring that is empty', async () => {
    scene.world.write(RING, '');
    const message = /\/etc\/systemd\/import-pubring\.pgp: the keyring holds no key/;
    await scene.suffer({ exit: 3, message, everywhere: true, mend: () => trust(scene.world.key) });
  });

  it('S45: an armored keyring', async () => {
    scene.world.write(RING, scene.world.key.armoredPublicKey);
    await accepted();
  });

  it('S48: a bad signature beside a good one, with a warning', async () => {
    const other = await makeKey();
    trust(scene.world.key, other);
    putSignature(Buffer.concat([await sign('something else', [other]), await sign(list(), [scene.world.key])]));
    const result = await scene.world.run(['apply']);
    expect(result.stderr).toMatch(/bad signature by [0-9a-f]{16}.*the good one counts/);
    scene.expectActive('2');
  });

  it('S53: no signature at all', async () => {
    rmSync(join(scene.world.published, 'app', 'SHA256SUMS.gpg'));
    await scene.suffer({ exit: 11, message: /SHA256SUMS: has no signature/, mend });
  });

  it('S55: the list of another repository, whose key this one does not name', async () => {
    const other = await makeKey();
    trust(scene.world.key, other);
    scene.define('app', { 'X-Extupdate': { SignedBy: scene.world.key.fingerprint } });
    const own = list();
    writeFileSync(join(scene.world.published, 'app', 'SHA256SUMS'), own);
    putSignature(await sign(own, [other]));
    await scene.suffer({ exit: 11, message: new RegExp(`${other.fingerprint}, which SignedBy= does not name`), mend });
  });

  it('S57: the new key is in the new OS image only, and the old one in /etc', async () => {
    const fresh = await makeKey();
    scene.world.write('usr/lib/systemd/import-pubring.pgp', fresh.binaryPublicKey);
    putSignature(await sign(list(), [fresh]));
    await accepted();
    await scene.world.publish(
      'app',
      { 'app_1.raw': imageOf('1'), 'app_2.raw': imageOf('2') },
      { key: scene.world.key },
    );
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
  });

  it('S–: a verifier of the VOA hierarchy for this component only, masked later', async () => {
    const key = await makeKey();
    const here = (context: string) => `etc/voa/testos/image/${context}/openpgp/${key.fingerprint}.openpgp`;
    scene.world.write(here('other'), key.armoredPublicKey);
    putSignature(await sign(list(), [key]));
    await scene.suffer({
      exit: 11,
      message: /not in the keyring/,
      mend: () => scene.world.write(here('app'), key.armoredPublicKey),
    });
  });
});

describe('S, one after the other', () => {
  beforeAll(async () => {
    scene = await makeScene();
  });
  afterAll(() => scene.close());
  afterEach(async () => {
    rmSync(join(scene.world.root, RING), { recursive: true, force: true });
    rmSync(join(scene.world.root, 'etc/extupdate.conf'), { force: true });
    trust(scene.world.key);
    scene.define('app');
    await mend();
  });

  const refused = async (exit: number, message: RegExp) => {
    const result = await scene.world.run(['apply', 'app']);
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ status: exit });
    scene.expectActive('1');
  };

  it.each([
    ['retired', openpgp.enums.reasonForRevocation.keyRetired],
    ['compromised', openpgp.enums.reasonForRevocation.keyCompromised],
  ])('S30: a key that was revoked as %s, with the publisher’s words', async (_, flag) => {
    const key = await makeKey();
    putSignature(await sign(list(), [key], { date: ago(5) }));
    const reasonForRevocation = { flag, string: 'see example.com' };
    const { publicKey } = await openpgp.revokeKey({ key: key.privateKey, reasonForRevocation, format: 'object' });
    trust({ binaryPublicKey: publicKey.write() });
    await refused(11, /the key was revoked \(see example\.com\)/);
  });

  it('S28: a source that allows no expired key, where extupdate.conf allows them', async () => {
    const expired = await makeKey({ date: ago(30), expiresInSec: 20 * 86_400 });
    trust(expired);
    putSignature(await sign(list(), [expired], { date: ago(25) }));
    scene.world.write('etc/extupdate.conf', '[Extupdate]\nAllowExpiredKey=yes\n');
    scene.define('app', { 'X-Extupdate': { AllowExpiredKey: 'no' } });
    await refused(11, /expired/);
  });

  it('S35: a key that is too weak', async () => {
    const weak = await makeKey({ rsaBits: 1024 });
    trust(weak);
    putSignature(await sign(list(), [weak]));
    await refused(11, /RSA of 1024 bits is too weak/);
  });

  it('S39: clear-signed text', async () => {
    const message = await openpgp.createCleartextMessage({ text: list().toString() });
    putSignature((await openpgp.sign({ message, signingKeys: [scene.world.key.privateKey] })) as string);
    await refused(11, /not a detached OpenPGP signature but clear-signed text/);
  });

  it.each([
    ['missing', () => rmSync(join(scene.world.root, RING)), /no keyring: neither/],
    [
      'a directory',
      () => {
        rmSync(join(scene.world.root, RING));
        mkdirSync(join(scene.world.root, RING));
      },
      /the keyring cannot be read/,
    ],
    ['random', () => scene.world.write(RING, Buffer.alloc(300, 0x99)), /not a keyring/],
  ])('S44: a keyring that is %s', async (_, fault, message) => {
    fault();
    await refused(3, message);
  });

  it('S52: a signature file of more than 64 KiB', async () => {
    putSignature(Buffer.concat(Array(600).fill(await sign(list(), [scene.world.key]))));
    await refused(11, /larger than the limit of 65536 bytes, which no signature is/);
  });

  it('S53: a web page in the place of the signature', async () => {
    putSignature('<!DOCTYPE html><title>Not here</title>\n');
    await refused(11, /has no signature/);
  });

  it('S–: fewer keys than Threshold= asks for', async () => {
    trust(scene.world.key, await makeKey());
    scene.define('app', { 'X-Extupdate': { Threshold: '2' } });
    await refused(11, /signed by 1 of 2 required keys/);
  });

  it('S–: a Threshold= that SignedBy= can never reach', async () => {
    scene.define('app', { 'X-Extupdate': { SignedBy: scene.world.key.fingerprint, Threshold: '2' } });
    await refused(3, /app\.transfer:\d+: Threshold=: 2 keys have to sign, and SignedBy= names one key/);
  });

  it('S–: keys that are named where nothing is verified', async () => {
    scene.define('app', { Transfer: { Verify: 'no' }, 'X-Extupdate': { SignedBy: scene.world.key.fingerprint } });
    await refused(3, /app\.transfer:\d+: SignedBy=: nothing is verified with Verify=no/);
  });

  it('S–: a list that was signed too long ago for the source', async () => {
    putSignature(await sign(list(), [scene.world.key], { date: ago(20) }));
    scene.define('app', { 'X-Extupdate': { MaxManifestAgeSec: '10d' } });
    await refused(12, /longer ago than MaxManifestAgeSec=/);
  });
});
