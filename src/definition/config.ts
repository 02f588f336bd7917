/** `extupdate.conf`: settings of the host, validated; problems are collected like those of definitions. */
import * as z from 'zod/mini';
import { type MaintenanceWindow, parseMaintenanceWindow } from '../daemon/maintenance-window.ts';
import { defaultNetworkLimits, type NetworkLimits } from '../fetch/limits.ts';
import { didYouMean } from '../near-names.ts';
import { parseBoolean, parseSize, parseTimeSpan } from '../syntax.ts';
import type { Assignment, Problem } from './ini.ts';
import { parsedBy } from './parsed-by.ts';

const SECTION = 'Extupdate';

export interface Config extends NetworkLimits {
  /** Largest image that is downloaded or unpacked, in bytes. */
  readonly maxImageSize: number;
  /** Age over which a manifest's signature is refused, in seconds; undefined = no limit. */
  readonly maxManifestAgeSec?: number;
  readonly allowExpiredKey: boolean;
  /** How many trust anchors of the VOA hierarchy have to certify a verifier where there are any. */
  readonly trustAnchors: number;
  /** Whether a redirect may lead from https to http. */
  readonly allowHttp: boolean;
  /** Bytes per second for all downloads together; undefined = no limit. */
  readonly rateLimit?: number;
  /** Proxy for all requests; undefined = what the environment says. */
  readonly proxy?: string;
  /** PEM file of the authorities that are trusted for TLS; undefined = those of the OS. */
  readonly caFile?: string;
  /** Replaces the beginning of source URLs, first match wins. */
  readonly baseUrls: readonly { readonly from: string; readonly to: string }[];
  /** Names of systemd credentials that are sent as Authorization to URLs with the prefix. */
  readonly credentials: readonly { readonly prefix: string; readonly name: string }[];
  /** When the daemon runs: a cron expression of five fields; node-cron reads it. */
  readonly schedule: string;
  /** The daemon begins each cycle after a random part of it. */
  readonly randomizedDelaySec: number;
  /** When the daemon may install; none = always. */
  readonly maintenanceWindows: readonly MaintenanceWindow[];
}

export const defaultConfig: Config = {
  ...defaultNetworkLimits,
  maxImageSize: 16 * 1024 ** 3,
  allowExpiredKey: false,
  // UAPI.11: an anchor counts 40, and 120 is full trust.
  trustAnchors: 3,
  allowHttp: false,
  baseUrls: [],
  credentials: [],
  schedule: '0 */6 * * *',
  randomizedDelaySec: 30 * 60,
  maintenanceWindows: [],
};

