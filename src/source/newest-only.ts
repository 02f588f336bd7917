/** The newest of many versions, without sorting all of them. Pure. */
import { newestFirst } from '../version/compare.ts';

/**
 * Keeps the items with the newest versions; all of a version stay, or none.
 * @param max how many different versions are kept
 */
export function newestOnly<T>(items: readonly T[], versionOf: (item: T) => string, max: number): T[] {
  if (items.length <= max) return [...items];
  const versions = new Set<string>();
  let oldest: string | undefined;
  const trim = () => {
    const kept = [...versions].sort(newestFirst).slice(0, max);
    versions.clear();
    for (const version of kept) versions.add(version);
    if (kept.length === max) oldest = kept.at(-1);
  };
  // Lists are mostly in rising order.
  for (let index = items.length - 1; index >= 0; index--) {
    const version = versionOf(items[index] as T);
    // Most of a long list is older than what is kept already, and is compared once.
    if (oldest !== undefined && newestFirst(version, oldest) > 0) continue;
    versions.add(version);
    if (versions.size >= 2 * max) trim();
  }
  trim();
  return items.filter((item) => versions.has(versionOf(item)));
}
