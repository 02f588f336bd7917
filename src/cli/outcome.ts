/** What a command found and did, and how it gets to it: the host is opened, asked, and closed. */
import { DEFAULT_COMPONENT } from '../definition/candidates.ts';
import { isTurnedOff } from '../definition/features.ts';
import { renderProblem } from '../definition/load.ts';
import type { Switch } from '../enablement.ts';
import type { ErrorReport } from '../errors.ts';
import { exitStatus, UsageError } from '../errors.ts';
import type { HistoryEntry } from '../os/history.ts';
import { programVersion } from '../program.ts';
import type { ComponentPlan } from '../resolve/plan.ts';
import type { Resolution } from '../resolve/resolver.ts';
import type { FoundExtension } from '../search.ts';
import { stagedState } from '../survey.ts';
import type { RunOptions, System } from '../system.ts';
import { openSystem } from '../system.ts';
import { unseenNotice, unseenPlaces } from '../unseen.ts';
import type { FileVerdict } from '../verify-installed.ts';
import type { DoneAction, KeptFile, UpdateResult } from '../work.ts';
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
import type { SysupdateList, SysupdateVersion } from './sysupdate-document.ts';
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

/** Of an outcome, what is the same for every command, and comes from the host. */
type OfHost = 'components' | 'errors' | 'left' | 'disabled' | 'turnedOff' | 'os' | 'unseen';

/** What a command came to; {@link withSystem} makes an outcome of it. */
export interface Found extends Omit<Outcome, OfHost> {
  readonly resolutions: readonly Resolution[];
  /** In place of resolutions, which take much more memory. */
  readonly documents?: readonly ComponentDocument[];
  readonly errors: readonly (ErrorReport & { readonly component: string })[];
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

/** A component as it stands in documents. */
export function documentOf(system: System, resolution: Resolution): ComponentDocument {
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
