/**
 * A machine in memory: images in a directory, systemd's choice among them, several operating systems, and the steps of
 * every command as update.ts, select.ts, bless.ts, prepare.ts and prune.ts take them, one durable change a step, so that
 * a crash can be put between any two. All decisions are those of the program.
 */
import { bootableOses } from '../../src/resolve/bootable.ts';
import { addBoot, type Boot, blessBoot, cameInWith, failedPlans, failedUpdates } from '../../src/resolve/boots.ts';
import { decideElsewhere, decideKeep } from '../../src/resolve/keep.ts';
import { addBadMark, type BadMark, holdsAfterChoice, isBadUnder } from '../../src/resolve/marks.ts';
import { neededFiles, obsoleteRecords, recordOf } from '../../src/resolve/needed-files.ts';
import { identityOf, type KnownOs, knownOs } from '../../src/resolve/os-identity.ts';
import { planComponent } from '../../src/resolve/plan.ts';
import {
  type ComponentOutcome,
  changeRecord,
  entryAfter,
  filesOf,
  hashesOf,
  isRecordedGood,
  type OsRecord,
  openVersion,
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
  held: readonly string[];
  pinned?: string;
  /** By identity of the OS. */
  heldFor: Record<string, readonly string[]>;
  bad: Record<string, BadMark>;
  previous?: string;
  trial?: readonly string[];
  prepared: readonly string[];
}

/** One durable change after the other. */
export type Steps = Generator<string, void>;

