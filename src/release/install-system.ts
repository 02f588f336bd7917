/**
 * Installs the built program as a package of a distribution would:
 *
 *   npm run install:system -- --destdir=DIR [--prefix=/usr] [--node=PATH]
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writePlaced } from './placed-file.ts';
import { systemFiles } from './system-files.ts';

const { values } = parseArgs({
  options: {
    destdir: { type: 'string' },
    prefix: { type: 'string', default: '/usr' },
    node: { type: 'string', default: '/usr/bin/env node' },
  },
});
const { destdir, prefix, node } = values;
if (destdir === undefined) fail('--destdir=DIR is missing: the root directory to install into, / for this machine');
if (resolve(prefix) !== prefix || prefix === '/' || /\s/.test(prefix)) {
  fail(`--prefix=${prefix}: expected an absolute path such as /usr or /usr/local`);
}
if (!node.startsWith('/')) fail(`--node=${node}: expected the absolute path that Node will have there`);
if (statSync(destdir, { throwIfNoEntry: false })?.isFile()) fail(`--destdir=${destdir}: is not a directory`);
writePlaced(destdir, systemFiles({ prefix, interpreter: node, program: 'dist', asExtension: false }));

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
