/** A publisher that is killed: whatever it leaves, clients are no worse off than between two files, and the next run mends it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseManifest } from '../../../src/source/manifest.ts';
import { judgeSignatures } from '../../../src/verify/signature.ts';
import { buildFaultrun, traceUnavailable } from '../../crash/trace.ts';
import { makePublisher, sha256sumCheck, versionOf } from '../../support/publisher.ts';
import { sha256 } from '../../support/repository.ts';
import { runProgram } from '../../support/world.ts';

const unavailable = traceUnavailable();
if (unavailable !== undefined) console.log(`skipped: ${unavailable}`);

const BEST_BEFORE = '2999-01-31';

it.skipIf(unavailable !== undefined)('a publisher that is killed at any point', async () => {
  const publisher = await makePublisher();
  const scratch = mkdtempSync(join(tmpdir(), 'extupdate-killed-'));
  try {
    publisher.put('app_1.raw', versionOf('app', '1'));
    publisher.put('old_1.raw', versionOf('old', '1'));
    await publisher.publish({ bestBefore: '2998-01-31' });
    // All that a run can change at once.
    publisher.put('app_2.raw', versionOf('app', '2'));
    publisher.remove('old_1.raw');
    publisher.put('SHA256SUMS.asc', publisher.bytes('SHA256SUMS.gpg'));

    // What SIGKILL would leave before each system call that changes something.
    const [copies, log] = [join(scratch, 'copies'), join(scratch, 'log')];
    mkdirSync(copies);
    const orders = [`below=${publisher.directory}`, `copies=${copies}`, `log=${log}`];
    const { status, stderr } = await runProgram(
      ['publish', publisher.directory, `--key=${publisher.keyFile}`, `--best-before=${BEST_BEFORE}`],
      { wrapper: [buildFaultrun(scratch), ...orders, '--'] },
    );
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const points = readFileSync(log, 'utf8').trim().split('\n');

    const broken: string[] = [];
    for (const [index, point] of points.entries()) {
      const directory = join(copies, String(index + 1));
      const read = (name: string) => readFileSync(join(directory, name));
      const isPair = async () => {
        const policy = { now: new Date(), allowExpiredKey: false, signedBy: [] };
        const keys = [publisher.key.privateKey.toPublic()];
        const judged = await judgeSignatures(read('SHA256SUMS'), read('SHA256SUMS.gpg'), keys, policy, 'signature');
        return judged.every(({ accepted }) => accepted);
      };
      const wrong = [...parseManifest(read('SHA256SUMS'), 'list').entries].flatMap(([name, hash]) =>
        existsSync(join(directory, name)) && sha256(read(name)) !== hash ? [name] : [],
      );
      expect(wrong, `what is listed and not so, at ${point}`).toEqual([]);
      if (!(await isPair())) broken.push(point);

      await publisher.publish({ directory, bestBefore: BEST_BEFORE });
      expect(await isPair(), `mended at ${point}`).toBe(true);
      await sha256sumCheck(directory);
      expect(readdirSync(directory).sort(), `mended at ${point}`).toEqual([
        `BEST-BEFORE-${BEST_BEFORE}`,
        'SHA256SUMS',
        'SHA256SUMS.gpg',
        'app_1.raw',
        'app_1.raw.json',
        'app_2.raw',
        'app_2.raw.json',
      ]);
    }
    expect(points.length).toBeGreaterThan(25);
    // Between the two renamings, and nowhere else.
    expect(broken).toEqual([expect.stringMatching(/rename.*SHA256SUMS\.gpg/)]);
  } finally {
    publisher.close();
    rmSync(scratch, { recursive: true, force: true });
  }
});
