/** What extupdate remembers on disk: whatever stands there, reading it never fails a run, and what is written is read back. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { PolicyError } from '../../../src/errors.ts';
import { readBoots, writeBoots } from '../../../src/os/boot-history.ts';
import { readHistory } from '../../../src/os/history.ts';
import { readRecords, writeRecord } from '../../../src/os/records.ts';
import { readState, STATE_PATH, writeState } from '../../../src/os/state.ts';
import { cameInWith, failedPlans, failedUpdates, lastBooted } from '../../../src/resolve/boots.ts';
import { filesOf, hashesOf, releaseOf } from '../../../src/resolve/record.ts';
import { openFactsStore } from '../../../src/source/facts-store.ts';
import { readSavedManifest } from '../../../src/source/saved-manifest.ts';
import { filesOf as memoryOf, openSourceMemory } from '../../../src/source/source-memory.ts';
import { mutated, mutation } from '../mutations.ts';
import { ensure, type FuzzTarget, holds } from '../target.ts';

const hash = 'ab'.repeat(32);
const source = { url: 'https://example.com', verified: true };
const entry = { version: '1', sha256: hash, file: '/var/lib/extensions/app_1.raw' };
const samples = {
  [STATE_PATH]: {
    format: 1,
    installed: { '/var/lib/extensions/app_1.raw': { component: 'app', version: '1', sha256: hash, sizeBytes: 4096 } },
    held: { app: ['2'] },
    pinned: {},
    heldFor: { 'debian:13': { app: ['3'] } },
    bad: { [hash]: { component: 'app', version: '4', reason: 'unhealthy', oses: ['debian:13'] } },
    trials: {},
    prepared: [],
    previous: { app: '0' },
  },
  '/var/lib/extupdate/os/debian:13.json': {
    format: 1,
    identity: 'debian:13',
    buildId: null,
    ostreeVersion: null,
    deployment: null,
    state: 'planned',
    components: {
      app: {
        ...entry,
        others: [{ file: '/x', sha256: null }],
        planned: '',
        next: { ...entry, version: '2', planned: 'boot' },
      },
    },
    release: { ID: 'debian', VERSION_ID: '13' },
  },
  '/var/lib/extupdate/boots.json': {
    format: 1,
    boots: [{ os: 'debian:13', bootId: 'boot', blessed: true, deployment: null, release: { ID: 'debian' } }],
  },
  '/var/lib/extupdate/history.jsonl': {
    at: '2026-11-20T00:00:00Z',
    command: 'apply',
    os: 'debian:13',
    done: [{ component: 'app', action: 'install', version: '1', from: null }],
    errors: [],
  },
  '/staging/manifests/x/meta.json': {
    format: 1,
    url: 'https://example.com',
    manifest: { etag: '"1"' },
    signature: { name: 'SHA256SUMS.gpg' },
  },
  [memoryOf(source).seen]: {
    format: 1,
    ...source,
    list: hash,
    signedAt: 1,
    newest: { 'app_@v.raw': '1' },
  },
  '/facts.json': {
    format: 1,
    images: {
      [hash]: {
        origin: 'remote',
        sysext: [{ suffix: 'app', fields: { ID: 'debian' } }],
        confext: [],
        hasOsRelease: false,
      },
    },
  },
} as const;
type Path = keyof typeof samples;
const paths = Object.keys(samples) as Path[];

/** A JSON value with one part replaced, taken out, or put under another name. */
const surgery = fc.record({
  steps: fc.array(fc.nat({ max: 7 }), { maxLength: 5 }),
  key: fc.option(fc.constantFrom('__proto__', 'constructor', '', '../x', 'later')),
  value: fc.oneof(
    fc.constantFrom(undefined, null, '', 0, -1, 1e300, true, [], {}, 'x'.repeat(1000)),
    fc.jsonValue({ maxDepth: 2 }),
  ),
});
type Surgery = typeof surgery extends fc.Arbitrary<infer T> ? T : never;

