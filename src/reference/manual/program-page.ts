/** extupdate(8): the commands, their options, exit statuses, files. */
import { exitStatus, signalStatus } from '../../errors.ts';
import {
  type CommandText,
  commandGroups,
  groupTitles,
  longName,
  type OptionText,
  shortName,
  valueName,
  wordsOf,
} from '../command-text.ts';
import { commands } from '../commands.ts';
import { commonOptions } from '../common-options.ts';
import { exitStatusNotes, exitStatusTexts } from '../exit-statuses.ts';
import { commandManual } from './command-manual.ts';
import { environment, files, units } from './files.ts';
import type { Block, Item, ManualPage } from './page.ts';

export const programPage: ManualPage = {
  name: 'extupdate',
  section: 8,
  summary: 'keep system and configuration extensions at the newest version that fits the operating system',
  parts: [
    { title: 'Synopsis', blocks: ['`extupdate` *COMMAND* [*OPTION*...] [*WORD*...]'] },
    {
      title: 'Description',
      blocks: [
        'extupdate keeps images of systemd-sysext(8) and systemd-confext(8) current: it reads what is wanted from definitions (extupdate.transfer(5), sysupdate.d(5)), finds the newest version that fits the operating system, downloads and verifies it, test-merges it, makes it visible, and has systemd merge. What is active is never taken away before its replacement is in its place; when the new set fails, the previous one is put back.',
        'It goes with the OS: forward with an update, for which it prepares beforehand, and back with a rollback, at boot and without a network.',
        'Commands that only look need no privileges and take no lock; they say when they could not see something.',
      ],
    },
    {
      title: 'Commands',
      blocks: commandGroups.flatMap((group): Block[] => {
        const members: readonly CommandText[] = commands.filter((command) => command.group === group);
        return members.length === 0 ? [] : [{ heading: groupTitles[group] }, { items: members.map(commandItem) }];
      }),
    },
    {
      title: 'Options',
      blocks: [
        'Of all commands, where nothing else is said with the command:',
        { items: commonOptions.map(optionItem) },
        {
          items: [
            { terms: ['`-h`', '`--help`'], text: ['Print help, for a command its own.'] },
            { terms: ['`-V`', '`--version`'], text: ['Print the version.'] },
          ],
        },
      ],
    },
    {
      title: 'Exit status',
      blocks: [
        {
          items: [
            ...Object.entries(exitStatusTexts).map(([name, text]) => ({
              terms: [`\`${exitStatus[name as keyof typeof exitStatus]}\``],
              text: [sentence(text)],
            })),
            ...Object.entries(signalStatus).map(([signal, status]) => ({
              terms: [`\`${status}\``],
              text: [`Ended by ${signal} (\`daemon\` ends with 0).`],
            })),
          ],
        },
        ...exitStatusNotes,
      ],
    },
    { title: 'Environment', blocks: [{ items: environment }] },
    { title: 'Files', blocks: [{ items: files }] },
    { title: 'Units', blocks: [{ items: units }] },
    {
      title: 'Examples',
      blocks: [
        'What would change, and why not more:',
        { code: 'extupdate check\nextupdate why docker' },
        'Update everything; go back, if that was a mistake; stay there until something newer appears:',
        { code: 'extupdate apply\nextupdate rollback' },
        'Prepare for the OS in another slot, and see what it would get:',
        { code: 'extupdate prepare --bootable\nextupdate status --os' },
      ],
    },
    {
      title: 'See also',
      blocks: [
        '`extupdate.conf`(5), `extupdate.transfer`(5), `systemd-sysext`(8), `systemd-sysupdate`(8), `sysupdate.d`(5), `systemd.v`(7)',
      ],
    },
  ],
};

function commandItem(command: CommandText): Item {
  const words = wordsOf(command).map(({ name, needed, repeats }) => {
    const shown = name === 'name@version' ? '*NAME*[`@`*VERSION*]' : `*${name.toUpperCase()}*`;
    const word = `${shown}${repeats ? '...' : ''}`;
    return needed ? word : `[${word}]`;
  });
  const { common } = command;
  const shared =
    common === undefined ? [] : [`Of the common options: ${common.map((name) => `\`--${name}\``).join(', ')}.`];
  return {
    terms: [[`\`${command.name}\``, ...words].join(' ')],
    text: [
      sentence(command.summary),
      ...(commandManual[command.name as keyof typeof commandManual] ?? []),
      ...shared,
      ...(command.options ? [{ items: command.options.map(optionItem) }] : []),
    ],
  };
}

function optionItem(option: OptionText): Item {
  const short = shortName(option);
  const value = valueName(option);
  const long = `\`--${longName(option)}${value === undefined ? '' : '='}\`${value === undefined ? '' : `*${value.toUpperCase()}*`}`;
  const choices = option.choices ? [`One of ${option.choices.map((choice) => `\`${choice}\``).join(', ')}.`] : [];
  return {
    terms: [
      ...(short === undefined ? [] : [`\`-${short}\`${value === undefined ? '' : ` *${value.toUpperCase()}*`}`]),
      long,
    ],
    text: [[sentence(option.summary), ...choices].join(' ')],
  };
}

/** A summary as a sentence. */
function sentence(text: string): string {
  const first = text.startsWith('`') ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.)]$/.test(first) && !first.endsWith(')') ? first : `${first}.`;
}