/** Longest random delay of the daemon, and longest time limit, in seconds. */
const DELAY_MAX_SEC = 7 * 86_400;
/** The shape of minute, hour, day of month, month and day of week; the values are left to node-cron. */
const CRON_SHAPE = /^[0-9*,/-]+ +[0-9*,/-]+ +[0-9LW?*,/-]+ +[0-9a-z*,/-]+ +[0-9a-z?*#,/-]+$/i;

const url = z.string().check(z.regex(/^https?:\/\/[^/\s]/));
/** Of a server, or of a directory of this machine. */
const mirror = z.string().check(z.regex(/^(https?:\/\/[^/\s]|file:\/\/\/)/));

/** A time limit: each ends some day. */
function timeLimit<Key extends keyof NetworkLimits>(key: Key, example: string, min = 0.001) {
  return {
    key,
    allowed: `a time span such as ${example}, up to 7d`,
    schema: parsedBy((text) => atLeast(atMost(parseTimeSpan(text), DELAY_MAX_SEC), min)),
  };
}

const settings = {
  MaxImageSize: {
    key: 'maxImageSize',
    allowed: 'a size such as 4G, infinity',
    schema: parsedBy((text) => positive(parseSize(text))),
  },
  MaxManifestAgeSec: {
    key: 'maxManifestAgeSec',
    allowed: 'a time span such as 30d',
    schema: parsedBy((text) => positive(parseTimeSpan(text))),
  },
  AllowExpiredKey: { key: 'allowExpiredKey', allowed: 'yes, no', schema: parsedBy(parseBoolean) },
  TrustAnchors: {
    key: 'trustAnchors',
    allowed: 'a number of keys from 1 to 16',
    schema: parsedBy((text) => (/^([1-9]|1[0-6])$/.test(text) ? Number(text) : undefined)),
  },
  AllowHTTP: { key: 'allowHttp', allowed: 'yes, no', schema: parsedBy(parseBoolean) },
  RateLimit: {
    key: 'rateLimit',
    allowed: 'bytes per second, such as 5M',
    schema: parsedBy((text) => positive(parseSize(text))),
  },
  ConnectTimeoutSec: timeLimit('connectTimeoutSec', '10s'),
  StallTimeoutSec: timeLimit('stallTimeoutSec', '30s'),
  ListTimeoutSec: timeLimit('listTimeoutSec', '1min'),
  DownloadTimeoutSec: timeLimit('downloadTimeoutSec', '4h'),
  MinRate: {
    key: 'minRate',
    allowed: 'bytes per second, such as 1K; 0 for any',
    schema: parsedBy((text) => atMost(parseSize(text), Number.MAX_SAFE_INTEGER)),
  },
  MinRateIntervalSec: timeLimit('minRateIntervalSec', '5min'),
  RetrySec: timeLimit('retrySec', '1s', 0),
  RetryTimeoutSec: timeLimit('retryTimeoutSec', '10min', 0),
  RetryAfterMaxSec: timeLimit('retryAfterMaxSec', '15min', 0),
  Proxy: { key: 'proxy', allowed: 'http://HOST:PORT, https://HOST:PORT', schema: url },
  CAFile: { key: 'caFile', allowed: 'an absolute path', schema: z.string().check(z.regex(/^\//)) },
  Schedule: {
    key: 'schedule',
    allowed: 'five fields of a cron expression, such as 0 */6 * * *',
    schema: z.string().check(z.regex(CRON_SHAPE)),
  },
  RandomizedDelaySec: {
    key: 'randomizedDelaySec',
    allowed: 'a time span such as 30min, up to 7d',
    schema: parsedBy((text) => atMost(parseTimeSpan(text), DELAY_MAX_SEC)),
  },
} as const satisfies Record<string, { key: keyof Config; allowed: string; schema: z.ZodMiniType }>;

const words = z.pipe(
  z.string(),
  z.transform((text: string) => text.split(/\s+/)),
);

/** Settings that may be repeated and add up. */
const listSettings = {
  BaseURL: {
    allowed: 'two URLs, the one in definitions and the one to use',
    schema: z.pipe(words, z.tuple([url, mirror])),
  },
  Credential: {
    allowed: 'a URL prefix and the name of a systemd credential',
    schema: z.pipe(words, z.tuple([url, z.string().check(z.regex(/^[A-Za-z0-9_.-]+$/))])),
  },
  MaintenanceWindow: {
    allowed: '[DAYS] HH:MM-HH:MM, such as Sat,Sun 02:00-04:00, Mon..Fri 22:00-04:00 or Sun 00:00-24:00',
    schema: parsedBy(parseMaintenanceWindow),
  },
} as const;

export const configSettingNames = [...Object.keys(settings), ...Object.keys(listSettings)];

/** Reads the assignments of `extupdate.conf` and its drop-ins, later ones overriding earlier ones. */
export function parseConfig(assignments: readonly Assignment[]): { config: Config; problems: Problem[] } {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  const lists: { -readonly [Key in keyof typeof listSettings]: z.infer<(typeof listSettings)[Key]['schema']>[] } = {
    BaseURL: [],
    Credential: [],
    MaintenanceWindow: [],
  };
  for (const assignment of assignments) {
    const { section, key, value, file, line } = assignment;
    if (section.startsWith('X-')) continue;
    const invalid = (what: string, allowed: string) =>
      problems.push({ file, line, message: `${key}=: ${what}; allowed: ${allowed}`, severity: 'error' });
    if (section !== SECTION) {
      invalid(`unknown section [${section}]`, `[${SECTION}]`);
    } else if (isKey(settings, key)) {
      if (value === '') {
        delete values[settings[key].key];
        continue;
      }
      const result = z.safeParse(settings[key].schema as z.ZodMiniType, value);
      if (result.success) values[settings[key].key] = result.data;
      else invalid(`"${value}" is not valid`, settings[key].allowed);
    } else if (isKey(listSettings, key)) {
      if (value === '') {
        lists[key] = [];
        continue;
      }
      const result = z.safeParse(listSettings[key].schema as z.ZodMiniType, value);
      if (result.success) (lists[key] as unknown[]).push(result.data);
      else invalid(`"${value}" is not valid`, listSettings[key].allowed);
    } else {
      problems.push({ file, line, message: `${key}=: unknown setting${hintFor(key)}`, severity: 'error' });
    }
  }
  const config: Config = {
    ...defaultConfig,
    ...values,
    baseUrls: lists.BaseURL.map(([from, to]) => ({ from, to })),
    credentials: lists.Credential.map(([prefix, name]) => ({ prefix, name })),
    maintenanceWindows: lists.MaintenanceWindow,
  };
  return { config, problems };
}

/** The URL to use for one in a definition. */
export function overrideBaseUrl(url: string, config: Config): string {
  const rule = config.baseUrls.find(
    ({ from }) => url === from || url.startsWith(from.endsWith('/') ? from : `${from}/`),
  );
  return rule
    ? `${rule.to.replace(/\/+$/, '')}/${url.slice(rule.from.length).replace(/^\/+/, '')}`.replace(/\/+$/, '')
    : url;
}

function isKey<T extends object>(table: T, key: string): key is Extract<keyof T, string> {
  return Object.hasOwn(table, key);
}

function atMost(value: number | undefined, max: number): number | undefined {
  return value !== undefined && value <= max ? value : undefined;
}

function atLeast(value: number | undefined, min: number): number | undefined {
  return value !== undefined && value >= min ? value : undefined;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function hintFor(key: string): string {
  const near = didYouMean(key, configSettingNames);
  return near === '' ? '; extupdate.conf(5) has all of them' : near;
}
