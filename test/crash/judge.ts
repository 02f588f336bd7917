/** What has to be true of a tree whatever went wrong: the invariants I1 and I2 of the fault catalogue, and of state files. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTemporaryName } from '../../src/os/atomic-file.ts';
import { sha256 } from '../support/repository.ts';
import { osOf, type Situation } from './situations.ts';

const HOME = 'var/lib/extupdate';

/** What is wrong with a tree after a fault; nothing, if all is well. */
export function judgeTree(
  { layout, operation }: Situation,
  root: string,
  allowed: readonly (string | undefined)[],
): string[] {
  const wrong: string[] = [];
  const isDefined = existsSync(join(root, 'etc/extupdate/transfer.d/app.transfer'));
  const shown = layout.shown(root);
  if (!allowed.includes(shown))
    wrong.push(
      `I1: systemd sees ${shown ?? 'nothing'}, not ${allowed.map((version) => version ?? 'nothing').join(' or ')}`,
    );
  for (const version of ['1', '1.1', '1.2', '2', '3']) {
    const there = layout.places(version).filter((place) => lstatSync(join(root, place), { throwIfNoEntry: false }));
    if (version === shown && there.length === 0) wrong.push(`I1: version ${version} is gone`);
    if (operation === 'remove' && !isDefined && there.length > 0)
      wrong.push(`${there[0]}: nobody would ever remove it`);
    for (const place of there) {
      if (!layout.isWhole(join(root, place), version, osOf(version))) wrong.push(`I2: ${place} is not whole`);
    }
  }
  return [...wrong, ...judgeStaging(root), ...judgeStateFiles(root)];
}

function judgeStaging(root: string): string[] {
  const directory = join(root, HOME, 'staging');
  return namesIn(directory)
    .filter((name) => /^[0-9a-f]{64}$/.test(name) && sha256(readFileSync(join(directory, name))) !== name)
    .map((name) => `I2: what is staged as ${name} has another hash`);
}

/** State files are replaced at once: there is no moment at which one cannot be read. */
function judgeStateFiles(root: string): string[] {
  const wrong: string[] = [];
  for (const directory of [HOME, `${HOME}/os`, `${HOME}/sources`, `${HOME}/staging`]) {
    for (const name of namesIn(join(root, directory))) {
      if (name.endsWith('.broken')) wrong.push(`${directory}/${name}: was not understood`);
      if (!name.endsWith('.json') || isTemporaryName(name)) continue;
      try {
        JSON.parse(readFileSync(join(root, directory, name), 'utf8'));
      } catch {
        wrong.push(`${directory}/${name}: is no JSON document`);
      }
    }
  }
  return wrong;
}

/** I5: names that only a run that is at work needs. */
export function leftoversIn(root: string): string[] {
  const left: string[] = [];
  const walk = (path: string) => {
    for (const entry of existsSync(join(root, path)) ? readdirSync(join(root, path), { withFileTypes: true }) : []) {
      const at = `${path}/${entry.name}`;
      if (isTemporaryName(entry.name) || entry.name.endsWith('.partial')) left.push(at);
      else if (entry.isDirectory()) walk(at);
    }
  };
  for (const path of ['etc', 'opt', 'var']) walk(path);
  return [...left, ...namesIn(join(root, HOME, 'unpacked')).map((name) => `${HOME}/unpacked/${name}`)];
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
