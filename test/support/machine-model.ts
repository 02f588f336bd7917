/**
 * A machine in memory: images in a directory, systemd's choice among them, several operating systems, and the steps of
 * every command as update.ts, select.ts, bless.ts, prepare.ts and prune.ts take them, one durable change a step, so that
 * a crash can be put between any two. All decisions are those of the program.
 */
import { bootableOses } from '../../src/resolve/bootable.ts';
import { addBoot, type Boot, blessBoot, cameInWith, failedUpdates } from '../../src/resolve/boots.ts';
import { decideElsewhere, decideKeep } from '../../src/resolve/keep.ts';
import { neededFiles, obsoleteRecords, recordOf } from '../../src/resolve/needed-files.ts';
import { type KnownOs, knownOs } from '../../src/resolve/os-identity.ts';
import { planComponent } from '../../src/resolve/plan.ts';
import {
  asGood,
  changeRecord,
  filesOf,
  hashesOf,
  type OsRecord,
  type RecordedComponent,
} from '../../src/resolve/record.ts';
import { type Resolution, resolve } from '../../src/resolve/resolver.ts';
import { selectVersion } from '../../src/resolve/select.ts';
import type { Component, ImageFacts, InstalledInstance, OfferedInstance, Transfer } from '../../src/types.ts';
import { newestFirst } from '../../src/version/compare.ts';

export interface Setup {
  /** How versions become visible: a `.v` directory, or a link to files with the OS version in their names. */
  readonly layout: 'v' | 'link';
  /** Whether the platform shows what can be booted, or has two slots and shows nothing. */
  readonly platform: 'snapshots' | 'slots';
  readonly activate: 'now' | 'reboot' | 'manual';
  readonly instancesMax: number;
}

interface File {
  readonly version: string;
  /** The OS version that it is for; 0 for all. */
  readonly os: number;
  parked: boolean;
}

interface Memory {
  held: string[];
  pinned?: string;
  heldFor: Record<string, string[]>;
  bad: string[];
  previous?: string;
}

/** One durable change after the other. */
export type Steps = Generator<string, void>;

const NOW = new Date(0);

export class Machine {
  readonly files = new Map<string, File>();
  readonly published: { version: string; os: number }[] = [];
  readonly records = new Map<string, OsRecord>();
  memory: Memory = { held: [], heldFor: {}, bad: [] };
  boots: readonly Boot[] = [];
  link: string | undefined;
  /** Name of the file behind what systemd has merged. */
  merged: string | undefined;
  running = 1;
  bootable: number[] = [1];
  bootId = 'boot-0';
  bootCount = 0;
  clock = 0;
  readonly setup: Setup;
  readonly component: Component;
  readonly transfer: Transfer;

  constructor(setup: Setup) {
    this.setup = setup;
    const target =
      setup.layout === 'v'
        ? { path: '/var/lib/extensions/app.raw.v' }
        : { path: '/store', currentSymlink: '/var/lib/extensions/app.raw' };
    this.transfer = {
      id: 'app',
      kind: 'sysext',
      protectVersions: [],
      target: { ...target, instancesMax: setup.instancesMax },
    } as unknown as Transfer;
    const settings = { skipVersions: [], activate: setup.activate } as unknown as Component['settings'];
    this.component = { name: 'app', origin: 'extupdate', transfers: [this.transfer], settings };
  }

  os(number: number): KnownOs {
    const deployment = this.setup.platform === 'snapshots' ? `s${number}` : undefined;
    return knownOs(
      { fields: { ID: 'os', VERSION_ID: String(number) }, architecture: 'x86-64', initrd: false },
      deployment,
    );
  }

  fileName(version: string, os: number): string {
    return this.setup.layout === 'v' ? `app_${version}.raw` : `app-${version}-${os}.raw`;
  }

  /** What systemd sees; undefined when nothing is visible. */
  active(): string | undefined {
    if (this.setup.layout === 'link')
      return this.link !== undefined && this.files.has(this.link) ? this.link : undefined;
    let best: string | undefined;
    for (const [name, { parked, version }] of this.files) {
      if (!parked && (best === undefined || newestFirst(version, this.files.get(best)?.version ?? '') < 0)) best = name;
    }
    return best;
  }

  activeVersion(): string | undefined {
    return this.files.get(this.active() ?? '')?.version;
  }

  fits(name: string | undefined, os: number): boolean {
    const file = name === undefined ? undefined : this.files.get(name);
    return file !== undefined && (file.os === 0 || file.os === os);
  }

