/**
 * Whether what was merged works: the units that an extension names stay up, and its `HealthCheck=` passes. Both are
 * asked of systemd, so that they run in the host's context and not in that of extupdate's own unit.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { lastLine, runCommand } from '../os/run-command.ts';
import type { UnitActions } from '../resolve/unit-actions.ts';

export interface HealthRequest {
  /** Units that must not fail. */
  readonly units: readonly string[];
  /** Those among them that were running and have to go on: that they end without a failure is no better. */
  readonly running: readonly string[];
  /** A unit, or a command line that begins with `/`. */
  readonly check?: string | undefined;
  readonly timeoutSec: number;
}

/** How long units have to stay up, in seconds, unless the time limit is shorter than twice that. */
const SETTLE_SEC = 5;
/** Milliseconds between two looks at units. */
const LOOK_EVERY = 250;
/** Milliseconds after which a check that failed is tried again: a service may take a moment to answer. */
const RETRY_AFTER = 500;

interface UnitState {
  readonly unit: string;
  readonly activeState: string;
  readonly busy: boolean;
  readonly restarts: number;
}

/**
 * Waits until it is known whether all is well.
 * @returns why not; undefined when it is
 */
export async function checkHealth(request: HealthRequest): Promise<string | undefined> {
  const { units, running, check, timeoutSec } = request;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const settleSec = units.length > 0 ? Math.min(SETTLE_SEC, timeoutSec / 2) : 0;
  const restartsAtFirst = new Map<string, number>();
  let upSince: number | undefined;
  let pending = check === undefined ? undefined : `HealthCheck=${check} did not end`;
  for (;;) {
    const states = await unitStates(units);
    const broken = states.find(({ activeState }) => activeState === 'failed');
    if (broken) return `${broken.unit} failed`;
    const ended = states.find(({ unit, activeState }) => activeState === 'inactive' && running.includes(unit));
    if (ended) return `${ended.unit} has ended`;
    for (const { unit, restarts, busy } of states)
      if (!busy && !restartsAtFirst.has(unit)) restartsAtFirst.set(unit, restarts);
    const restarted = states.find(({ unit, restarts }) => restarts > (restartsAtFirst.get(unit) ?? restarts));
    if (restarted) return `${restarted.unit} ended and was restarted by systemd`;

    const busy = states.find((state) => state.busy);
    upSince = busy ? undefined : (upSince ?? elapsed());
    if (!busy && check !== undefined && pending !== undefined) {
      pending = await runCheck(check, Math.max(1, timeoutSec - elapsed()));
      if (pending !== undefined) await delay(RETRY_AFTER);
    }
    if (pending === undefined && upSince !== undefined && elapsed() - upSince >= settleSec) return undefined;
    if (elapsed() >= timeoutSec) {
      if (busy) return `${busy.unit} is still ${busy.activeState} after ${timeoutSec} s`;
      if (pending !== undefined) return pending;
    }
    await delay(LOOK_EVERY);
  }
}

/**
 * Restarts and reloads units. How they fare is seen by {@link checkHealth}.
 * @returns those to reload that systemd does not know
 */
export async function actOnUnits({
  restart,
  reloadOrRestart,
}: Pick<UnitActions, 'restart' | 'reloadOrRestart'>): Promise<string[]> {
  const present = new Set((await unitStates([...restart, ...reloadOrRestart])).map(({ unit }) => unit));
  for (const unit of restart) {
    // A unit that went with the image that brought it is stopped, as systemd 262 does.
    const verb = present.has(unit) ? 'restart' : 'stop';
    await runCommand(['systemctl', '--no-block', verb, '--', unit]);
  }
  for (const unit of reloadOrRestart) {
    if (present.has(unit)) await runCommand(['systemctl', '--no-block', 'reload-or-restart', '--', unit]);
  }
  return reloadOrRestart.filter((unit) => !present.has(unit));
}

/** The main version of the running systemd; 0 when it cannot be told. */
export async function systemdVersion(): Promise<number> {
  const { stdout } = await runCommand(['systemctl', '--version']);
  return Number(/^systemd ([0-9]+)/.exec(stdout)?.[1] ?? 0);
}

/** What systemd says of units; those that it does not find are left out. */
async function unitStates(units: readonly string[]): Promise<UnitState[]> {
  if (units.length === 0) return [];
  const properties = '--property=LoadState,ActiveState,NRestarts,Job';
  const states = await Promise.all(
    units.map(async (unit) => {
      const { stdout } = await runCommand(['systemctl', 'show', properties, '--', unit]);
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
      const activeState = value('ActiveState');
      const busy = !['active', 'inactive', 'failed'].includes(activeState) || Number(value('Job') || 0) > 0;
      const state: UnitState = { unit, activeState, busy, restarts: Number(value('NRestarts') || 0) };
      return { found: value('LoadState') === 'loaded', state };
    }),
  );
  return states.flatMap(({ found, state }) => (found ? [state] : []));
}

/** @returns why the check failed; undefined when it passed */
async function runCheck(check: string, timeoutSec: number): Promise<string | undefined> {
  const timeoutMs = timeoutSec * 1000;
  if (!check.startsWith('/')) {
    const result = await runCommand(['systemctl', 'start', '--', check], { timeoutMs });
    if (result.status === 0) return undefined;
    await runCommand(['systemctl', 'stop', '--', check]);
    await runCommand(['systemctl', 'reset-failed', '--', check]);
    return result.status === -1 ? `HealthCheck=${check} did not end in time` : `HealthCheck=${check} failed`;
  }
  const limit = `--property=RuntimeMaxSec=${Math.ceil(timeoutSec)}`;
  const result = await runCommand(
    ['systemd-run', '--quiet', '--wait', '--collect', '--pipe', limit, '--', '/bin/sh', '-c', check],
    { timeoutMs: timeoutMs + 1000 },
  );
  if (result.status === 0) return undefined;
  return `HealthCheck=${check} failed: ${lastLine(result)}`;
}
