/** The parts that JSON documents are made of, as schemas. */
import * as z from 'zod/mini';
import type { AddedDocument } from '../cli/add-command.ts';
import type { CheckDocument } from '../cli/doctor-command.ts';
import {
  type ComponentDocument,
  DOCUMENT_FORMAT,
  type ErrorDocument,
  type OsDocument,
  type ServiceDocument,
  type VersionDocument,
} from '../cli/document.ts';
import type { PublicationDocument } from '../cli/publish-command.ts';
import type { RemovedDocument } from '../cli/remove-command.ts';
import type { SourceDocument } from '../cli/verify-commands.ts';
import { checkNames, states } from '../doctor/finding.ts';
import type { Switch } from '../enablement.ts';
import type { FoundExtension } from '../search.ts';
import type { FileVerdict } from '../verify-installed.ts';
import type { DoneAction, KeptFile } from '../work.ts';

/** Why something is as it is: a code that stays, and words that may change. */
const Reason = z.strictObject({ code: z.string(), text: z.string() });

const reasonCodes = [
  ...(['chosen', 'current', 'unknown', 'older', 'not-requested', 'incompatible', 'incomplete', 'obsolete'] as const),
  ...(['above-max', 'skipped', 'held', 'bad', 'withdrawn', 'republished'] as const),
];

const Version = z.strictObject({
  version: z.string(),
  installed: z.boolean(),
  active: z.boolean(),
  available: z.boolean(),
  // Null where nobody has looked yet.
  compatible: z.nullable(z.boolean()),
  newest: z.boolean(),
  obsolete: z.boolean(),
  protected: z.boolean(),
  incomplete: z.boolean(),
  partial: z.boolean(),
  pending: z.boolean(),
  held: z.boolean(),
  bad: z.boolean(),
  reason: z.strictObject({ code: z.enum(reasonCodes), text: z.string() }),
}) satisfies z.ZodMiniType<VersionDocument>;

export const Component = z.strictObject({
  name: z.string(),
  // The version that systemd sees.
  current: z.nullable(z.string()),
  // The version that a run would change to.
  candidate: z.nullable(z.string()),
  versions: z.array(Version),
}) satisfies z.ZodMiniType<ComponentDocument>;

export const Failure = z.strictObject({
  component: z.nullable(z.string()),
  code: z.string(),
  exit: z.int(),
  message: z.string(),
  next: z.nullable(z.string()),
}) satisfies z.ZodMiniType<ErrorDocument>;

export const Done = z.strictObject({
  component: z.string(),
  action: z.enum(['acquire', 'install', 'expose', 'activate', 'defer', 'remove', 'hold', 'unhold', 'forget']),
  version: z.string(),
  from: z.nullable(z.string()),
  // The OS that it was done for, where that is not the running one.
  os: z.optional(z.string()),
}) satisfies z.ZodMiniType<Omit<DoneAction, 'os'> & { readonly os?: string | undefined }>;

/** What `--dry-run` would do for a component. */
export const Plan = z.strictObject({
  component: z.string(),
  version: z.string(),
  from: z.nullable(z.string()),
  steps: z.array(z.strictObject({ step: z.enum(['acquire', 'install', 'expose']), transfer: z.string() })),
});

export const Kept = z.strictObject({
  component: z.string(),
  path: z.string(),
  keep: z.boolean(),
  reason: z.string(),
}) satisfies z.ZodMiniType<KeptFile>;

export const Os = z.strictObject({
  name: z.string(),
  description: z.string(),
  running: z.boolean(),
  origin: z.string(),
  where: z.string(),
  components: z.array(z.strictObject({ component: z.string(), version: z.nullable(z.string()), reason: Reason })),
}) satisfies z.ZodMiniType<OsDocument>;

export const Service = z.strictObject({
  unit: z.string(),
  component: z.string(),
  version: z.nullable(z.string()),
  exposed: z.nullable(z.string()),
}) satisfies z.ZodMiniType<ServiceDocument>;