  installed(os: number): InstalledInstance[] {
    const own = [...this.files].filter(([, file]) => this.setup.layout === 'v' || file.os === os || file.os === 0);
    return own.map(([name, file]) => ({
      transferId: 'app',
      version: file.version,
      name,
      path: `/store/${name}`,
      parked: file.parked,
      sizeBytes: 1,
      sha256: name,
      facts: factsFor(file.os),
    }));
  }

  resolve(os: number, options: { readonly offered: boolean; readonly requested?: string }): Resolution {
    const { heldFor, held, pinned, bad } = this.memory;
    const offered: OfferedInstance[] = this.published
      .filter((one) => options.offered && (this.setup.layout === 'v' || one.os === os || one.os === 0))
      .map((one) => ({
        transferId: 'app',
        version: one.version,
        name: this.fileName(one.version, one.os),
        url: '',
        sha256: this.fileName(one.version, one.os),
        sidecars: [],
      }));
    const active = this.activeVersion();
    return resolve({
      component: this.component,
      host: this.os(os).release,
      offered,
      installed: this.installed(os),
      ...(active === undefined ? {} : { active }),
      factsOf: (sha256) =>
        factsFor(this.published.find((one) => this.fileName(one.version, one.os) === sha256)?.os ?? 0),
      held: new Set([...held, ...(heldFor[this.os(os).name] ?? [])]),
      ...(pinned === undefined ? {} : { pinned }),
      bad: new Map(bad.map((sha256) => [sha256, 'sick'])),
      fileNameOf: (_, { name }) => name,
      ...(options.requested === undefined ? {} : { requested: options.requested }),
    });
  }

  plan(resolution: Resolution) {
    const { chosen } = resolution;
    return (
      chosen &&
      planComponent(
        resolution,
        chosen,
        (_, { name }) => name,
        () => ({
          active: this.active(),
          isExposed: (name) => this.active() === name,
        }),
      )
    );
  }

  *noteBoot(): Steps {
    const boot = { os: this.os(this.running).name, bootId: this.bootId, blessed: false };
    const { fields } = this.os(this.running).release;
    const deployment = this.os(this.running).deployment ?? null;
    const after = addBoot(this.boots, { ...boot, deployment, release: { ...fields } });
    if (after === this.boots) return;
    const failed = failedUpdates(this.boots, boot.os).flatMap((name) => this.records.get(name) ?? []);
    const present = recordOf(this.records, this.os(this.running));
    const barred = failed.flatMap((record) => [...cameInWith(record, present).values()]);
    if (barred.length > 0) {
      const before = this.memory.heldFor[boot.os] ?? [];
      this.memory = { ...this.memory, heldFor: { ...this.memory.heldFor, [boot.os]: [...before, ...barred] } };
      yield 'hold what came in with a failed OS';
    }
    this.boots = after;
    yield 'note the boot';
  }

  *expose(name: string | undefined): Steps {
    if (this.setup.layout === 'link') {
      this.link = name;
      yield 'replace the link';
      return;
    }
    const chosen = name === undefined ? undefined : this.files.get(name);
    if (chosen?.parked) {
      chosen.parked = false;
      yield 'unpark';
    }
    for (const file of this.files.values()) {
      if (file.parked || file === chosen) continue;
      if (chosen && newestFirst(file.version, chosen.version) > 0) continue;
      file.parked = true;
      yield 'park';
    }
  }

  *update(options: {
    readonly requested?: string;
    readonly offline?: boolean;
    readonly sick?: boolean;
    readonly now?: boolean;
    readonly goesBack?: boolean;
    readonly noRefresh?: boolean;
  }): Steps {
    yield* this.noteBoot();
    const { requested } = options;
    const resolution = this.resolve(this.running, {
      offered: !options.offline,
      ...(requested === undefined ? {} : { requested }),
    });
    const plan = this.plan(resolution);
    if (!plan || !resolution.chosen) return;
    yield* this.install(plan);
    const step = plan.steps.find((one) => one.step === 'expose');
    const waits = step !== undefined && this.setup.activate !== 'now' && !options.now;
    let failed = false;
    if (step?.step === 'expose' && !waits) {
      yield* this.expose(step.fileName);
      if (!options.noRefresh) {
        this.merge();
        yield 'merge';
      }
      if (options.sick) {
        failed = true;
        this.memory = { ...this.memory, bad: [...this.memory.bad, step.fileName] };
        yield* this.expose(step.previous);
        this.merge();
        yield 'merge what was before';
      }
    }
    if (!failed) this.remember(resolution, plan.from, options, waits);
    yield 'write the state';
    this.record(
      plan.version,
      failed,
      waits && this.setup.activate === 'reboot' ? (step?.step === 'expose' ? step.fileName : undefined) : undefined,
    );
    yield 'write the record';
    if (!failed) yield* this.prune();
  }

