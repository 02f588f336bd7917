/**
 * Lets V8 compile what runs use, and keeps that beside the program (see src/load-part.ts): a day of a host in a directory
 * is played, as in the demo, and each command adds what it needed. What is compiled is for the Node that runs this.
 *
 *   node compile.bundle.mjs [PROGRAM]
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { definition, makeWorld, programPath } from '../../test/support/world.ts';

/** V8 orders what it writes by hashes with a random seed; code does not depend on it. */
const SAME_EACH_TIME = ['--random-seed=1'];

const [, , program = programPath] = process.argv;
// The bundle of this file is beside it.
const path = (name: string) => join(import.meta.dirname, name);
const image = (version: string) => readFileSync(path(`../../test/fixtures/demo/hello_${version}.raw`));

const world = await makeWorld();
try {
  world.setOs({ ID: 'exampleos', VERSION_ID: '41' });
  world.write(
    'etc/extupdate/transfer.d/hello.transfer',
    definition({
      Source: { Type: 'url-file', Path: `${world.server.url}/hello`, MatchPattern: 'hello_@v.raw' },
      Target: { Path: '/var/lib/extensions/hello.raw.v' },
    }),
  );
  const versions = ['1.0', '2.0', '2.1', '3.0'];
  await world.publish('hello', Object.fromEntries(versions.map((one) => [`hello_${one}.raw`, image(one)])));
  world.write('next/usr/lib/os-release', 'ID=exampleos\nVERSION_ID=42\n');
  const commands = [
    ['check'],
    ['apply', 'hello@1.0'],
    ['unhold', 'hello'],
    ['acquire'],
    ['install'],
    ['apply', '--json=short'],
    ['list'],
    ['why', 'hello'],
    ['prepare', `--os-root=${join(world.root, 'next')}`],
    ['select'],
    ['status', '--os'],
    ['status'],
    ['rollback'],
    ['history'],
    ['gc'],
    ['verify'],
    ['features'],
    ['components'],
    ['check'],
  ];
  const recording = `--import=${pathToFileURL(path('record-compiled.bundle.mjs')).href}`;
  for (const [command = '', ...words] of commands) {
    const run = [...SAME_EACH_TIME, recording, program, command, `--root=${world.root}`, ...words];
    await promisify(execFile)(process.execPath, run, { env: { ...process.env, NODE_EXTRA_CA_CERTS: '' } });
  }
} finally {
  await world.close();
}
