/** The schedule of the daemon: node-cron reads the expression and finds the next time; the daemon does the waiting. */
import type { ScheduledTask } from 'node-cron';
import { ConfigError } from '../errors.ts';

/**
 * Reads a cron expression.
 * @returns finds the first time of the schedule after now
 * @throws ConfigError when it is not valid, or no time ever fits it
 */
export async function readSchedule(expression: string): Promise<() => Date> {
  const { createTask } = await import('node-cron');
  const nextRun = () => {
    const [next] = task.getNextRuns(1);
    if (next === undefined) throw new Error('no time fits it');
    return next;
  };
  let task: ScheduledTask;
  try {
    // Never started: on its own timers, a task that finds the clock stepped on visits every time in between, which keeps
    // a machine that boots in 1970 busy for minutes; and a time that passed in a suspend is dropped.
    task = createTask(expression, () => {});
    nextRun();
  } catch (error) {
    throw new ConfigError(`Schedule=: "${expression}" is not valid: ${(error as Error).message}`, {
      cause: error,
      next: 'minute, hour, day of month, month, day of week: see crontab(5)',
    });
  }
  return nextRun;
}
