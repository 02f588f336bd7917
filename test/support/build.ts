/** Builds the program once, before any test runs: tests start the very files that users get. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function setup(): void {
  if (process.env.EXTUPDATE_TEST_BUILT === '1') return;
  execFileSync(process.execPath, ['src/release/build.mjs'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
  });
}
