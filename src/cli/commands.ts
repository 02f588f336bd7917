/** What each command does: gather, decide or act, and hand a document to the printer. */
import { DEFAULT_COMPONENT } from '../definition/candidates.ts';
import { isTurnedOff } from '../definition/features.ts';
import { renderProblem } from '../definition/load.ts';
import type { Switch } from '../enablement.ts';
import type { ErrorReport } from '../errors.ts';
import { exitStatus, reportOf, UsageError } from '../errors.ts';
import { noticePreReleases, noticeWithdrawn } from '../notices.ts';
import type { HistoryEntry } from '../os/history.ts';
import { readState } from '../os/state.ts';
import { programVersion } from '../program.ts';
import { republishedFailure } from '../publisher-changes.ts';
import type { ComponentPlan } from '../resolve/plan.ts';
import type { Resolution } from '../resolve/resolver.ts';
import type { FoundExtension } from '../search.ts';
import type { SeenService } from '../services/services-seen.ts';
import { learnForList, settle } from '../settle.ts';
import { resolveSurvey, type Survey, stagedState, surveyAll, surveyEach } from '../survey.ts';
import type { RunOptions, System } from '../system.ts';
import { openSystem } from '../system.ts';
import { unseenNotice, unseenPlaces } from '../unseen.ts';
import type { FileVerdict } from '../verify-installed.ts';
import type { DoneAction, KeptFile, Requests, UpdateResult } from '../work.ts';
import type { AddedDocument } from './add-command.ts';
import type { CheckDocument } from './doctor-command.ts';
import {
  type ComponentDocument,
  componentDocument,
  type ErrorDocument,
  errorDocument,
  type OsDocument,
  type ServiceDocument,
} from './document.ts';
import type { RemovedDocument } from './remove-command.ts';
import { type SysupdateList, type SysupdateVersion, sysupdateList, sysupdateVersion } from './sysupdate-document.ts';
import type { SourceDocument } from './verify-commands.ts';

/** What a command found and did; the printer makes text or JSON of it. */
export interface Outcome {
  readonly components: readonly ComponentDocument[];
  readonly errors: readonly ErrorDocument[];
  readonly done?: readonly DoneAction[];
  readonly plans?: readonly ComponentPlan[];
  /** Nothing was done, the plans say what would be. */
  readonly dryRun?: boolean;
  /** Why `gc` keeps or removes each file. */
  readonly kept?: readonly KeptFile[];
  /** What operating systems get, for `status --os` and `prepare`. */
  readonly oses?: readonly OsDocument[];
  /** For `history`. */
  readonly history?: readonly HistoryEntry[];
  /** What systemd-sysupdate prints, for `list` of one component. */
  readonly listing?: SysupdateList | SysupdateVersion;
  /** For `enable` and `disable`. */
  readonly switched?: readonly Switch[];
  /** For `verify`. */
  readonly sources?: readonly SourceDocument[];
  /** For `verify --installed`. */
  readonly files?: readonly FileVerdict[];
  /** For `add`. */
  readonly added?: AddedDocument;
  /** For `search`. */
  readonly found?: readonly FoundExtension[];
  /** For `doctor`. */
  readonly checks?: readonly CheckDocument[];
  /** For `remove`. */
  readonly removed?: readonly RemovedDocument[];
  /** For `status`: services that use an image themselves. */
  readonly services?: readonly ServiceDocument[];
  /** Places of extupdate's own that this user may not look into. */
  readonly unseen?: readonly string[];
  /** Components that are somebody else's, and why. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
  readonly disabled: readonly string[];
  /** Components that their features turn off. */
  readonly turnedOff: readonly string[];
  /** Name of the record of the OS that it is about, unless it says otherwise. */
  readonly os?: string;
}

/** Lists versions: what is offered, what is here, and why a version is not chosen. */
export function list(run: RunOptions, version?: string): Promise<Outcome> {
  return withSystem(run, async (system) => {
    const state = readState(run.root, false);
    const surveys = await surveyAll(system, state, { sources: true });
    await Promise.all(surveys.map((survey) => learnForList(system, state, survey)));
    const resolutions = surveys.map((survey) => resolveSurvey(system, state, survey));
    await system.facts.save(new Set(surveys.flatMap(({ offered }) => offered.map(({ sha256 }) => sha256))));
    return { resolutions, errors: surveys.flatMap(failureOf), ...listingOf(system, resolutions, version) };
  });
}

