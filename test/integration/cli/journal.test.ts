/** Messages where standard error is the journal: with the socket of its own, and with none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withPassed } from '../../../src/os/passed-sockets.ts';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, programPath, type World } from '../../support/world.ts';

describe('standard error is the journal', () => {
  let world: World;

  beforeAll(async () => {
    world = await makeWorld();
    world.write(
      'etc/extupdate/transfer.d/app.transfer',
      definition({
        Transfer: { Colour: 'red' },
        Source: { Type: 'url-file', Path: `${world.server.url}/app`, MatchPattern: 'app_@v.raw' },
        Target: { Path: '/var/lib/extensions/app.raw.v' },
      }),
    );
    const image = extensionImage({ name: 'app', release: { ID: 'testos', VERSION_ID: '1' } });
    await world.publish('app', { 'app_1.raw': image });
  });
  afterAll(() => world.close());

  /** Runs with a file in place of the journal's stream, and another, if wanted, in place of its socket. */
  const run = async (args: readonly string[], { socket = false, isJournal = true } = {}) => {
    const path = join(world.root, 'stream');
    const stream = openSync(path, 'w');
    const native = openSync(join(world.root, 'socket'), 'w');
    const { dev, ino } = fstatSync(stream, { bigint: true });
    const words = [process.execPath, programPath, ...args, `--root=${world.root}`];
    const { argv, env } = withPassed(['journal'], words);
    const [program = '', ...rest] = socket ? argv : words;
    const child = spawn(program, rest, {
      stdio: ['ignore', stream, stream, native],
      env: { ...process.env, ...(socket ? env : {}), ...(isJournal ? { JOURNAL_STREAM: `${dev}:${ino}` } : {}) },
    });
    await once(child, 'close');
    for (const file of [stream, native]) closeSync(file);
    return { lines: readFileSync(path, 'utf8'), entries: readFileSync(join(world.root, 'socket'), 'utf8') };
  };

  it('every line begins with its priority, those of an error too', async () => {
    const { lines, entries } = await run(['why', 'nix']);
    expect(lines).toBe('<3>nix: no such component\n<3>  known: app\n');
    expect(entries).toBe('');
  });

  it('where the unit has passed the socket, messages have fields, and none is written twice', async () => {
    const { lines, entries } = await run(['apply'], { socket: true });
    expect(lines).toBe('');
    const messages = entries.split('MESSAGE=').slice(1);
    expect(messages).toEqual([
      expect.stringMatching(/^.*app\.transfer:2: .*\nPRIORITY=4\nSYSLOG_IDENTIFIER=extupdate\n$/),
      'downloading app_1.raw\nPRIORITY=6\nSYSLOG_IDENTIFIER=extupdate\n',
      'app: exposed 1\nPRIORITY=6\nSYSLOG_IDENTIFIER=extupdate\nEXTUPDATE_COMPONENT=app\nEXTUPDATE_VERSION=1\nEXTUPDATE_OS=testos:1\nEXTUPDATE_CODE=expose\n',
    ]);
  });

  it('elsewhere nothing changes, whatever was passed', async () => {
    const { lines, entries } = await run(['why', 'nix'], { socket: true, isJournal: false });
    expect(lines).toBe('extupdate: nix: no such component\n  known: app\n');
    expect(entries).toBe('');
  });
});
