/**
 * The JSON document of each command, as a schema: what `--json` prints, nothing more. The build writes them as JSON Schema
 * into `docs/reference/schemas/`, and every document that a test sees is held to them.
 */
import * as z from 'zod/mini';
import { DOCUMENT_FORMAT } from '../cli/document.ts';
import type { CommandName } from './commands.ts';
import {
  Added,
  Check,
  Component,
  Done,
  Failure,
  FeatureFields,
  File,
  Found,
  HistoryLine,
  Kept,
  Os,
  Plan,
  Publication,
  Removed,
  Service,
  Source,
  Switched,
} from './document-parts.ts';

const base = {
  format: z.literal(DOCUMENT_FORMAT),
  components: z.array(Component),
  errors: z.array(Failure),
  // Places of extupdate's own that this user may not look into; missing where there are none.
  unseen: z.optional(z.array(z.string())),
};

/** A run that failed as a whole says only why. */
const Failed = z.strictObject({ ...base, components: z.tuple([]) });

const changing = z.strictObject({ ...base, done: z.optional(z.array(Done)), plan: z.optional(z.array(Plan)) });

/** `list` of one component also has what systemd-sysupdate prints for it. */
const listed = z.strictObject({
  ...base,
  current: z.optional(z.nullable(z.string())),
  all: z.optional(z.array(z.string())),
  appstreamUrls: z.optional(z.array(z.string())),
});

const listedVersion = z.strictObject({
  ...base,
  version: z.string(),
  newest: z.boolean(),
  available: z.boolean(),
  installed: z.boolean(),
  partial: z.boolean(),
  pending: z.boolean(),
  obsolete: z.boolean(),
  protected: z.boolean(),
  incomplete: z.boolean(),
  changelogUrls: z.array(z.string()),
  contents: z.array(
    z.strictObject({
      type: z.string(),
      path: z.string(),
      mtime: z.optional(z.int()),
      mode: z.optional(z.int()),
      size: z.optional(z.int()),
      'tries-done': z.optional(z.int()),
      'tries-left': z.optional(z.int()),
      ro: z.optional(z.boolean()),
      sha256: z.optional(z.string()),
    }),
  ),
});

const switching = z.strictObject({ ...base, done: z.optional(z.array(Done)), switched: z.optional(z.array(Switched)) });

const documents = {
  list: [listed, listedVersion],
  check: [z.strictObject(base)],
  status: [z.strictObject({ ...base, services: z.optional(z.array(Service)), oses: z.optional(z.array(Os)) })],
  why: [listed],
  history: [z.strictObject({ ...base, history: z.array(HistoryLine) })],
  verify: [z.strictObject({ ...base, sources: z.optional(z.array(Source)), files: z.optional(z.array(File)) })],
  'check-new': [z.strictObject({ available: z.nullable(z.string()) })],
  search: [z.strictObject({ ...base, found: z.array(Found) })],
  doctor: [z.strictObject({ ...base, checks: z.array(Check) })],
  apply: [changing],
  acquire: [changing],
  install: [changing],
  rollback: [changing],
  hold: [changing],
  unhold: [changing],
  'reset-floor': [changing],
  gc: [z.strictObject({ ...base, done: z.optional(z.array(Done)), kept: z.array(Kept) })],
  prepare: [
    z.strictObject({ ...base, done: z.optional(z.array(Done)), oses: z.array(Os), plan: z.optional(z.array(Plan)) }),
  ],
  select: [changing],
  bless: [changing],
  add: [z.strictObject({ ...base, added: Added, done: z.optional(z.array(Done)) })],
  remove: [z.strictObject({ ...base, removed: z.array(Removed), done: z.array(Done) })],
  components: [z.strictObject({ default: z.boolean(), components: z.array(z.string()) })],
  features: [
    z.strictObject({
      format: base.format,
      features: z.array(z.strictObject({ ...FeatureFields, component: z.string() })),
      errors: base.errors,
    }),
    // With `-C`, in the shape of systemd-sysupdate 262.
    z.strictObject({ features: z.array(z.string()) }),
    z.strictObject(FeatureFields),
  ],
  enable: [switching],
  disable: [switching],
  publish: [Publication],
} as const satisfies Partial<Record<CommandName, readonly z.ZodMiniType[]>>;

/** The commands that print a document; the others have none. */
export type DocumentedCommand = keyof typeof documents;
export const documentedCommands = Object.keys(documents) as DocumentedCommand[];

/** The schema of the document that a command prints. */
export function documentSchema(command: DocumentedCommand): z.ZodMiniType {
  return z.union([...documents[command], Failed]);
}

/** The same as JSON Schema (draft 2020-12). */
export function documentJsonSchema(command: DocumentedCommand): object {
  const { $schema, ...schema } = z.toJSONSchema(documentSchema(command)) as { readonly $schema?: string };
  return { $schema, title: `extupdate ${command} --json`, ...schema };
}
