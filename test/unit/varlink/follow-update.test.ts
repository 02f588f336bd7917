import { describe, expect, it } from 'vitest';
import { followUpdate, isBusy, type UpdateUnits } from '../../../src/varlink/follow-update.ts';
import { parseUnits, problemOf, type UnitState } from '../../../src/varlink/unit-states.ts';

const [ACQUIRE, INSTALL, ACTIVATE] = ['acquire', 'install', 'activate'].map((name) => `extupdate-${name}.service`);

const unit = (name = '', state = 'inactive', more: Partial<UnitState> = {}): UnitState => ({
  unit: name,
  state,
  text: '',
  busy: state === 'activating',
  result: 'success',
  exit: 0,
  ...more,
});

describe('parseUnits', () => {
  it('reads what systemctl show prints of several units, a job of the future included', () => {
    const text = `Id=${ACQUIRE}
ActiveState=activating
Job=77
Result=success
ExecMainStatus=0
StatusText=downloading a=b.raw: 43 %, 12.3 MiB/s

Result=exit-code
Id=${INSTALL}
ActiveState=failed
ExecMainStatus=11

Id=${ACTIVATE}
ActiveState=inactive
Job=78
Result=success
ExecMainStatus=0
StatusText=
`;
    expect(parseUnits(text)).toEqual([
      unit(ACQUIRE, 'activating', { text: 'downloading a=b.raw: 43 %, 12.3 MiB/s' }),
      unit(INSTALL, 'failed', { result: 'exit-code', exit: 11 }),
      unit(ACTIVATE, 'inactive', { busy: true }),
    ]);
    expect(parseUnits('')).toEqual([]);
  });
});

describe('problemOf', () => {
  const of = (more: Partial<UnitState>) => problemOf(unit('u.service', 'failed', more));

  it.each([
    ['its own words', { result: 'exit-code', exit: 10, text: 'app: no route' }, 'network', 10, 'app: no route'],
    ['its status', { result: 'exit-code', exit: 13 }, 'unsuitable', 13, 'u.service: status 13'],
    ['a status that is none of ours', { result: 'exit-code', exit: 203 }, 'unexpected', 203, 'u.service: status 203'],
    [
      'not what it was at when it was killed',
      { result: 'timeout', exit: 15, text: 'x' },
      'unexpected',
      1,
      'u.service: timeout',
    ],
    ['what went before it', { result: 'exit-code', exit: 0, text: 'x' }, 'unexpected', 1, 'u.service: exit-code'],
  ])('tells %s', (_, more, code, exit, message) => {
    expect(of(more)).toEqual({ component: null, code, exit, message, next: 'see "journalctl -u u.service"' });
  });

  it('is nothing where all went well', () => {
    expect(of({})).toBeUndefined();
  });
});

describe('followUpdate', () => {
  const entry = (at: string, command: string, version: string) => ({
    at,
    command,
    os: 'testos:1',
    done: [{ component: 'app', action: 'install', version, from: null }],
    errors: [],
  });
  /** Shows one list of states after the other. */
  const unitsOf = (looks: readonly (readonly UnitState[])[], history: UpdateUnits['history'] = () => []) => {
    const calls: string[] = [];
    let look = 0;
    const units: UpdateUnits = {
      start: async () => void calls.push('start'),
      show: async () => {
        calls.push('show');
        return looks[look++] ?? [];
      },
      history,
      pause: async () => void calls.push('pause'),
    };
    return { units, calls };
  };
  const follow = async (...args: Parameters<typeof unitsOf>) => {
    const changes: string[] = [];
    const { units, calls } = unitsOf(...args);
    const outcome = await followUpdate(units, async ({ unit: name, state, text }) => {
      changes.push(`${name} ${state} ${text}`.trim());
    });
    return { outcome, changes, calls };
  };

  it('tells each change once, waits while a job is queued, and ends when nothing is at work', async () => {
    const { outcome, changes, calls } = await follow([
      [unit(ACQUIRE, 'activating'), unit(INSTALL, 'inactive', { busy: true })],
      [unit(ACQUIRE, 'activating', { text: '1 %' }), unit(INSTALL, 'inactive', { busy: true })],
      [unit(ACQUIRE, 'activating', { text: '1 %' }), unit(INSTALL, 'inactive', { busy: true })],
      [unit(ACQUIRE), unit(INSTALL, 'inactive', { busy: true })],
      [unit(ACQUIRE), unit(INSTALL, 'activating')],
      [unit(ACQUIRE), unit(INSTALL, 'inactive', { text: 'app: installed 2' })],
    ]);
    expect(changes).toEqual([
      `${ACQUIRE} activating`,
      `${INSTALL} inactive`,
      `${ACQUIRE} activating 1 %`,
      `${ACQUIRE} inactive`,
      `${INSTALL} activating`,
      `${INSTALL} inactive app: installed 2`,
    ]);
    expect(calls).toEqual(['start', 'show', ...Array(5).fill(['pause', 'show']).flat()]);
    expect(outcome).toEqual({ done: [], errors: [], exit: 0 });
  });

  it('says nothing of units that have nothing to do', async () => {
    expect((await follow([[unit(ACQUIRE), unit(INSTALL)]])).changes).toEqual([]);
  });

  it('tells what runs have done since, also when the clock was set back and the history shortened', async () => {
    const before = [entry('2026-11-22T01:00:00Z', 'apply', '1'), entry('2026-11-22T02:00:00Z', 'install', '2')];
    const after = [...before.slice(1), entry('2020-01-01T00:00:00Z', 'install', '3')];
    const { units } = unitsOf([[unit(ACTIVATE)]]);
    let started = false;
    const outcome = await followUpdate(
      {
        ...units,
        start: async () => {
          started = true;
        },
        history: () => (started ? after : before),
      },
      async () => {},
    );
    expect(outcome.done).toEqual([{ component: 'app', action: 'install', version: '3', from: null }]);
  });

  const failed = (exit: number) => ({ result: 'exit-code', exit });

  it.each([
    [[0, 0, 0], 0, false],
    [[10, 0, 0], 10, false],
    [[10, 10, 10], 10, false],
    [[10, 16, 0], 15, false],
    [[0, 75, 75], 75, true],
    [[10, 75, 75], 15, false],
  ])('statuses %j come to %i', async (statuses, exit, busy) => {
    const states = statuses.map((status) => unit('u', 'failed', status === 0 ? {} : failed(status)));
    const { outcome } = await follow([states]);
    expect(outcome.exit).toBe(exit);
    expect(outcome.errors).toHaveLength(statuses.filter((status) => status !== 0).length);
    expect(isBusy(outcome)).toBe(busy);
  });

  it('is not busy where something was done all the same', async () => {
    const looks = [[unit(ACQUIRE, 'failed', failed(75)), unit(INSTALL), unit(ACTIVATE)]];
    let calls = 0;
    const { outcome } = await follow(looks, () =>
      calls++ === 0 ? [] : [entry('2026-11-22T01:00:00Z', 'install', '2')],
    );
    expect(outcome).toMatchObject({ done: [{ version: '2' }], errors: [{ code: 'busy', exit: 75 }], exit: 75 });
    expect(isBusy(outcome)).toBe(false);
  });
});
