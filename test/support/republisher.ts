/** Starts the publisher of republish.ts. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Publisher, versionOf } from './publisher.ts';

const run = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

export interface Republisher {
  /** Publishes a directory so many times; a tenth of them brings a new version. @throws Error when one of them fails */
  run(publisher: Publisher, times: number): Promise<void>;
  close(): void;
}

export async function buildRepublisher(): Promise<Republisher> {
  // Beside what it needs in node_modules.
  const directory = mkdtempSync(join(here('test/support'), '.republish-'));
  const program = join(directory, 'republish.bundle.mjs');
  const image = join(mkdtempSync(join(tmpdir(), 'extupdate-republish-')), 'image');
  await run(process.execPath, ['src/release/bundle.mjs', 'test/support/republish.ts', program], { cwd: here('') });
  writeFileSync(image, versionOf('app', 'any'));
  return {
    async run({ directory: published, keyFile }, times) {
      await run(process.execPath, [program, published, keyFile, image, String(times)]);
    },
    close() {
      for (const one of [directory, join(image, '..')]) rmSync(one, { recursive: true, force: true });
    },
  };
}
