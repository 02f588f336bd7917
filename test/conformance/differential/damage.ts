/** What goes wrong with what is installed, while neither program looks. */
import { lstatSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Damage } from './scenario.ts';

/** @param path an installed file or directory */
export function inflict(damage: Damage, path: string): void {
  const isDirectory = lstatSync(path).isDirectory();
  switch (damage) {
    case 'remove':
      rmSync(path, { recursive: true });
      return;
    case 'remove directory':
      rmSync(dirname(path), { recursive: true });
      return;
    case 'cut off':
      if (!isDirectory) truncateSync(path, 3);
      else for (const inner of firstFile(path)) rmSync(inner);
      return;
    case 'turn':
      rmSync(path, { recursive: true });
      if (isDirectory) writeFileSync(path, 'was a directory\n');
      else {
        mkdirSync(path);
        writeFileSync(join(path, 'file'), 'was a file\n');
      }
  }
}

/** The first file in a directory, or none. */
function firstFile(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const paths = names.map((name) => join(directory, name));
  return paths.filter((path) => lstatSync(path).isFile()).slice(0, 1);
}
