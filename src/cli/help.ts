/** `help` and `--help`: the manual, also where there is no man(1). */
import type { Command } from 'commander';
import { exitStatus, UsageError } from '../errors.ts';
import { commands } from '../reference/commands.ts';
import { commandManual } from '../reference/manual/command-manual.ts';
import { manualPages } from '../reference/manual/pages.ts';
import { renderBlocks, renderText } from '../reference/manual/text.ts';
import { showText } from './pager.ts';

/** Columns of text, where the terminal does not have fewer. */
const WIDTH = 80;

function width(): number {
  return Math.min(WIDTH, process.stdout.isTTY ? process.stdout.columns : WIDTH);
}

/** Adds to the help of each command what the manual says about it. */
export function addManualTexts(program: Command): void {
  for (const { name } of commands) {
    const blocks = commandManual[name];
    const command = program.commands.find((one) => one.name() === name);
    if (blocks) command?.addHelpText('after', () => `\n${renderBlocks(blocks, { width: width(), indent: 0 })}`);
  }
  program.addHelpText(
    'after',
    '\n"extupdate help COMMAND" tells more; so do extupdate(8), extupdate.conf(5), extupdate.transfer(5).',
  );
}

/**
 * Prints the manual of a command, a page of the manual, or the help of the program.
 * @throws UsageError when there is no such topic
 */
export async function showTopic(topic: string | undefined, program: Command): Promise<number> {
  addManualTexts(program);
  const asked = topic?.replace(/\([58]\)$/, '');
  const command = program.commands.find((one) => one.name() === asked);
  // "extupdate" and "conf" are what a person may well type.
  const page = manualPages.find(({ name }) => name === asked || name === `extupdate.${asked}`);
  if (topic !== undefined && !command && !page) {
    throw new UsageError(`there is no help on "${topic}"`, {
      next: `it is on commands, ${manualPages.map(({ name }) => name).join(', ')}; see extupdate --help`,
    });
  }
  if (page && !command) await showText(renderText(page, width()), true);
  else (command ?? program).outputHelp();
  return exitStatus.done;
}