/** What systemd-sysupdate prints for one component, or for one version of it. */
function listingOf(system: System, [resolution, ...others]: readonly Resolution[], version: string | undefined) {
  if (!resolution || others.length > 0 || system.options.components.length !== 1) return {};
  const state = resolution.versions.find((one) => one.version === version);
  if (version === undefined) return { listing: sysupdateList(resolution) };
  return state
    ? { listing: sysupdateVersion(resolution, state, stagedState(system, resolution.component, state)) }
    : {};
}

/** Says what `apply` would change to; looks at no more images than it has to. */
export function check(run: RunOptions): Promise<Outcome> {
  return withSystem(run, async (system) => {
    const state = readState(run.root, false);
    const { nothingFits } = await import('../acquire.ts');
    const offered = new Set<string>();
    const found = await surveyEach(system, state, { sources: true }, async (survey) => {
      const resolution = await settle(system, state, survey);
      for (const { sha256 } of survey.offered) offered.add(sha256);
      noticePreReleases(system, resolution);
      noticeWithdrawn(system, survey, resolution);
      const isKnown = !survey.failure && !survey.unreadable;
      const unfit = isKnown ? (nothingFits(system, resolution) ?? republishedFailure(resolution)) : undefined;
      const errors = unfit ? [{ component: survey.component.name, ...reportOf(unfit) }] : failureOf(survey);
      return { document: documentOf(system, resolution), errors };
    });
    await system.facts.save(offered);
    return {
      resolutions: [],
      documents: found.map(({ document }) => document),
      errors: found.flatMap(({ errors }) => errors),
    };
  });
}

/** What is installed and visible now; asks no server. */
export function status(run: RunOptions): Promise<Outcome> {
  return withSystem({ ...run, offline: true, lenient: true }, async (system) => {
    const state = readState(run.root, false);
    const surveys = await surveyAll(system, state, { sources: false });
    const { servicesSeen } = await import('../services/services-seen.ts');
    const seen = await servicesSeen(
      system,
      state,
      surveys.map(({ component }) => component),
    );
    noticeUnseen(system, seen);
    return {
      resolutions: surveys.map((survey) => resolveSurvey(system, state, survey)),
      errors: surveys.flatMap(failureOf),
      services: seen.map(({ unit, component, version, exposed }) => ({
        unit,
        component,
        version: version ?? null,
        exposed: exposed ?? null,
      })),
    };
  });
}

/** Tells why the version that a service sees is not known. */
function noticeUnseen({ options: { reporter } }: System, services: readonly SeenService[]): void {
  for (const { unit, component, version, why } of services) {
    if (version !== undefined || why === undefined) continue;
    if (why === 'hidden') reporter.notice('', 'what services see is shown to root only');
    if (why === 'absent') reporter.notice(component, `${unit} does not see it, whatever its settings say`);
    if (why === 'other')
      reporter.notice(component, `${unit} sees a version that is not installed any more, or that cannot be read`);
  }
}

/** How `apply` and `install` go about it. */
export interface ApplyOptions {
  readonly dryRun: boolean;
  /** Whether `Activate=` gives way. */
  readonly now: boolean;
  /** Whether what is installed becomes visible. */
  readonly activate: boolean;
}

/** Acquires, installs, exposes, activates; or says what would be done. */
export function apply(run: RunOptions, requests: Requests, options: ApplyOptions): Promise<Outcome> {
  return updateWith(run, requests, 'apply', options);
}

/** Downloads into staging. */
export function acquireCommand(run: RunOptions, requests: Requests, { dryRun }: ApplyOptions): Promise<Outcome> {
  return withSystem(run, async (system) => {
    requireManaged(system);
    const { acquire, planUpdate } = await import('../update.ts');
    return dryRun ? planOnly(await planUpdate(system, requests)) : await acquire(system, requests);
  });
}

/** Installs what is in staging, without a network. */
export function install(run: RunOptions, requests: Requests, options: ApplyOptions): Promise<Outcome> {
  return updateWith({ ...run, offline: true }, requests, 'install', options);
}

