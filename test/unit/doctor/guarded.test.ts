/** A check that cannot be made. */
import { describe, expect, it } from 'vitest';
import { guarded } from '../../../src/doctor/guarded.ts';
import { PolicyError } from '../../../src/errors.ts';

describe('guarded', () => {
  const failing = (error: unknown) =>
    guarded('clock', () => {
      throw error;
    });

  it('tells failures with their status, those of system calls with their place', async () => {
    expect(await failing(new PolicyError('no', { next: 'do' }))).toEqual([
      { check: 'clock', state: 'problem', text: 'no', next: 'do', exit: 12 },
    ]);
    const call = Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'stat', path: '/x' });
    expect(await failing(call)).toMatchObject([{ text: '/x: input/output error (EIO)', exit: 14 }]);
  });

  it('keeps what is a defect, for who wants to see it', async () => {
    const defect = new TypeError('x is not a function');
    expect(await failing(defect)).toMatchObject([
      { state: 'problem', text: 'unexpected: x is not a function', exit: 1, cause: defect },
    ]);
  });

  it('does not go on where the run is interrupted', async () => {
    await expect(failing(new DOMException('SIGINT was received', 'AbortError'))).rejects.toThrow('SIGINT');
  });
});