  *install(plan: NonNullable<ReturnType<Machine['plan']>>): Steps {
    for (const step of plan.steps) {
      if (step.step !== 'install') continue;
      const source = this.published.find((one) => this.fileName(one.version, one.os) === step.fileName);
      this.files.set(step.fileName, { version: plan.version, os: source?.os ?? 0, parked: this.setup.layout === 'v' });
      yield 'install';
    }
  }

  private remember(
    resolution: Resolution,
    from: string | undefined,
    { requested, goesBack }: { readonly requested?: string; readonly goesBack?: boolean },
    waits: boolean,
  ): void {
    const { chosen } = resolution;
    if (!chosen) return;
    const { previous: _, ...rest } = this.memory;
    if (goesBack) this.memory = rest;
    else if (!waits && from !== undefined && from !== chosen.version) this.memory = { ...this.memory, previous: from };
    if (requested === undefined) return;
    const name = chosen.installed.get('app')?.name;
    this.memory = { ...this.memory, bad: this.memory.bad.filter((sha256) => sha256 !== name) };
    const { pinned, ...unpinned } = this.memory;
    if (pinned !== undefined && pinned !== chosen.version) this.memory = unpinned;
    const newer = resolution.versions.filter(
      ({ version, compatible }) => compatible !== false && newestFirst(version, chosen.version) < 0,
    );
    const heldFor = { ...this.memory.heldFor, [this.os(this.running).name]: [] };
    this.memory = { ...this.memory, held: newer.map(({ version }) => version), heldFor };
  }

  private record(planned: string, failed: boolean, waiting: string | undefined): void {
    const os = this.os(this.running);
    const before = recordOf(this.records, os);
    const name = waiting ?? this.active();
    const file = name === undefined ? undefined : this.files.get(name);
    const entry: RecordedComponent | undefined =
      name === undefined || !file || !this.fits(name, this.running)
        ? undefined
        : { version: file.version, sha256: name, file: `/store/${name}`, ...(waiting ? { planned: this.bootId } : {}) };
    const settled = entry && (waiting || (failed && entry.version === planned) ? entry : asGood(entry));
    this.writeRecord(os, changeRecord(os, before, new Map([['app', settled]]), this.now()));
  }

  private writeRecord(os: KnownOs, record: OsRecord): void {
    this.records.set(os.name, record);
    if (os.name !== os.identity) this.records.delete(os.identity);
  }

  private now(): Date {
    this.clock += 1000;
    return new Date(NOW.getTime() + this.clock);
  }

  listBootable() {
    const shown =
      this.setup.platform === 'snapshots'
        ? {
            complete: true,
            found: this.bootable.map((number) => {
              const { release, deployment = '' } = this.os(number);
              return { fields: release.fields, deployment, origin: 'snapper' as const, where: '' };
            }),
          }
        : undefined;
    return bootableOses({ running: this.os(this.running), root: '', shown, boots: this.boots, records: this.records });
  }

  *prune(): Steps {
    const bootable = this.listBootable();
    const numberOf = (os: KnownOs) => Number(os.release.fields.VERSION_ID);
    const selectedFor = new Map<string, string[]>();
    for (const os of bootable.oses) {
      if (os.running) continue;
      const recorded = recordOf(this.records, os)?.components.app;
      const { pinned, bad } = this.memory;
      const isServed =
        recorded !== undefined &&
        (pinned === undefined || pinned === recorded.version) &&
        !hashesOf(recorded).some((sha256) => bad.includes(sha256)) &&
        filesOf(recorded).every((path) => this.files.has(path.slice('/store/'.length)));
      if (isServed) continue;
      const resolution = this.resolve(numberOf(os), { offered: false });
      const { version } = selectVersion({ resolution, recorded, pinned, bootId: '' });
      selectedFor.set(
        os.name,
        [...(version?.installed.values() ?? [])].map(({ path }) => path),
      );
    }
    const recorded = new Map(
      [...this.records].map(([name, { identity }]) => [name, this.os(Number(identity.split(':')[1]))]),
    );
    const forOs = neededFiles({ bootable, records: this.records, recorded, selectedFor });
    const needs = { merged: new Set(this.merged === undefined ? [] : [this.merged]), forOs };
    const here = this.installed(this.running);
    const decisions = decideKeep({
      installed: here,
      active: this.active(),
      previous: this.memory.previous,
      waiting:
        this.setup.activate === 'manual' ? this.resolve(this.running, { offered: false }).chosen?.version : undefined,
      protectVersions: [],
      instancesMax: this.setup.instancesMax,
      needs,
    });
    const known = new Set(here.map(({ path }) => path));
    const elsewhere = [...new Map([...recorded, ...bootable.oses.map((os) => [os.name, os] as const)]).values()];
    for (const os of elsewhere) {
      const others = this.installed(numberOf(os)).filter(({ path }) => !known.has(path));
      for (const { path } of others) known.add(path);
      const active = this.active();
      decisions.push(...decideElsewhere(others, needs, new Set(active === undefined ? [] : [active])));
    }
    for (const { keep, instance } of decisions) {
      if (keep) continue;
      this.files.delete(instance.name);
      yield `prune ${instance.name}`;
    }
    for (const name of obsoleteRecords(bootable, this.records)) {
      this.records.delete(name);
      yield 'forget an OS';
    }
  }

