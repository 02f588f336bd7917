/** Which units an image brings along. */
import { statSync } from 'node:fs';
import { openDirectory } from '../image/directory.ts';
import { openLocalFile } from '../image/local-file.ts';
import { openImage } from '../image/open-image.ts';
import { resolveInRoot } from '../os/root.ts';
import { instancePath } from '../target/paths.ts';
import type { InstalledPart } from './installed-parts.ts';

const UNIT_DIRECTORY = 'usr/lib/systemd/system';
const UNIT_SUFFIX = /\.(service|socket|timer|path|mount|automount|swap|target)$/;

/** Names of the unit files in what systemd sees; templates are left out. */
export async function readUnitNames(parts: readonly InstalledPart[]): Promise<string[]> {
  const names = new Set<string>();
  for (const { transfer, shown } of parts) {
    if (transfer.kind !== 'sysext' || !shown) continue;
    for (const name of await namesIn(resolveInRoot('', instancePath(transfer, shown)))) {
      if (UNIT_SUFFIX.test(name) && !name.includes('@.')) names.add(name);
    }
  }
  return [...names].sort();
}

async function namesIn(place: string): Promise<readonly string[]> {
  try {
    if (statSync(place).isDirectory()) return (await (await openDirectory(place)).readDirectory(UNIT_DIRECTORY)) ?? [];
    const file = await openLocalFile(place);
    try {
      return (await (await openImage(file)).readDirectory(UNIT_DIRECTORY)) ?? [];
    } finally {
      await file.close();
    }
  } catch {
    // What cannot be read is about to go.
    return [];
  }
}
