/** Lists as a publisher with the key would never write them, with a good signature. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sign } from './repository.ts';
import type { World } from './world.ts';

/** Changes the list of a published directory and signs it anew. @returns puts the list back that was there */
export async function rewriteList(
  world: World,
  path: string,
  rewrite: (list: string) => string | Uint8Array,
): Promise<() => void> {
  const directory = join(world.published, path);
  const files = ['SHA256SUMS', 'SHA256SUMS.gpg'].map((name) => join(directory, name));
  const before = files.filter(existsSync).map((file) => [file, readFileSync(file)] as const);
  const list = Buffer.from(rewrite(readFileSync(join(directory, 'SHA256SUMS'), 'utf8')));
  writeFileSync(join(directory, 'SHA256SUMS'), list);
  writeFileSync(join(directory, 'SHA256SUMS.gpg'), await sign(list, [world.key]));
  return () => {
    for (const [file, content] of before) writeFileSync(file, content);
  };
}