function updateWith(
  run: RunOptions,
  requests: Requests,
  command: string,
  { dryRun, now, activate }: ApplyOptions,
): Promise<Outcome> {
  return withSystem(run, async (system) => {
    requireManaged(system);
    const { planUpdate, update } = await import('../update.ts');
    if (dryRun) return planOnly(await planUpdate(system, requests));
    return update(system, requests, { command, sources: true, now, activate });
  });
}

/** Removes versions that nothing needs, and says why the others stay. */
export function gc(run: RunOptions, dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system) => {
    const { collectGarbage } = await import('../gc.ts');
    const { kept, done, errors } = await collectGarbage(system, dryRun);
    return { resolutions: [], errors, done, kept };
  });
}

/** What a command came to; {@link withSystem} makes an outcome of it. */
export interface Found {
  readonly resolutions: readonly Resolution[];
  /** In place of resolutions, which take much more memory. */
  readonly documents?: readonly ComponentDocument[];
  readonly errors: readonly (ErrorReport & { readonly component: string })[];
  readonly done?: readonly DoneAction[];
  readonly plans?: readonly ComponentPlan[];
  readonly dryRun?: boolean;
  readonly kept?: readonly KeptFile[];
  readonly oses?: readonly OsDocument[];
  readonly history?: readonly HistoryEntry[];
  readonly listing?: SysupdateList | SysupdateVersion;
  readonly services?: readonly ServiceDocument[];
  readonly sources?: readonly SourceDocument[];
  readonly files?: readonly FileVerdict[];
  readonly added?: AddedDocument;
  readonly removed?: readonly RemovedDocument[];
  readonly found?: readonly FoundExtension[];
}

/** Opens the host for a command, and closes it after. */
export async function withSystem(run: RunOptions, operation: (system: System) => Promise<Found>): Promise<Outcome> {
  const system = openSystem(run, programVersion);
  const { components, broken, left, disabled, warnings } = system.definitions;
  const turnedOff = components.filter(isTurnedOff).map(({ name }) => name);
  for (const warning of warnings) run.reporter.warning('', renderProblem(warning));
  const unseen = unseenPlaces(run.root);
  if (unseen.length > 0) run.reporter.notice('', unseenNotice(unseen));
  try {
    const { resolutions, documents, errors, ...rest } = await operation(system);
    return {
      components: documents ?? resolutions.map((resolution) => documentOf(system, resolution)),
      errors: [
        ...broken.map(({ name, problems }) =>
          errorDocument(name, {
            code: 'config',
            exit: exitStatus.config,
            message: problems.map(renderProblem).join('\n'),
          }),
        ),
        ...errors.map(({ component, ...report }) => errorDocument(component, report)),
      ],
      left,
      disabled,
      turnedOff,
      os: system.os.name,
      ...(unseen.length > 0 ? { unseen: unseen.map(({ path }) => path) } : {}),
      ...rest,
    };
  } finally {
    await system.close();
  }
}

function documentOf(system: System, resolution: Resolution): ComponentDocument {
  return componentDocument(resolution, (state) => stagedState(system, resolution.component, state));
}

/** What is disabled, or somebody else's, is passed over, unless a person names it. @throws UsageError */
export function requireManaged({ options, definitions: { disabled, left, known } }: System): void {
  for (const name of options.components) {
    if (disabled.includes(name)) {
      throw new UsageError(`${name} is disabled`, { next: `"extupdate enable ${name}" enables it` });
    }
    const reason = left.find((one) => one.name === name)?.reason;
    if (reason !== undefined) {
      const component = name === DEFAULT_COMPONENT ? '' : `-C ${name} `;
      throw new UsageError(`${name} is left to systemd-sysupdate, ${reason}`, {
        next: `"systemd-sysupdate ${component}update" updates it`,
      });
    }
    if (known.some((one) => one.name === name && !one.hasTransfers)) {
      throw new UsageError(`${name} has no transfers`, { next: 'there is nothing to update it from' });
    }
  }
}

/** A dry run does nothing, so it has no list of what was done. */
export function planOnly({ resolutions, plans, errors }: UpdateResult): Found {
  return { resolutions, plans, errors, done: [], dryRun: true };
}

function failureOf({ component, failure, unreadable }: Survey) {
  const found = unreadable ?? failure;
  return found ? [{ component: component.name, ...found }] : [];
}
