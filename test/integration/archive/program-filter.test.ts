import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { FilterFailure, type FilterOptions, throughProgram } from '../../../src/archive/program-filter.ts';
import { chunksOf } from '../../support/tar-writer.ts';

const directory = mkdtempSync(join(tmpdir(), 'extupdate-filter-'));
afterAll(() => rmSync(directory, { recursive: true }));

const sh = (script: string, input: AsyncIterable<Uint8Array>, options?: FilterOptions) =>
  throughProgram(['sh', '-c', script], input, options);

/** An input that counts what is read of it, and whether it was left. */
function counted(bytes: number, extra: { readonly endless?: boolean; readonly fail?: boolean } = {}) {
  const state = { read: 0, left: false };
  async function* input(): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of chunksOf(Buffer.alloc(bytes, 'a'))) {
        state.read += chunk.length;
        yield chunk;
      }
      while (extra.endless) yield Buffer.alloc(65536, 'a');
      if (extra.fail) throw new Error('the input failed');
    } finally {
      state.left = true;
    }
  }
  return Object.assign(state, { input: input() });
}

async function text(output: AsyncIterable<Buffer>): Promise<string> {
  let all = '';
  for await (const chunk of output) all += chunk.toString();
  return all;
}

/** Whether a process is there. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the input', () => {
  it('goes through, more of it than pipes hold', async () => {
    expect(await text(sh('cat', counted(5_000_000).input))).toHaveLength(5_000_000);
  });

  it('is read to its end though the program has enough and ends well', async () => {
    const source = counted(5_000_000);
    expect(await text(sh('head -c 3', source.input))).toBe('aaa');
    expect(source.read).toBe(5_000_000);
  });

  it('is read to its end though the program closes it and goes on', async () => {
    const source = counted(5_000_000);
    expect(await text(sh('exec <&-; echo done', source.input))).toBe('done\n');
    expect(source.read).toBe(5_000_000);
  });

  it('is left when the program fails, endless as it may be', async () => {
    const source = counted(100, { endless: true });
    await expect(text(sh('head -c 3; echo no good >&2; exit 7', source.input))).rejects.toMatchObject({
      status: 7,
      complaints: ['no good'],
    });
    await expect.poll(() => source.left).toBe(true);
  });

  it('that fails is what is told, and the program does not take it for whole', async () => {
    const mark = join(directory, 'whole');
    const script = `cat >/dev/null; echo whole >${mark}`;
    await expect(text(sh(script, counted(1_000_000, { fail: true }).input))).rejects.toThrow('the input failed');
    expect(existsSync(mark)).toBe(false);
  });

  it('that fails after the program has enough is told too', async () => {
    await expect(text(sh('head -c 3', counted(1_000_000, { fail: true }).input))).rejects.toThrow('the input failed');
  });
});

describe('the program', () => {
  it('that cannot be started is an error with its code', async () => {
    const running = throughProgram(['/not/there'], counted(1_000_000).input);
    await expect(text(running)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that is killed says nothing of its input', async () => {
    const killed = text(sh('cat; kill -KILL $$', counted(10).input));
    await expect(killed).rejects.toMatchObject({ code: 'storage', message: 'sh was killed (SIGKILL)' });
    await expect(text(sh('kill -TERM $$', counted(5_000_000).input))).rejects.toMatchObject({ code: 'storage' });
  });

  it('that crashes is a failure without a status', async () => {
    const crashed = text(sh('cat; kill -SEGV $$', counted(10).input));
    await expect(crashed).rejects.toThrow(FilterFailure);
    await expect(text(sh('kill -ABRT $$', counted(5_000_000).input))).rejects.toMatchObject({ status: undefined });
  });

  it('has ended when its reader has left', async () => {
    let pid = 0;
    for await (const chunk of sh('echo $$; exec sleep 1000', counted(100, { endless: true }).input)) {
      pid = Number.parseInt(chunk.toString(), 10);
      break;
    }
    expect(pid).toBeGreaterThan(0);
    expect(runs(pid)).toBe(false);
  });

  it('has ended after an abort, also when it waits for nothing', async () => {
    const controller = new AbortController();
    let pid = 0;
    const running = async () => {
      for await (const chunk of sh('echo $$; exec sleep 1000', counted(10).input, { signal: controller.signal })) {
        pid = Number.parseInt(chunk.toString(), 10);
        controller.abort(new Error('stop'));
      }
    };
    await expect(running()).rejects.toThrow('stop');
    expect(runs(pid)).toBe(false);
  });

  it('is not started after an abort', async () => {
    const mark = join(directory, 'started');
    const running = text(sh(`echo >${mark}`, counted(1).input, { signal: AbortSignal.abort(new Error('stop')) }));
    await expect(running).rejects.toThrow('stop');
    await delay(0);
    expect(existsSync(mark)).toBe(false);
  });

  it('that floods standard error fills nothing', async () => {
    const script = 'head -c 20000000 /dev/zero | tr "\\0" x >&2; echo >&2; echo last >&2; cat >/dev/null; exit 1';
    const failure = await text(sh(script, counted(10).input)).catch((error: unknown) => error);
    expect((failure as FilterFailure).complaints.map(({ length }) => length)).toEqual([4096, 4]);
  });
});
