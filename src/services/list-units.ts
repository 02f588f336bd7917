/** Asks systemd about the services that mount images over their own namespace, all in one call. */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../os/run-command.ts';
import { parseServiceUnits, type ServiceUnit, serviceProperties } from './service-units.ts';
import { mentionsExtensions, unitPattern } from './unit-files.ts';

/** The directories of `systemctl show --property=UnitPath`, on 257 and 262. */
const UNIT_DIRECTORIES = [
  '/etc/systemd/system.control',
  '/run/systemd/system.control',
  '/run/systemd/transient',
  '/run/systemd/generator.early',
  '/etc/systemd/system',
  '/etc/systemd/system.attached',
  '/run/systemd/system',
  '/run/systemd/system.attached',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/run/systemd/generator.late',
];

/** More are asked for by one pattern. */
const PATTERNS_MAX = 100;

/**
 * The services that mount images over their own namespace. systemd takes half a second and more to tell all about 150
 * services, so it is asked only about those whose files say that they do; where none does, no process is started.
 */
export async function listServiceUnits(): Promise<ServiceUnit[]> {
  const patterns = servicePatterns();
  return patterns.length > 0 ? showUnits(patterns.length > PATTERNS_MAX ? ['*.service'] : patterns) : [];
}

/** What systemd says of services now. */
export async function showUnits(patterns: readonly string[]): Promise<ServiceUnit[]> {
  const properties = `--property=${serviceProperties.join(',')}`;
  const { stdout } = await runCommand(['systemctl', 'show', properties, '--', ...patterns]);
  const units = new Map(parseServiceUnits(stdout).map((unit) => [unit.name, unit]));
  return [...units.values()];
}

function servicePatterns(): string[] {
  const patterns = new Set<string>();
  for (const directory of UNIT_DIRECTORIES) {
    for (const entry of entriesOf(directory)) {
      const pattern = unitPattern(entry.name);
      if (pattern === undefined || patterns.has(pattern)) continue;
      const place = join(directory, entry.name);
      const files = entry.isDirectory() ? entriesOf(place).map(({ name }) => join(place, name)) : [place];
      if (files.some((file) => mentionsExtensions(contentOf(file)))) patterns.add(pattern);
    }
  }
  return [...patterns].sort();
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** A unit file; nothing for a link that leads nowhere, or to `/dev/null`. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
