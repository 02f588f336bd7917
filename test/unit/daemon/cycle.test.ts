import { describe, expect, it } from 'vitest';
import {
  advance,
  type CycleAction,
  type CycleEvent,
  type CycleState,
  SLEEP_MAX_MS,
  STOP_MAX_MS,
} from '../../../src/daemon/cycle.ts';
import { parseMaintenanceWindow } from '../../../src/daemon/maintenance-window.ts';

const windows = [parseMaintenanceWindow('22:00-23:00')].filter((window) => window !== undefined);
const at = (time: string) => new Date(`2026-11-21T${time}`);
const minutes = (count: number) => count * 60_000;

const idle: CycleState = { name: 'idle' };
const delayed: CycleState = { name: 'delayed' };
const acquiring: CycleState = { name: 'acquiring' };
const waiting: CycleState = { name: 'waiting', opensAt: at('22:00') };
const installing: CycleState = { name: 'installing' };
const stopping: CycleState = { name: 'stopping' };
const stopped: CycleState = { name: 'stopped' };

const due = (time: string, delayMs = 0): CycleEvent => ({ type: 'due', now: at(time), delayMs });
const elapsed = (time: string): CycleEvent => ({ type: 'elapsed', now: at(time) });
const ended = (time: string): CycleEvent => ({ type: 'ended', now: at(time) });
const stop: CycleEvent = { type: 'stop' };

const none: CycleAction = { type: 'none' };
const finish: CycleAction = { type: 'finish' };
const sleep = (ms: number): CycleAction => ({ type: 'sleep', ms });
const acquire: CycleAction = { type: 'run', command: 'acquire' };
const install: CycleAction = { type: 'run', command: 'install' };
const terminate: CycleAction = { type: 'terminate', ms: STOP_MAX_MS };

const title = '%s, when %s: %s';
type Row = [string, string, string, CycleState, CycleEvent, CycleState, CycleAction];

describe('the cycle, with a window from 22:00 to 23:00', () => {
  it.each<Row>([
    ['idle', 'due', 'waits the delay', idle, due('12:00', 500), delayed, sleep(500)],
    ['delayed', 'elapsed', 'acquires', delayed, elapsed('12:00'), acquiring, acquire],
    ['delayed', 'due', 'goes on', delayed, due('12:00', 500), delayed, none],
    ['acquiring', 'due', 'goes on', acquiring, due('12:00', 500), acquiring, none],
    ['acquiring', 'ended before the window', 'waits for it', acquiring, ended('21:30'), waiting, sleep(minutes(30))],
    ['acquiring', 'ended in the window', 'installs', acquiring, ended('22:30'), installing, install],
    ['acquiring', 'ended as the window opens', 'installs', acquiring, ended('22:00'), installing, install],
    ['waiting', 'elapsed in the window', 'installs', waiting, elapsed('22:00'), installing, install],
    ['waiting', 'elapsed too early', 'waits for the rest', waiting, elapsed('21:59:59.999'), waiting, sleep(1)],
    ['waiting', 'due', 'acquires what is new', waiting, due('18:00', 500), delayed, sleep(500)],
    ['waiting', 'due just before', 'keeps the window', waiting, due('21:50', minutes(10)), waiting, sleep(minutes(10))],
    [
      'waiting',
      'due while open',
      'installs at once',
      waiting,
      due('22:10', 500),
      { ...waiting, opensAt: at('22:10') },
      sleep(0),
    ],
    ['installing', 'due', 'goes on', installing, due('22:30', 500), installing, none],
    ['installing', 'ended', 'waits for the schedule', installing, ended('22:30'), idle, none],
    ['stopping', 'due', 'goes on', stopping, due('12:00', 500), stopping, none],
    ['stopping', 'elapsed', 'kills the run', stopping, elapsed('12:00'), stopping, { type: 'kill' }],
    ['stopping', 'ended', 'has stopped', stopping, ended('12:00'), stopped, finish],
    ['stopped', 'due', 'does nothing', stopped, due('12:00', 500), stopped, none],
  ])(title, (_state, _event, _then, state, event, next, action) => {
    expect(advance(state, event, windows)).toEqual({ state: next, action });
  });

  it.each<Row>([
    ['idle', 'told to stop', 'has stopped', idle, stop, stopped, finish],
    ['delayed', 'told to stop', 'has stopped', delayed, stop, stopped, finish],
    ['waiting', 'told to stop', 'has stopped', waiting, stop, stopped, finish],
    ['acquiring', 'told to stop', 'ends the run', acquiring, stop, stopping, terminate],
    ['installing', 'told to stop', 'ends the run', installing, stop, stopping, terminate],
    ['stopping', 'told to stop again', 'goes on', stopping, stop, stopping, none],
    ['stopped', 'told to stop again', 'does nothing', stopped, stop, stopped, none],
  ])(title, (_state, _event, _then, state, event, next, action) => {
    expect(advance(state, event, windows)).toEqual({ state: next, action });
  });

  it('looks at the clock again and again during a long wait', () => {
    expect(advance(acquiring, ended('12:00'), windows)).toEqual({ state: waiting, action: sleep(SLEEP_MAX_MS) });
  });

  it('waits for the next opening when the clock was set on over this one', () => {
    const tomorrow = new Date(2026, 10, 22, 22);
    expect(advance(waiting, elapsed('23:30'), windows).state).toEqual({ name: 'waiting', opensAt: tomorrow });
  });

  it('goes back to the schedule when no window is in sight', () => {
    const never = [{ days: [], opens: 0, closes: 60 }];
    expect(advance(acquiring, ended('12:00'), never)).toEqual({ state: idle, action: none });
  });

  it.each<[CycleState, CycleEvent]>([
    [idle, elapsed('12:00')],
    [idle, ended('12:00')],
    [delayed, ended('12:00')],
    [acquiring, elapsed('12:00')],
    [waiting, ended('12:00')],
    [installing, elapsed('12:00')],
    [stopped, elapsed('12:00')],
    [stopped, ended('12:00')],
  ])('%j: %j is a defect', (state, event) => {
    expect(() => advance(state, event, windows)).toThrow(`is ${state.name}, and was told "${event.type}"`);
  });
});

describe('the cycle without windows', () => {
  it('installs as soon as it has acquired', () => {
    expect(advance(acquiring, ended('12:00'), [])).toEqual({ state: installing, action: install });
  });
});