export class Machine {
  readonly files = new Map<string, File>();
  readonly published: { version: string; os: number }[] = [];
  readonly records = new Map<string, OsRecord>();
  memory: Memory = { held: [], heldFor: {}, bad: {}, prepared: [] };
  boots: readonly Boot[] = [];
  link: string | undefined;
  /** Name of the file behind what systemd has merged. */
  merged: string | undefined;
  running = 1;
  bootable: number[] = [1];
  bootId = 'boot-0';
  bootCount = 0;
  /** Called before files are pruned. */
  beforePrune: () => void = () => {};
  /** `OS:FILE` of what was found to be well under an OS. */
  readonly wells = new Set<string>();
  private readonly knownOses = new Map<number, KnownOs>();
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
      target: { ...target, patterns: [], instancesMax: setup.instancesMax },
    } as unknown as Transfer;
    const settings = { skipVersions: [], activate: setup.activate } as unknown as Component['settings'];
    this.component = { name: 'app', origin: 'extupdate', transfers: [this.transfer], disabledTransfers: [], settings };
  }

  os(number: number): KnownOs {
    const known = this.knownOses.get(number);
    if (known) return known;
    const deployment = this.setup.platform === 'snapshots' ? `s${number}` : undefined;
    const os = knownOs(
      { fields: { ID: 'os', VERSION_ID: String(number) }, architecture: 'x86-64', initrd: false },
      deployment,
    );
    this.knownOses.set(number, os);
    return os;
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
        location: '',
        fields: { version: one.version },
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
      held: new Set([...held, ...(heldFor[this.os(os).identity] ?? [])]),
      ...(pinned === undefined ? {} : { pinned }),
      bad: new Map(
        Object.entries(bad).flatMap(([sha256, mark]) =>
          isBadUnder(mark, this.os(os).identity) ? [[sha256, mark.reason] as const] : [],
        ),
      ),
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
    const { name, identity } = this.os(this.running);
    const failed = failedUpdates(this.boots, boot.os).flatMap(
      (one) => recordOf(this.records, { name: one, identity: identityOf(one) }) ?? [],
    );
    const present = recordOf(this.records, this.os(this.running));
    const barred = [
      ...failed.flatMap((record) => cameInWith(record, present).map(([, version]) => version)),
      ...failedPlans(this.boots, boot.os, present).values(),
    ];
    const before = this.memory.heldFor[identity] ?? [];
    this.memory = {
      ...this.memory,
      heldFor: { ...this.memory.heldFor, [identity]: [...before, ...barred] },
      prepared: this.memory.prepared.filter((one) => one !== name && one !== identity),
    };
    yield 'hold what came in with a failed OS';
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
    const { requested, goesBack = false } = options;
    const resolution = this.resolve(this.running, {
      offered: !options.offline,
      ...(requested === undefined ? {} : { requested }),
    });
    const plan = this.plan(resolution);
    if (!plan || !resolution.chosen) return;
    yield* this.install(plan);
    const step = plan.steps.find((one) => one.step === 'expose');
    const waits = step !== undefined && this.setup.activate !== 'now' && !options.now;
    const exposed = step?.step === 'expose' && !waits ? step.fileName : undefined;
    const before = this.memory;
    const { back, isResumed } = this.startTrial(resolution, plan, exposed !== undefined, options);
    yield 'write what is tried';
    // Without a merge nothing shows how it is.
    const isJudged = (exposed !== undefined && !options.noRefresh) || isResumed;
    const previous = back ?? (step?.step === 'expose' ? step.previous : undefined);
    if (exposed !== undefined) {
      yield* this.expose(exposed);
      if (!options.noRefresh) {
        this.merge();
        yield 'merge';
      }
    }
    const isSick = isJudged && options.sick === true;
    if (isJudged && !isSick) this.wells.add(`${this.running}:${this.active()}`);
    if (isSick) {
      const tried = this.active() ?? '';
      const mark = { component: 'app', version: plan.version, reason: 'sick' };
      const known = addBadMark(this.memory.bad[tried], mark, this.os(this.running).identity);
      this.memory = { ...this.memory, bad: { ...this.memory.bad, [tried]: known } };
      yield* this.expose(previous);
      this.merge();
      yield 'merge what was before';
    }
    this.endTrial(before, { isJudged, isSick, goesBack });
    yield 'write the state';
    const waiting = waits && this.setup.activate === 'reboot' && step?.step === 'expose' ? step.fileName : undefined;
    const failed = isSick ? plan.version : undefined;
    this.record(waiting, { isMerged: !options.noRefresh, isJudged, failed, keepsWaiting: false });
    yield 'write the record';
    if (!isSick) yield* this.prune();
  }

  /** As `startTrials`. @returns the file to go back to from what a killed run has left on trial */
  private startTrial(
    resolution: Resolution,
    plan: NonNullable<ReturnType<Machine['plan']>>,
    isExposed: boolean,
    options: { readonly requested?: string; readonly goesBack?: boolean; readonly noRefresh?: boolean },
  ): { readonly back: string | undefined; readonly isResumed: boolean } {
    const onTrial = this.memory.trial?.find((version) => version === this.activeVersion());
    const { trial, ...rest } = this.memory;
    if (onTrial === undefined) this.memory = rest;
    const heldOut = [...this.memory.held, ...(this.memory.heldFor[this.os(this.running).identity] ?? [])];
    const usable = this.resolve(this.running, { offered: false }).versions.filter(
      ({ version, complete, compatible, bad }) =>
        ![onTrial, plan.version, ...heldOut].includes(version) && complete && compatible === true && !bad,
    );
    const back = usable.find(({ version }) => version === this.memory.previous) ?? usable.find(({ held }) => !held);
    const recorded = recordOf(this.records, this.os(this.running))?.components.app;
    const active = this.installed(this.running).find(({ name }) => name === this.active());
    const isUnjudged = onTrial !== undefined && !(isExposed && isRecordedGood(recorded, [active]));
    const before = resolution.versions.find(({ version }) => version === plan.from);
    const isUseless = before === undefined || before.compatible !== true || before.bad;
    const from = (isUnjudged || isUseless ? back?.version : undefined) ?? plan.from;
    if (isExposed) {
      if (!options.goesBack && from !== undefined && from !== plan.version)
        this.memory = { ...this.memory, previous: from };
      this.memory = { ...this.memory, trial: [...(this.memory.trial ?? []), plan.version] };
    }
    this.choose(resolution, options.requested);
    return {
      back: isUnjudged ? back?.installed.get('app')?.name : undefined,
      isResumed: !isExposed && onTrial === plan.version && !options.noRefresh,
    };
  }

  private endTrial(
    before: Memory,
    {
      isJudged,
      isSick,
      goesBack,
    }: { readonly isJudged: boolean; readonly isSick: boolean; readonly goesBack: boolean },
  ): void {
    const { trial, previous, ...rest } = this.memory;
    const kept = isJudged || trial === undefined ? {} : { trial };
    if (isSick) this.memory = { ...before, bad: this.memory.bad, ...kept };
    else this.memory = { ...rest, ...kept, ...(goesBack || previous === undefined ? {} : { previous }) };
    if (isSick && isJudged) {
      const { trial: _, ...judged } = this.memory;
      this.memory = judged;
    }
  }

  *install(plan: NonNullable<ReturnType<Machine['plan']>>): Steps {
    for (const step of plan.steps) {
      if (step.step !== 'install') continue;
      const source = this.published.find((one) => this.fileName(one.version, one.os) === step.fileName);
      this.files.set(step.fileName, { version: plan.version, os: source?.os ?? 0, parked: this.setup.layout === 'v' });
      yield 'install';
    }
  }

  /** As `rememberChoice`. */
  private choose({ chosen, versions }: Resolution, requested: string | undefined): void {
    if (!chosen || requested === undefined) return;
    const name = chosen.installed.get('app')?.name ?? '';
    const { identity } = this.os(this.running);
    const { [name]: _, ...bad } = this.memory.bad;
    const { pinned, ...unpinned } = { ...this.memory, bad };
    this.memory = pinned === chosen.version ? { ...unpinned, pinned } : unpinned;
    const { everywhere, here } = holdsAfterChoice(chosen.version, versions, {
      everywhere: this.memory.held,
      here: this.memory.heldFor[identity] ?? [],
    });
    this.memory = { ...this.memory, held: everywhere, heldFor: { ...this.memory.heldFor, [identity]: here } };
  }

  private record(
    waiting: string | undefined,
    outcome: Pick<ComponentOutcome, 'isMerged' | 'isJudged' | 'failed' | 'keepsWaiting'>,
  ): void {
    const os = this.os(this.running);
    const before = recordOf(this.records, os);
    const known = before?.components.app;
    const versionOf = (name: string | undefined) => {
      const file = name === undefined ? undefined : this.files.get(name);
      return name === undefined || !file || !this.fits(name, this.running)
        ? undefined
        : { version: file.version, sha256: name, file: `/store/${name}` };
    };
    const entry = entryAfter({
      ...outcome,
      isOnTrial: this.memory.trial?.some((version) => version === this.activeVersion()) === true,
      before: known,
      active: versionOf(this.active()),
      waiting: versionOf(waiting),
      bootId: this.bootId,
    });
    // What was here before extupdate knew of it is taken as it is.
    if (known === undefined && entry?.planned === undefined) this.wells.add(`${this.running}:${this.active()}`);
    this.writeRecord(os, changeRecord(os, before, new Map([['app', entry]])));
  }

  private writeRecord(os: KnownOs, record: OsRecord): void {
    this.records.set(os.name, record);
    if (os.name !== os.identity) this.records.delete(os.identity);
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
    return bootableOses({
      running: this.os(this.running),
      root: '',
      shown,
      boots: this.boots,
      records: this.records,
      prepared: this.memory.prepared,
    });
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
        !hashesOf(recorded).some((sha256) => isBadUnder(bad[sha256], os.identity)) &&
        filesOf(recorded).every((path) => this.files.has(path.slice('/store/'.length)));
      if (isServed) continue;
      const resolution = this.resolve(numberOf(os), { offered: false });
      const { version } = selectVersion({
        resolution,
        recorded,
        pinned,
        bootId: '',
        isVisible: this.active() !== undefined,
      });
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
      waiting: this.resolve(this.running, { offered: false }).chosen?.version,
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
    if (decisions.some(({ keep }) => !keep)) this.beforePrune();
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
      isVisible: this.active() !== undefined,
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
    this.writeRecord(os, changeRecord(os, before, new Map([['app', entry]])));
    yield 'write the record';
  }

  *bless(): Steps {
    yield* this.noteBoot();
    this.boots = blessBoot(this.boots, { os: this.os(this.running).name, bootId: this.bootId });
    yield 'bless the boot';
    const os = this.os(this.running);
    const before = recordOf(this.records, os);
    const open = openVersion(before?.components.app, this.bootId);
    if (open === undefined || open.version !== this.activeVersion()) return;
    this.wells.add(`${this.running}:${this.active()}`);
    const { trial: _, ...judged } = this.memory;
    this.memory = judged;
    yield 'write the state';
    this.record(undefined, { isMerged: true, isJudged: true, keepsWaiting: true });
    yield 'write the record';
  }

  *prepare(number: number): Steps {
    const os = this.os(number);
    const before = recordOf(this.records, os);
    const recorded = before?.components.app;
    const here = this.resolve(number, { offered: false });
    const settled =
      recorded &&
      recorded.planned === undefined &&
      selectVersion({ resolution: here, recorded, bootId: '', isVisible: this.active() !== undefined });
    this.memory = { ...this.memory, prepared: [os.name] };
    yield 'write what is prepared';
    if (settled && settled.reason === 'recorded') return;
    const resolution = this.resolve(number, { offered: true });
    const plan = this.plan(resolution);
    if (plan) yield* this.install(plan);
    const after = this.resolve(number, { offered: false });
    const { version } = selectVersion({
      resolution: after,
      pinned: this.memory.pinned,
      bootId: '',
      isVisible: this.active() !== undefined,
    });
    const instance = version?.installed.get('app');
    const entry = version &&
      instance && { version: version.version, sha256: instance.name, file: instance.path, planned: '' };
    this.records.set(os.name, changeRecord(os, before, new Map([['app', entry]])));
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
