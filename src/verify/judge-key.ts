/** Would a signature by a key be accepted now, whatever it is over: for people who ask. */
import type { PublicKey } from 'openpgp';
import type { JudgingPolicy } from './judge-signature.ts';
import { type KeyDefect, type KeyState, signingKeyState } from './signing-key.ts';
import type { KnownKey } from './trusted-keys.ts';

export interface KeyVerdict {
  /** Of the primary key, lower-case hex. */
  readonly fingerprint: string;
  readonly userIds: readonly string[];
  /** Where it stands, as seen inside the root. */
  readonly files: readonly string[];
  readonly accepted: boolean;
  readonly code: KeyDefect | NonNullable<KnownKey['barred']>['code'] | 'not-signed-by' | 'accepted';
  readonly text: string;
  /** When the key expires, or has expired; undefined = never, or not known. */
  readonly expires?: Date;
}

/** Judges a key: by the best of the key packets that could sign. */
export async function judgeKey({ key, files, barred }: KnownKey, policy: JudgingPolicy): Promise<KeyVerdict> {
  const expires = await expiryOf(key);
  const known = {
    fingerprint: key.getFingerprint(),
    userIds: key.getUserIDs(),
    files,
    ...(expires ? { expires } : {}),
  };
  if (barred) return { ...known, accepted: false, ...barred };
  const { signedBy } = policy;
  const isNamed = signedBy.length === 0 || key.getKeys().some((one) => signedBy.includes(one.getFingerprint()));
  if (!isNamed) return { ...known, accepted: false, code: 'not-signed-by', text: 'SignedBy= does not name it' };
  const states = await Promise.all(key.getKeys().map((one) => signingKeyState(key, one.getKeyID(), policy.now)));
  const isGood = ({ defect }: KeyState) => defect === undefined || (defect === 'key-expired' && policy.allowExpiredKey);
  const good = states.filter(isGood);
  const [best] = good.sort((a, b) => Number(a.defect !== undefined) - Number(b.defect !== undefined));
  if (best) {
    const text = best.defect === undefined ? 'may sign' : 'has expired, and AllowExpiredKey=yes';
    return { ...known, accepted: true, code: 'accepted', text };
  }
  const [worst] = states.sort((a, b) => TELLING.indexOf(a.defect) - TELLING.indexOf(b.defect));
  return { ...known, accepted: false, code: worst?.defect ?? 'key-invalid', text: worst?.text ?? 'it cannot be read' };
}

/** Of several key packets that may not sign, the reason that says most. */
const TELLING: readonly (KeyDefect | undefined)[] = [
  'key-revoked',
  'key-expired',
  'key-weak',
  'key-unsupported',
  'key-invalid',
  'key-not-for-signing',
];

async function expiryOf(key: PublicKey): Promise<Date | undefined> {
  const expires = await key.getExpirationTime().catch(() => null);
  return expires instanceof Date ? expires : undefined;
}
