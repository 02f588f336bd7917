/** No change of a good signature, or of what it is over, is accepted, but in what is not signed. */
import { readFileSync } from 'node:fs';
import type { PublicKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseKeyrings } from '../../../src/verify/keyring.ts';
import { judgeSignatures } from '../../../src/verify/signature.ts';

const read = (name: string) => readFileSync(new URL(`../../fixtures/openpgp/corpus/${name}`, import.meta.url));
const data = read('SHA256SUMS');
const policy = { now: new Date('2026-06-01T00:00:00Z'), allowExpiredKey: false, signedBy: [] };

let keys: PublicKey[];
beforeAll(async () => {
  const paths = ['keys/ed25519.pgp', 'keys/rsa2048.pgp', 'keys/nistp256.pgp'];
  keys = (await parseKeyrings(paths.map((path) => ({ path, bytes: read(path) })))).map(({ key }) => key);
});

async function isAccepted(signature: Uint8Array, content: Uint8Array = data): Promise<boolean> {
  try {
    return (await judgeSignatures(content, signature, keys, policy, 'x')).some(({ accepted }) => accepted);
  } catch {
    return false;
  }
}

/** Where the hint of gpg 2.2 about the key stands, unsigned: the length, a type (16) and the id of the key. */
function unsignedPart(signature: Buffer): { from: number; to: number } {
  const body = (signature[0] as number) & 1 ? 3 : 2;
  const hashed = signature.readUInt16BE(body + 4);
  const from = body + 6 + hashed;
  return { from, to: from + 2 + signature.readUInt16BE(from) };
}

describe('a changed signature', () => {
  it.each(['good-ed25519.sig', 'good-rsa2048.sig', 'good-nistp256.sig'])('%s, each byte of it', async (name) => {
    const signature = read(name);
    expect(await isAccepted(signature)).toBe(true);
    const { from, to } = unsignedPart(signature);
    const accepted: number[] = [];
    for (let at = 0; at < signature.length; at++) {
      const changed = Buffer.from(signature);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      if (await isAccepted(changed)) accepted.push(at);
    }
    // Length bits of a number (MPI) that openpgp rounds to whole bytes are no part of the value either.
    const odd = accepted.filter((at) => at < from || at >= to);
    for (const at of odd) {
      const changed = Buffer.from(signature);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      expect(await isAccepted(changed, Buffer.concat([data, Buffer.from('\n')])), `byte ${at}`).toBe(false);
    }
    expect(odd.length).toBeLessThanOrEqual(2);
  });

  it('and each line of what it is over', async () => {
    const signature = read('good-ed25519.sig');
    for (let at = 0; at < data.length; at += 80) {
      const changed = Buffer.from(data);
      changed[at] = (changed[at] as number) ^ 1;
      expect(await isAccepted(signature, changed), `byte ${at}`).toBe(false);
    }
  });
});