  *select(): Steps {
    yield* this.noteBoot();
    const os = this.os(this.running);
    const before = recordOf(this.records, os);
    const resolution = this.resolve(this.running, { offered: false });
    const recorded = before?.components.app;
    const { version, reason } = selectVersion({
      resolution,
      recorded,
      pinned: this.memory.pinned,
      bootId: this.bootId,
    });
    const name = version?.installed.get('app')?.name;
    if (!version || name === undefined) return;
    const from = this.activeVersion();
    if (this.active() !== name) {
      yield* this.expose(name);
      if (from !== undefined && from !== version.version) this.memory = { ...this.memory, previous: from };
      yield 'write the state';
    }
    if (reason === 'recorded' || reason === 'waiting' || version.version === recorded?.version) return;
    const entry = { version: version.version, sha256: name, file: `/store/${name}`, planned: '' };
    this.writeRecord(os, changeRecord(os, before, new Map([['app', entry]]), this.now()));
    yield 'write the record';
  }

  *bless(): Steps {
    yield* this.noteBoot();
    this.boots = blessBoot(this.boots, this.bootId);
    yield 'bless the boot';
    const os = this.os(this.running);
    const before = recordOf(this.records, os);
    const entry = before?.components.app;
    if (!before || !entry || entry.planned === undefined || entry.planned === this.bootId) return;
    if (entry.version !== this.activeVersion()) return;
    this.writeRecord(os, changeRecord(os, before, new Map([['app', asGood(entry)]]), this.now()));
    yield 'write the record';
  }

  *prepare(number: number): Steps {
    const os = this.os(number);
    const before = recordOf(this.records, os);
    const recorded = before?.components.app;
    const here = this.resolve(number, { offered: false });
    const settled =
      recorded && recorded.planned === undefined && selectVersion({ resolution: here, recorded, bootId: '' });
    if (settled && settled.reason === 'recorded') return;
    const resolution = this.resolve(number, { offered: true });
    const plan = this.plan(resolution);
    if (plan) yield* this.install(plan);
    const after = this.resolve(number, { offered: false });
    const { version } = selectVersion({ resolution: after, pinned: this.memory.pinned, bootId: '' });
    const instance = version?.installed.get('app');
    const entry = version &&
      instance && { version: version.version, sha256: instance.name, file: instance.path, planned: '' };
    this.records.set(os.name, changeRecord(os, before, new Map([['app', entry]]), this.now()));
    yield 'write the planned record';
  }

  /** The machine starts: nothing is merged yet. */
  boot(number: number): void {
    this.running = number;
    this.bootCount += 1;
    this.bootId = `boot-${this.bootCount}`;
    this.merged = undefined;
  }

  /** systemd merges what it sees, if that fits. */
  merge(): void {
    const name = this.active();
    this.merged = this.fits(name, this.running) ? name : undefined;
  }
}

const FACTS = new Map<number, ImageFacts>();

/** What is in an image for an OS version; 0 for all. */
function factsFor(os: number): ImageFacts {
  const known = FACTS.get(os);
  if (known) return known;
  const fields = os === 0 ? { ID: '_any' } : { ID: 'os', VERSION_ID: String(os) };
  const facts: ImageFacts = { origin: 'image', sysext: [{ suffix: 'app', fields }], confext: [], hasOsRelease: false };
  FACTS.set(os, facts);
  return facts;
}
