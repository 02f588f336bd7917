/**
 * Which operating systems were booted, in which order, and which of them reached `boot-complete.target`: enough to know
 * a failed OS update, and to know what can be booted where the platform does not tell. Pure.
 */
import * as z from 'zod/mini';
import { newestFirst } from '../version/compare.ts';
import type { OsRecord } from './record.ts';

const Boot = z.looseObject({
  /** Name of the OS's record. */
  os: z.string(),
  bootId: z.string(),
  /** Whether this boot reached `boot-complete.target`. */
  blessed: z.boolean(),
  deployment: z.nullable(z.string()),
  release: z.record(z.string(), z.string()),
});

/** Oldest first. */
export const Boots = z.array(Boot);
export type Boot = z.infer<typeof Boot>;

/** Boots that are remembered; of every OS among them the last one always is. */
const BOOTS_MAX = 32;

/** Adds the present boot; nothing changes when it is known already. */
export function addBoot(boots: readonly Boot[], boot: Boot): readonly Boot[] {
  if (boots.some((one) => isSameBoot(one, boot))) return boots;
  const all = [...boots, boot];
  const isLastOfItsOs = (entry: Boot, index: number) => !all.slice(index + 1).some(({ os }) => os === entry.os);
  const surplus = all.length - BOOTS_MAX;
  const kept = all.filter((entry, index) => index >= surplus || isLastOfItsOs(entry, index));
  return kept.slice(-2 * BOOTS_MAX);
}

/** Whether two are one boot. A soft reboot into another OS keeps the id of the kernel's boot. */
export function isSameBoot(a: Pick<Boot, 'bootId' | 'os'>, b: Pick<Boot, 'bootId' | 'os'>): boolean {
  return a.bootId === b.bootId && a.os === b.os;
}

/** Marks a boot as one that reached `boot-complete.target`. */
export function blessBoot(boots: readonly Boot[], present: Pick<Boot, 'bootId' | 'os'>): readonly Boot[] {
  return boots.map((boot) => (isSameBoot(boot, present) && !boot.blessed ? { ...boot, blessed: true } : boot));
}

/** The last `count` different operating systems that were booted, the latest first. */
export function lastBooted(boots: readonly Boot[], count: number): Boot[] {
  const found = new Map<string, Boot>();
  for (const boot of boots.toReversed()) {
    if (found.size < count && !found.has(boot.os)) found.set(boot.os, boot);
  }
  return [...found.values()];
}

/**
 * The operating systems that were tried after `current` and never were good: updates that failed. A rollback from an OS
 * that was blessed once is a person's wish and no failure; and where `current` itself was never blessed, nothing can be
 * told.
 * @param boots all boots before the present one
 */
export function failedUpdates(boots: readonly Boot[], current: string): string[] {
  const last = boots.findLastIndex(({ os }) => os === current);
  if (!boots.slice(0, last + 1).some(({ os, blessed }) => os === current && blessed)) return [];
  const since = new Set(boots.slice(last + 1).map(({ os }) => os));
  return [...since].filter((os) => !boots.some((boot) => boot.os === os && boot.blessed));
}

/**
 * The versions that came in with a failed OS, and those it was to show next: newer than what the present one had, or new
 * altogether.
 * @returns pairs of component and version
 */
export function cameInWith(failed: OsRecord, present: OsRecord | undefined): [string, string][] {
  return Object.entries(failed.components).flatMap(([name, { version, next }]) => {
    const before = present?.components[name]?.version;
    const versions = next ? [version, next.version] : [version];
    return versions
      .filter((one) => before === undefined || newestFirst(one, before) < 0)
      .map((one): [string, string] => [name, one]);
  });
}

/**
 * Versions that an earlier boot of an OS was to show for the first time and that did not get to be good, because that
 * boot did not: something else has to be shown now. Where no boot of the OS before was good, nothing can be told.
 * @param boots all boots before the present one
 * @returns versions by component
 */
export function failedPlans(boots: readonly Boot[], os: string, record: OsRecord | undefined): Map<string, string> {
  const versions = new Map<string, string>();
  for (const [name, { next }] of Object.entries(record?.components ?? {})) {
    const decided = boots.findLastIndex((boot) => boot.os === os && boot.bootId === next?.planned);
    if (!next || decided < 0) continue;
    const isKnown = boots.slice(0, decided + 1).some((boot) => boot.os === os && boot.blessed);
    if (isKnown && boots.slice(decided + 1).some((boot) => boot.os === os && !boot.blessed)) {
      versions.set(name, next.version);
    }
  }
  return versions;
}
