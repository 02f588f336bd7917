/** The program starts with code that was compiled at build time, and without it just the same. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPILED_SUFFIX } from '../../../src/load-part.ts';
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
  program = join(place, 'main.js');
  cpSync(dirname(programPath), place, { recursive: true });
  writeFileSync(join(place, 'witness.mjs'), WITNESS);
});
afterAll(async () => {
  await world.close();
  rmSync(place, { recursive: true });
});

/** What `check` prints, and which parts were compiled before. */
async function check(...options: string[]): Promise<{ readonly text: string; readonly parts: readonly string[] }> {
  const witness = `--import=${pathToFileURL(join(place, 'witness.mjs')).href}`;
  const words = [...options, witness, program, 'check', `--root=${world.root}`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { timeout: 30_000 });
  return { text: stdout, parts: stderr.trim().split('\n').sort() };
}

describe('compiled code', () => {
  const whole = ['openpgp.js: taken', 'p-retry.js: taken', 'program.js: taken', 'undici.js: taken'];

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
    ['is that of another file', (path: string) => cpSync(join(dirname(programPath), 'lib/p-retry.js.cache'), path)],
  ])('is left alone when it %s', async (_, damage) => {
    const before = (await check()).text;
    damage(program.replace('main.js', `program.js${COMPILED_SUFFIX}`));
    const { text, parts } = await check();
    expect(text).toBe(before);
    expect(parts).toEqual(whole.map((line) => line.replace('program.js: taken', 'program.js: none')));
    cpSync(dirname(programPath), place, { recursive: true });
  });

  it('is left alone when the file it was made of is another one of the same length', async () => {
    const path = join(place, 'lib/p-retry.js');
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, `${source.slice(0, -1)} `);
    expect(readFileSync(path, 'utf8')).not.toBe(source);
    expect((await check()).parts).toContain('p-retry.js: none');
    writeFileSync(path, source);
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
