// Builds the program: the files of it, and then what V8 compiles of them, for this very version of Node.
import { execFileSync } from 'node:child_process';

const node = (...words) => execFileSync(process.execPath, words, { stdio: 'inherit' });

node('test/support/bundle.mjs');
for (const name of ['record-compiled', 'compile']) {
  node('test/support/bundle.mjs', `test/support/${name}.ts`, `test/support/${name}.bundle.mjs`);
}
node('test/support/compile.bundle.mjs');
node('test/support/bundle.mjs', 'src/release/reference.ts', 'src/release/reference.bundle.mjs');
node('src/release/reference.bundle.mjs');
