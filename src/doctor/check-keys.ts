/** The keys that may sign lists: whether there are any, and for how long. Pure. */
import { exitStatus } from '../errors.ts';
import { type Finding, findingsOf, listed } from './finding.ts';

export interface KeyFacts {
  /** Components whose lists have to be signed. */
  readonly verified: readonly string[];
  /** Components of which nothing is verified. */
  readonly unverified: readonly string[];
  /** Keys by component; those that components share stand for each. */
  readonly keys: ReadonlyMap<string, readonly KeyFact[]>;
  /** Why keys are not known. */
  readonly failure?: { readonly text: string; readonly next?: string | undefined; readonly isMissing: boolean };
  readonly now: Date;
}

export interface KeyFact {
  readonly fingerprint: string;
  readonly userId?: string | undefined;
  readonly files: readonly string[];
  readonly accepted: boolean;
  /** Why it counts, or does not. */
  readonly text: string;
  readonly expires?: Date | undefined;
}

/** Days before the end of a key in which a person should hear of it. */
const SOON = 30;

const { ok, note, warning, problem } = findingsOf('keys');

/** A component none of whose keys counts is a problem; keys that do not count, or will not much longer, are told besides. */
export function checkKeys({ verified, unverified, keys, failure, now }: KeyFacts): Finding[] {
  const findings: Finding[] = [];
  if (unverified.length > 0) {
    findings.push(
      note(`nobody verifies the lists of ${listed(unverified)} (Verify=no): their servers are trusted alone`),
    );
  }
  if (failure) {
    const isNeeded = verified.length > 0 || !failure.isMissing;
    return [isNeeded ? problem(exitStatus.config, failure.text, failure.next) : note(failure.text), ...findings];
  }
  const all = new Map([...keys.values()].flat().map((key) => [key.fingerprint, key]));
  for (const name of verified) {
    const own = keys.get(name) ?? [];
    if (own.length > 0 && own.every(({ accepted }) => !accepted)) {
      const reasons = own.map(({ fingerprint, text }) => `${short(fingerprint)} ${text}`);
      const text = `${name}: none of the keys counts: ${listed(reasons, 3)}`;
      findings.push(problem(exitStatus.trust, text, `get a new key from the publisher; extupdate verify ${name}`));
    }
  }
  for (const { fingerprint, userId, files, accepted, text, expires } of all.values()) {
    const who = `${short(fingerprint)}${userId === undefined ? '' : ` (${userId})`}, in ${files.join(' and ')}`;
    const days = expires && Math.floor((expires.getTime() - now.getTime()) / 86_400_000);
    if (!accepted) {
      // The OS brings keys for others, too; those of the administrator are there for a reason.
      const tell = files.every((file) => file.startsWith('/usr/')) ? note : warning;
      findings.push(tell(`the key ${who}: ${text}`, 'get a new one from the publisher, or take it out'));
    } else if (days !== undefined && days <= SOON && days >= 0) {
      const when = days === 0 ? 'today' : days === 1 ? 'tomorrow' : `in ${days} days`;
      findings.push(warning(`the key ${who}: expires ${when}`, 'get a renewed one from the publisher'));
    }
  }
  const good = [...all.values()].filter(({ accepted }) => accepted);
  if (good.length === 0) return findings;
  const files = [...new Set(good.flatMap((key) => key.files))];
  return [
    ok(`${good.length === 1 ? 'one key counts' : `${good.length} keys count`}, from ${listed(files, 3)}`),
    ...findings,
  ];
}

function short(fingerprint: string): string {
  return fingerprint.slice(-16);
}
