/** Images of extupdate itself, as `npm run image` builds them, but less compressed, to spare time. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SelfImages {
  /** Builds a version. @param script in place of the program @returns the path of the image */
  build(version: string, script?: string): Promise<string>;
  remove(): void;
}

/** @param options words for the build of all of them */
export async function selfImages(options: readonly string[]): Promise<SelfImages> {
  const directory = mkdtempSync(join(tmpdir(), 'extupdate-images-'));
  const bundle = join('src/release', 'image.bundle.mjs');
  await run(process.execPath, ['src/release/bundle.mjs', 'src/release/image.ts', bundle]);
  return {
    async build(version, script) {
      const words = [`--out=${directory}`, `--version=${version}`, '--compression=1', ...options];
      if (script !== undefined) {
        const program = join(directory, 'program');
        writeFileSync(program, `#!/usr/bin/env node\n${script}\n`);
        words.push(`--program=${program}`);
      }
      return (await run(process.execPath, [bundle, ...words])).stdout.trim();
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}
