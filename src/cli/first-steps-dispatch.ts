/** From `add`, `remove`, `search` and `doctor` and their words to what does it. */

import { printable } from '../printable.ts';
import type { RunOptions } from '../system.ts';
import { askerOn } from './ask.ts';
import type { CommonOptions } from './options.ts';
import { printOutcome } from './print.ts';
import type { TextOptions } from './render.ts';

/** Runs one of the commands, and prints what came of it. @returns the exit status */
export async function firstStepsDispatch(
  command: 'add' | 'remove' | 'search' | 'doctor',
  options: CommonOptions,
  words: readonly string[],
  run: (names: readonly string[]) => RunOptions,
  text: TextOptions,
): Promise<number> {
  const { json } = options;
  const { yes = false, dryRun = false, now = false, force = false } = options;
  const talk = () => {
    if (json !== 'off') return {};
    const { signal = new AbortController().signal } = run([]);
    const show = (said: string) => void process.stdout.write(`${printable(said)}\n`);
    return { show, ask: askerOn({ input: process.stdin, output: process.stderr }, signal) };
  };
  switch (command) {
    case 'add': {
      const [{ addCommand, addWords }, { renderAdded }] = await Promise.all([
        import('./add-command.ts'),
        import('./render-add.ts'),
      ]);
      const { signedBy = [] } = options;
      const outcome = await addCommand(run([]), { ...addWords(words), signedBy, force, yes, dryRun, now }, talk());
      return await printOutcome(outcome, json, () => renderAdded(outcome));
    }
    case 'remove': {
      const [{ removeCommand }, { renderRemoved }] = await Promise.all([
        import('./remove-command.ts'),
        import('./render-remove.ts'),
      ]);
      const { purge = false, keepFiles = false } = options;
      const outcome = await removeCommand(run([]), words, { yes, dryRun, purge, keepFiles }, talk());
      return await printOutcome(outcome, json, () => renderRemoved(outcome));
    }
    case 'search': {
      const { searchCommand, renderFound } = await import('./search-command.ts');
      const outcome = await searchCommand(run([]), words, options.url);
      return await printOutcome(outcome, json, () => renderFound(outcome, text), options.pager);
    }
    case 'doctor': {
      const { doctorCommand, renderChecks } = await import('./doctor-command.ts');
      const outcome = await doctorCommand(run([]), options.debug);
      return await printOutcome(outcome, json, () => renderChecks(outcome), options.pager);
    }
  }
}
