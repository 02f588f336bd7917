/** The program is one file, and starts with code that was compiled at build time, and without it just the same. */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledPath } from '../../../src/load-part.ts';
import { makeWorld, programPath, type World } from '../../support/world.ts';

/** Prints, for each part that is loaded, whether V8 took the code that was given. */
const WITNESS = `
import vm from 'node:vm';
import { basename } from 'node:path';
vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    const taken = options.cachedData === undefined ? 'none' : this.cachedDataRejected ? 'rejected' : 'taken';
    process.stderr.write(basename(options.filename) + ': ' + taken + '\\n');
  }
};
`;

let world: World;
let place: string;
let program: string;
beforeAll(async () => {
  world = await makeWorld();
  await world.publish('app', { 'app_1.raw': 'x' });
  world.write(
    'etc/extupdate/transfer.d/app.transfer',
    `[Source]\nType=url-file\nPath=${world.server.url}/app\nMatchPattern=app_@v.raw\n[Target]\nPath=/srv/app\n`,
  );
  place = mkdtempSync(join(tmpdir(), 'extupdate-start-'));
  program = join(place, 'extupdate');
  cpSync(dirname(programPath), place, { recursive: true });
  writeFileSync(join(place, 'witness.mjs'), WITNESS);
});
afterAll(async () => {
  await world.close();
  rmSync(place, { recursive: true });
});

const compiled = (part: string) => compiledPath(program, part);

/** What `check` prints, and which parts were compiled before. */
async function check(...nodeOptions: string[]): Promise<{ readonly text: string; readonly parts: readonly string[] }> {
  const { stdout, stderr } = await runWitnessed(['check', 'app'], nodeOptions);
  return { text: stdout, parts: stderr.trim().split('\n').sort() };
}

function runWitnessed([command = '', ...words]: readonly string[], nodeOptions: readonly string[] = []) {
  const witness = `--import=${pathToFileURL(join(place, 'witness.mjs')).href}`;
  return run([...nodeOptions, witness, program, command, `--root=${world.root}`, ...words]);
}

function run(words: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(process.execPath, words, { timeout: 30_000 });
}

describe('the one file', () => {
  it('is all that is needed, under any name, and in a directory of ECMAScript modules too', async () => {
    const alone = mkdtempSync(join(tmpdir(), 'extupdate-alone-'));
    try {
      const moved = join(alone, 'ext');
      copyFileSync(programPath, moved);
      writeFileSync(join(alone, 'package.json'), '{"type": "module"}');
      const { stdout } = await run([moved, 'check', `--root=${world.root}`, 'app']);
      expect(stdout).toBe((await check()).text);
    } finally {
      rmSync(alone, { recursive: true });
    }
  });

  it('goes on with its own parts when the file is replaced under it', async () => {
    await packed();
    world.server.intercept = (_, __, path) => {
      // What unpacks it is not loaded yet.
      if (path.endsWith('.xz')) writeFileSync(program, 'throw new Error("replaced");\n');
      return false;
    };
    const { stdout, stderr } = await runWitnessed(['apply', 'packed']);
    world.server.intercept = undefined;
    copyFileSync(programPath, program);
    expect(stdout).toBe('packed: exposed 1\n');
    expect(stderr).toContain('extupdate:xz-decompress: ');
    expect(world.read('srv/packed/packed_1.raw')).toBe('content');
  });
});

/** Publishes a component that has to be unpacked. */
async function packed(): Promise<void> {
  const file = join(place, 'packed');
  writeFileSync(file, 'content');
  await promisify(execFile)('xz', [file]);
  await world.publish('packed', { 'packed_1.raw.xz': readFileSync(`${file}.xz`) });
  world.write(
    'etc/extupdate/transfer.d/packed.transfer',
    `[Source]\nType=url-file\nPath=${world.server.url}/packed\nMatchPattern=packed_@v.raw.xz\n[Target]\nPath=/srv/packed\nMatchPattern=packed_@v.raw\n`,
  );
}

describe('compiled code', () => {
  const whole = ['openpgp', 'p-retry', 'program', 'undici'].map((part) => `extupdate:${part}: taken`);

  it('is taken for every part that a check loads', async () => {
    const { text, parts } = await check();
    expect(text).toContain('app');
    expect(parts).toEqual(whole);
  });

  it.each([
    ['is not there', (path: string) => rmSync(path)],
    ['is cut short', (path: string) => truncateSync(path, 1000)],
    ['is empty', (path: string) => truncateSync(path, 0)],
    ['has a wrong byte', (path: string) => flip(path, 5000)],
    ['is that of another file', (path: string) => cpSync(compiled('p-retry'), path)],
  ])('is left alone when it %s', async (_, damage) => {
    const before = (await check()).text;
    damage(compiled('program'));
    const { text, parts } = await check();
    expect(text).toBe(before);
    expect(parts).toEqual(whole.map((line) => line.replace('program: taken', 'program: none')));
    cpSync(dirname(programPath), place, { recursive: true });
  });

  it('is left alone when the part it was made of is another one of the same length', async () => {
    const source = readFileSync(program, 'latin1');
    const changed = source.replace('Non-error was thrown', 'Non-Error was thrown');
    expect(changed).not.toBe(source);
    writeFileSync(program, changed);
    expect((await check()).parts).toContain('extupdate:p-retry: none');
    writeFileSync(program, source);
  });

  it('is rejected by a Node for which it was not made', async () => {
    const { text, parts } = await check('--no-lazy-feedback-allocation');
    expect(text).toContain('app');
    expect(parts).toEqual(whole.map((line) => line.replace('taken', 'rejected')));
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}