function operated(value: unknown, { steps, key, value: other }: Surgery): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof value !== 'object' || value === null) return other;
  const keys = Object.keys(value);
  const chosen = keys[step % Math.max(1, keys.length)] ?? 'x';
  const changed = operated((value as Record<string, unknown>)[chosen], { steps: rest, key, value: other });
  if (Array.isArray(value)) return value.map((one, index) => (String(index) === chosen ? changed : one));
  const pairs = Object.entries(value).filter(([one]) => one !== chosen);
  return Object.fromEntries([...pairs, [rest.length === 0 ? (key ?? chosen) : chosen, changed]]);
}

/** Where syncing costs nothing. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Puts content where it is looked for, in a root of its own, and reads everything. */
async function judge(path: Path, content: Uint8Array | string): Promise<void> {
  const root = mkdtempSync(join(scratch, 'extupdate-fuzz-'));
  try {
    for (const [other, sample] of Object.entries(samples)) {
      mkdirSync(dirname(join(root, other)), { recursive: true });
      writeFileSync(join(root, other), other === path ? content : JSON.stringify(sample));
    }
    for (const name of ['SHA256SUMS', 'signature']) writeFileSync(join(root, 'staging/manifests/x', name), name);
    await readAll(root);
    const left = readdirSync(join(root, 'var/lib/extupdate'), { recursive: true }).map(String);
    ensure(
      left.every((name) => !name.includes('..')),
      `a name that leads elsewhere: ${left.join(', ')}`,
    );
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function readAll(root: string): Promise<void> {
  const state = readState(root, true);
  const records = readRecords(root, true);
  const boots = readBoots(root, true);
  for (const record of records.values()) {
    ensure(
      Object.values(releaseOf(record)).every((one) => typeof one === 'string'),
      'a release of something else',
    );
    for (const component of Object.values(record.components)) {
      ensure(
        [...filesOf(component), ...hashesOf(component)].every((one) => typeof one === 'string'),
        'no path',
      );
    }
    failedUpdates(boots, record.identity);
    failedPlans(boots, record.identity, record);
    cameInWith(record, records.get('debian:13'));
  }
  lastBooted(boots, 2);
  for (const { at, done } of readHistory(root)) ensure(typeof at === 'string' && Array.isArray(done), 'no entry');
  const facts = openFactsStore(join(root, 'facts.json'), new Date(0));
  facts.isHearsay(hash);
  ensure(facts.get(hash) === undefined || Array.isArray(facts.get(hash)?.sysext), 'no facts');
  readSavedManifest(join(root, 'staging/manifests/x'), 'https://example.com');
  judgeOldList(root);

  // What was understood is what the next run finds, whoever wrote it.
  await writeState(root, state);
  ensure(JSON.stringify(readState(root, false)) === JSON.stringify(state), 'another state');
  await writeBoots(root, boots);
  ensure(JSON.stringify(readBoots(root, false)) === JSON.stringify(boots), 'other boots');
  for (const [name, record] of records) {
    await writeRecord(root, name, record);
    ensure(JSON.stringify(readRecords(root, false).get(name)) === JSON.stringify(record), 'another record');
  }
}

/** A list of 1970: it is accepted, or refused with a reason. */
function judgeOldList(root: string): void {
  const list = {
    url: source.url,
    sha256: hash,
    signedAt: 0,
    entries: new Map<string, string>(),
    reread: () => undefined,
  };
  try {
    openSourceMemory(root).judge(source, list, { patterns: 'app_@v.raw', versions: ['1'] });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
  }
}

export const state: FuzzTarget = {
  name: 'state',
  properties: [
    holds(
      'a file with a part replaced',
      250,
      fc.asyncProperty(fc.constantFrom(...paths), surgery, (path, change) =>
        judge(path, JSON.stringify(operated(samples[path], change)) ?? ''),
      ),
    ),
    holds(
      'a file with bytes changed',
      100,
      fc.asyncProperty(fc.constantFrom(...paths), mutation, (path, changes) =>
        judge(path, mutated(Buffer.from(JSON.stringify(samples[path])), changes)),
      ),
    ),
    holds('any bytes', 50, fc.asyncProperty(fc.constantFrom(...paths), fc.uint8Array({ maxLength: 100 }), judge)),
  ],
};
