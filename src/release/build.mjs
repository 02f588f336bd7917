// Builds the program: one file, what V8 compiles of it for this very version of Node, and its manual. --program-only: the
// file alone.
import { execFileSync } from 'node:child_process';

const node = (...words) => execFileSync(process.execPath, words, { stdio: 'inherit' });
const bundle = (name) => node('src/release/bundle.mjs', `src/release/${name}.ts`, `src/release/${name}.bundle.mjs`);
const run = (name) => {
  bundle(name);
  node(`src/release/${name}.bundle.mjs`);
};

run('program');
if (!process.argv.includes('--program-only')) {
  bundle('record-compiled');
  run('compile');
  run('reference');
}
