/** `[X-Extupdate]` of a transfer definition: the settings that only extupdate knows and systemd ignores. */
import * as z from 'zod/mini';
import { parseBoolean, parseTimeSpan } from '../syntax.ts';
import { type ExtensionSettings, kinds } from '../types.ts';
import { isVersion } from '../version/compare.ts';
import type { Assignment, Problem } from './ini.ts';
import { parsedBy } from './parsed-by.ts';

const SECTION = 'X-Extupdate';

/** How long declared units and `HealthCheck=` may take, in seconds. */
const HEALTH_TIMEOUT_DEFAULT = 60;

/** systemd.unit(5). */
const UNIT_NAME = /^[A-Za-z0-9:_.@\\-]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;

type Shape = 'single' | 'list';

/** Text in, value out; `allowed` is what a message tells. Lists take words, one or more per assignment. */
const settings = {
  Kind: { key: 'kind', shape: 'single', allowed: kinds.join(', '), schema: z.enum(kinds) },
  Required: { key: 'required', shape: 'single', allowed: 'yes, no', schema: parsedBy(parseBoolean) },
  Activate: {
    key: 'activate',
    shape: 'single',
    allowed: 'now, reboot, manual',
    schema: z.enum(['now', 'reboot', 'manual']),
  },
  MaxVersion: {
    key: 'maxVersion',
    shape: 'single',
    allowed: 'a version',
    schema: z.string().check(z.refine(isVersion)),
  },
  SkipVersions: {
    key: 'skipVersions',
    shape: 'list',
    allowed: 'globs of versions, such as *-rc*',
    schema: z.array(z.string().check(z.regex(/^[0-9A-Za-z.~^_+*?[\]!-]+$/))),
  },
  Manifest: {
    key: 'manifest',
    shape: 'list',
    allowed: 'file names with @f for the name of the image, such as @f.manifest.gz',
    schema: z.array(z.string().check(z.regex(/^[^/\s]*@f[^/\s]*$/))),
  },
  SignedBy: {
    key: 'signedBy',
    shape: 'list',
    allowed: 'OpenPGP fingerprints of 40 or 64 hex digits',
    schema: z.pipe(
      z.array(z.string().check(z.regex(/^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/))),
      z.transform((fingerprints: string[]) => [
        ...new Set(fingerprints.map((fingerprint) => fingerprint.toLowerCase())),
      ]),
    ),
  },
  Keyring: {
    key: 'keyring',
    shape: 'single',
    allowed: 'the absolute path of a file of OpenPGP keys',
    schema: z.string().check(z.regex(/^\/[^\0]+$/)),
  },
  Threshold: {
    key: 'threshold',
    shape: 'single',
    allowed: 'a number of keys from 1 to 16',
    schema: parsedBy((text) => (/^([1-9]|1[0-6])$/.test(text) ? Number(text) : undefined)),
  },
  AllowExpiredKey: { key: 'allowExpiredKey', shape: 'single', allowed: 'yes, no', schema: parsedBy(parseBoolean) },
  MaxManifestAgeSec: {
    key: 'maxManifestAgeSec',
    shape: 'single',
    allowed: 'a time span such as 30d, or infinity',
    schema: parsedBy((text) => positive(parseTimeSpan(text))),
  },
  OnWithdrawn: {
    key: 'onWithdrawn',
    shape: 'single',
    allowed: 'keep, previous, remove',
    schema: z.enum(['keep', 'previous', 'remove']),
  },
  HealthCheck: {
    key: 'healthCheck',
    shape: 'single',
    allowed: 'a unit such as check.service, or a command that begins with /',
    schema: z.string().check(z.refine((text) => text.startsWith('/') || UNIT_NAME.test(text))),
  },
  HealthTimeoutSec: {
    key: 'healthTimeoutSec',
    shape: 'single',
    allowed: 'a time span such as 90s or 2min',
    schema: parsedBy((text) => {
      const seconds = parseTimeSpan(text);
      return seconds !== undefined && seconds > 0 && seconds <= 86_400 ? seconds : undefined;
    }),
  },
  ReloadUnits: {
    key: 'reloadUnits',
    shape: 'list',
    allowed: 'names of units, such as web.service',
    schema: z.array(z.string().check(z.regex(UNIT_NAME))),
  },
  // Services that mount an image of the component over their own namespace (systemd.exec(5)). A restart interrupts
  // them, so it is only made where it is asked for.
  ExtensionServices: {
    key: 'extensionServices',
    shape: 'single',
    allowed: 'reload, reload-or-restart, ignore',
    schema: z.enum(['reload', 'reload-or-restart', 'ignore']),
  },
} as const satisfies Record<
  string,
  { key: keyof ExtensionSettings; shape: Shape; allowed: string; schema: z.ZodMiniType }
>;

/** The names of all settings, for messages, documentation and tests. */
export const extensionSettingNames = Object.keys(settings);

export const defaultExtensionSettings: ExtensionSettings = {
  required: false,
  activate: 'now',
  skipVersions: [],
  // mkosi writes the first two; sysextmgr reads the first and the last, which is what publish writes.
  manifest: ['@f.manifest.gz', '@f.manifest', '@f.json', '@f.raw.json'],
  signedBy: [],
  threshold: 1,
  onWithdrawn: 'keep',
  healthTimeoutSec: HEALTH_TIMEOUT_DEFAULT,
  reloadUnits: [],
  extensionServices: 'reload',
};

/** Reads the section out of all assignments of a component. */
export function parseExtensionSettings(assignments: readonly Assignment[]): {
  settings: ExtensionSettings;
  problems: Problem[];
} {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  const own = assignments.filter((assignment) => assignment.section === SECTION);
  for (const assignment of own) {
    if (!Object.hasOwn(settings, assignment.key)) {
      const message = `${assignment.key}=: unknown setting in [${SECTION}]; allowed: ${extensionSettingNames.join(', ')}`;
      problems.push({ file: assignment.file, line: assignment.line, message, severity: 'error' });
    }
  }
  for (const [name, setting] of Object.entries(settings)) {
    const all = own.filter((assignment) => assignment.key === name);
    const list = all.slice(all.findLastIndex((assignment) => assignment.value === '') + 1);
    const last = list.at(-1);
    if (!last) continue;
    const words = list.flatMap((assignment) => assignment.value.split(/\s+/));
    const result = z.safeParse(setting.schema, setting.shape === 'list' ? words : last.value);
    if (result.success) {
      values[setting.key] = result.data;
    } else {
      const text = list.map((assignment) => assignment.value).join(' ');
      const message = `${name}=: "${text}" is not valid; allowed: ${setting.allowed}`;
      problems.push({ file: last.file, line: last.line, message, severity: 'error' });
    }
  }
  const result = { ...defaultExtensionSettings, ...values };
  const { signedBy, threshold } = result;
  const asked = own.findLast(({ key }) => key === 'Threshold');
  if (asked && signedBy.length > 0 && threshold > signedBy.length) {
    const keys = signedBy.length === 1 ? 'one key' : `${signedBy.length} keys`;
    const message = `Threshold=: ${threshold} keys have to sign, and SignedBy= names ${keys}; allowed: at most as many`;
    problems.push({ file: asked.file, line: asked.line, message, severity: 'error' });
  }
  return { settings: result, problems };
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
