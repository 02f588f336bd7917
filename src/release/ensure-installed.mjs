// Installs the development dependencies when they are missing or older than the lock file, so that one command is
// enough in a fresh clone.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

const time = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
const installed = time('node_modules/.package-lock.json');

if (installed === undefined || installed < (time('package-lock.json') ?? 0)) {
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
}