export const Source = z.strictObject({
  component: z.string(),
  source: z.string(),
  trust: z.enum(['signature', 'server', 'local']),
  accepted: z.boolean(),
  threshold: z.int(),
  signedBy: z.array(z.string()),
  signatureName: z.nullable(z.string()),
  keys: z.array(
    z.strictObject({
      fingerprint: z.string(),
      userIds: z.array(z.string()),
      files: z.array(z.string()),
      expires: z.nullable(z.string()),
      accepted: z.boolean(),
      reason: Reason,
    }),
  ),
  signatures: z.array(
    z.strictObject({
      keyId: z.string(),
      fingerprint: z.nullable(z.string()),
      created: z.nullable(z.string()),
      accepted: z.boolean(),
      reason: Reason,
    }),
  ),
}) satisfies z.ZodMiniType<SourceDocument>;

export const File = z.strictObject({
  component: z.string(),
  version: z.string(),
  path: z.string(),
  state: z.enum(['intact', 'damaged', 'unreadable', 'missing', 'unknown']),
  text: z.string(),
}) satisfies z.ZodMiniType<FileVerdict>;

export const Switched = z.strictObject({
  component: z.string(),
  feature: z.nullable(z.string()),
  enabled: z.boolean(),
  file: z.string(),
}) satisfies z.ZodMiniType<Switch>;

export const Added = z.strictObject({
  component: z.string(),
  file: z.string(),
  // The text of the definition.
  definition: z.string(),
  source: z.string(),
  trust: z.enum(['signature', 'server']),
  signedBy: z.array(z.string()),
  kind: z.enum(['sysext', 'confext']),
  versions: z.int(),
  written: z.boolean(),
}) satisfies z.ZodMiniType<AddedDocument>;

export const Removed = z.strictObject({
  component: z.string(),
  visible: z.array(z.string()),
  files: z.array(z.strictObject({ path: z.string(), version: z.string() })),
  definitions: z.array(z.strictObject({ file: z.string(), action: z.enum(['delete', 'mask', 'disable', 'keep']) })),
  services: z.array(z.string()),
  done: z.boolean(),
}) satisfies z.ZodMiniType<RemovedDocument>;

export const Found = z.strictObject({
  name: z.string(),
  // Null where names tell of none for this machine.
  newest: z.nullable(z.string()),
  versions: z.int(),
  architectures: z.array(z.string()),
  source: z.string(),
  // The component that is kept at it here.
  component: z.nullable(z.string()),
}) satisfies z.ZodMiniType<FoundExtension>;

export const Check = z.strictObject({
  check: z.enum(checkNames),
  state: z.enum(states),
  text: z.string(),
  next: z.nullable(z.string()),
  // Of a problem, the status of a run that meets it.
  exit: z.nullable(z.int()),
}) satisfies z.ZodMiniType<CheckDocument>;

/** A line of the history; a newer extupdate may have written more into it. */
export const HistoryLine = z.looseObject({
  at: z.string(),
  command: z.string(),
  os: z.string(),
  done: z.array(z.looseObject({ component: z.string(), action: z.string(), version: z.string() })),
  errors: z.array(z.looseObject({ component: z.nullable(z.string()), code: z.string(), message: z.string() })),
});

/** A feature as systemd-sysupdate 262 prints it. */
export const FeatureFields = {
  id: z.string(),
  description: z.optional(z.string()),
  documentation: z.optional(z.array(z.string())),
  appStream: z.optional(z.string()),
  enabled: z.boolean(),
  suggested: z.optional(z.boolean()),
  transfers: z.optional(z.array(z.string())),
};

/** What `publish` prints. */
export const Publication = z.strictObject({
  format: z.literal(DOCUMENT_FORMAT),
  published: z.array(
    z.strictObject({
      file: z.string(),
      sha256: z.string(),
      // Bytes; null for a file that is gone.
      size: z.nullable(z.int()),
      state: z.enum(['new', 'unchanged', 'changed', 'removed']),
      kind: z.nullable(z.enum(['sysext', 'confext', 'sysext+confext', 'sidecar', 'other'])),
      reason: z.nullable(z.string()),
    }),
  ),
  leftOut: z.array(z.strictObject({ file: z.string(), reason: z.string() })),
  removed: z.array(z.string()),
  listWritten: z.boolean(),
  signatureWritten: z.boolean(),
  signature: z.nullable(z.string()),
  signedBy: z.nullable(z.string()),
  bestBefore: z.nullable(z.string()),
  dryRun: z.boolean(),
  notices: z.array(z.string()),
  errors: z.array(z.strictObject({ ...Failure.shape, file: z.nullable(z.string()) })),
}) satisfies z.ZodMiniType<PublicationDocument>;
