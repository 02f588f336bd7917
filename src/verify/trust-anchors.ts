/** Trust anchors of the VOA hierarchy (UAPI.11): keys that vouch for those that sign. */
import type { PublicKey } from 'openpgp';
import { signingKeyState } from './signing-key.ts';

/** How many of the anchors vouch for the same name of a key: each counts 40 of the 120 that are full trust (UAPI.11). */
export async function certifications(key: PublicKey, anchors: readonly PublicKey[], now: Date): Promise<number> {
  const valid: PublicKey[] = [];
  for (const anchor of anchors) {
    const isSelf = anchor.getFingerprint() === key.getFingerprint();
    // An anchor certifies and need not sign.
    const { defect } = await signingKeyState(anchor, anchor.getKeyID(), now);
    if (!isSelf && (defect === undefined || defect === 'key-not-for-signing')) valid.push(anchor);
  }
  if (valid.length === 0) return 0;
  const ids = new Set(valid.map((anchor) => anchor.getKeyID().toHex()));
  const byName = new Map<string, Set<string>>();
  for (const { userID, keyID, valid: isValid } of await key.verifyAllUsers(valid, now)) {
    if (!isValid || !ids.has(keyID.toHex())) continue;
    byName.set(userID, (byName.get(userID) ?? new Set()).add(keyID.toHex()));
  }
  return Math.max(0, ...[...byName.values()].map((set) => set.size));
}
