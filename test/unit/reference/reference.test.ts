import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/cli.ts';
import { componentSettingNames } from '../../../src/definition/component-file.ts';
import { configSettingNames } from '../../../src/definition/config.ts';
import { extensionSettingNames } from '../../../src/definition/extension-settings.ts';
import { featureSettingNames } from '../../../src/definition/features.ts';
import { transferSettingNames } from '../../../src/definition/transfer.ts';
import { exitStatus, signalStatus } from '../../../src/errors.ts';
import { bashCompletion } from '../../../src/reference/completions/bash.ts';
import { fishCompletion } from '../../../src/reference/completions/fish.ts';
import { zshCompletion } from '../../../src/reference/completions/zsh.ts';
import { documentedCommands, documentJsonSchema } from '../../../src/reference/documents.ts';
import { commandManual } from '../../../src/reference/manual/command-manual.ts';
import { confPage } from '../../../src/reference/manual/conf-page.ts';
import { renderMarkdown } from '../../../src/reference/manual/markdown.ts';
import { type Block, type ManualPage, plainText } from '../../../src/reference/manual/page.ts';
import { manualPages } from '../../../src/reference/manual/pages.ts';
import { programPage } from '../../../src/reference/manual/program-page.ts';
import { renderRoff } from '../../../src/reference/manual/roff.ts';
import { renderText } from '../../../src/reference/manual/text.ts';
import { transferPage } from '../../../src/reference/manual/transfer-page.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** The command line as the program builds it: what commander knows is what is accepted. */
const commandLine = withAllOptions();

function withAllOptions(): Command {
  const never = async () => {};
  const build = (argv: readonly string[]) => buildProgram(argv, true, { command: never, special: never, help: never });
  return build(build([]).commands.map((command) => command.name()));
}

/** Commands that other programs call have no place in what people read. */
const visible = commandLine.commands.filter((command) => !('_hidden' in command && command._hidden === true));
const visibleNames = visible.map((command) => command.name());

/** Options of a command that help shows, as `--long` and `-s`. */
function spellings(command: Command): string[] {
  return command.options
    .filter((option) => !option.hidden)
    .flatMap(({ long, short }) => [long, short])
    .filter((name): name is string => typeof name === 'string');
}

/** The terms of a part of a page, with those of lists in lists. */
function termsOf(page: ManualPage, title: string): string[] {
  const inBlocks = (blocks: readonly Block[]): string[] =>
    blocks.flatMap((block) =>
      typeof block === 'object' && 'items' in block
        ? block.items.flatMap(({ terms, text }) => [...terms, ...inBlocks(text)])
        : [],
    );
  const part = page.parts.find((one) => one.title === title);
  expect(part, title).toBeDefined();
  return inBlocks(part?.blocks ?? []);
}

const literal = (term: string) => /`([^`]+)`/.exec(term)?.[1] ?? '';
/** The setting that a term is about. */
const settingOf = (term: string) => literal(term).replace(/=$/, '');

describe('commands and options', () => {
  const page = programPage;
  const terms = termsOf(page, 'Commands');
  const inCommands = terms.filter((term) => !literal(term).startsWith('-')).map(literal);
  const common = termsOf(page, 'Options').map(literal);

  it('stand in the manual, all of them and no others', () => {
    expect(inCommands.sort()).toEqual(visibleNames.filter((name) => name !== 'help').sort());
    const inManual = [...terms, ...termsOf(page, 'Options')].map(literal).filter((name) => name.startsWith('-'));
    const known = [...visible.flatMap(spellings), ...spellings(commandLine), '--help', '-h'];
    expect([...new Set(inManual.map((name) => name.replace(/=$/, '')))].sort()).toEqual([...new Set(known)].sort());
  });

  it.each(visible.filter((command) => command.name() !== 'help').map((command) => [command.name(), command] as const))(
    '%s: each of its options stands with it or with the common ones, in help and in every completion',
    (name, command) => {
      const item = page.parts
        .flatMap(({ blocks }) => blocks)
        .flatMap((block) => (typeof block === 'object' && 'items' in block ? block.items : []))
        .find(({ terms: [term = ''] }) => literal(term) === name);
      const own = JSON.stringify(item);
      const help = command.helpInformation();
      const bash = new RegExp(`^ +${name}\\) .*$`, 'm').exec(bashCompletion())?.[0] ?? '';
      const zsh = new RegExp(`^ +${name}\\) .*$`, 'm').exec(zshCompletion())?.[0] ?? '';
      const fish = fishCompletion()
        .split('\n')
        .filter((line) => line.includes(`__fish_seen_subcommand_from ${name}'`));
      for (const option of command.options.filter(({ hidden }) => !hidden)) {
        const long = option.long ?? '';
        expect(own.includes(`\`${long}`) || common.some((one) => one.replace(/=$/, '') === long), long).toBe(true);
        expect(help).toContain(long);
        expect(bash).toMatch(new RegExp(`[' ]${long}=?[' ]`));
        expect(zsh).toMatch(new RegExp(`${long}=?['[}]`));
        expect(fish.filter((line) => line.includes(` -l ${long.slice(2)} `))).toHaveLength(1);
      }
      const offered = [...bash.matchAll(/--([a-z-]+)/g)].map(([long]) => long);
      expect([...new Set(offered)].sort()).toEqual(
        [...spellings(command).filter((one) => one.startsWith('--')), '--help'].sort(),
      );
      expect(fish.length).toBe(offered.length);
    },
  );

  it('are offered by every completion, and no others', () => {
    const bash = /'' \) ?values='([^']*)'|''\) values='([^']*)'/.exec(bashCompletion());
    expect((bash?.[1] ?? bash?.[2] ?? '').split(' ').sort()).toEqual([...visibleNames].sort());
    const zsh = [...zshCompletion().matchAll(/^ {8}'([a-z-]+):/gm)].map(([, name]) => name);
    expect(zsh.sort()).toEqual([...visibleNames].sort());
    const fish = [...fishCompletion().matchAll(/^complete .* -a ([a-z-]+) -d /gm)].map(([, name]) => name);
    expect(fish.sort()).toEqual([...visibleNames].sort());
  });

  it('have a word of their own in the manual', () => {
    expect(Object.keys(commandManual).sort()).toEqual(visibleNames.filter((name) => name !== 'help').sort());
  });

  it('that texts speak of exist', () => {
    const known = new Set(
      [...commandLine.commands.flatMap((command) => command.options), ...commandLine.options].map(({ long }) => long),
    );
    const foreign = new Set(['--exclude']);
    for (const page of manualPages) {
      const text = renderText(page, 200);
      for (const [option] of text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)) {
        if (option === '--help') continue;
        expect(known.has(option) || foreign.has(option), `${page.name}: ${option}`).toBe(true);
      }
      for (const [, command = ''] of renderMarkdown(page).matchAll(/(?:`| {4})extupdate ([a-z][a-z-]+)/g)) {
        expect(visibleNames, `${page.name}: extupdate ${command}`).toContain(command);
      }
    }
  });
});

describe('exit statuses', () => {
  it('stand in the manual and the README, all of them and no others', () => {
    const all = [...Object.values(exitStatus), ...Object.values(signalStatus)].map(String).sort();
    expect(termsOf(programPage, 'Exit status').map(literal).sort()).toEqual(all);
    const readme = readFileSync(join(repository, 'README.md'), 'utf8');
    const table = /## Exit status\n([\s\S]*?)\n#/.exec(readme)?.[1] ?? '';
    const inReadme = [...table.matchAll(/^\| ([0-9, ]+) \|/gm)].flatMap(([, cell = '']) => cell.split(', '));
    expect(inReadme.sort()).toEqual(all);
  });
});

describe('settings', () => {
  const known: readonly [ManualPage, string, readonly string[]][] = [
    [transferPage, '[X-Extupdate]', extensionSettingNames],
    ...Object.entries(transferSettingNames).map(([section, names]): [ManualPage, string, readonly string[]] => [
      transferPage,
      `[${section}]`,
      names,
    ]),
    [transferPage, '[Feature]', featureSettingNames.Feature],
    [transferPage, '[Component]', componentSettingNames.Component],
  ];

  it.each(known)('of %o %s stand in the manual, all of them and no others', (page, section, names) => {
    expect(termsOf(page, section).map(settingOf).sort()).toEqual([...names].sort());
  });

  it('of extupdate.conf stand in the manual, all of them and no others', () => {
    const inManual = confPage.parts
      .filter(({ title }) => ['Trust', 'Transfers', 'Patience', 'Daemon'].includes(title))
      .flatMap(({ title }) => termsOf(confPage, title).map(settingOf));
    expect(inManual.sort()).toEqual([...configSettingNames].sort());
  });

  it('that texts speak of exist', () => {
    const all = new Set([
      ...known.flatMap(([, , names]) => names),
      ...configSettingNames,
      // Of units and os-release.
      ...['ExtensionImages', 'ExtensionDirectories', 'LoadCredential', 'ImportCredential'],
    ]);
    for (const page of manualPages) {
      for (const [, name = ''] of renderText(page, 200).matchAll(/\b([A-Z][a-z]+[A-Za-z]*)=/g)) {
        expect(all.has(name) || name.startsWith('Condition'), `${page.name}: ${name}=`).toBe(true);
      }
    }
  });
});

describe('the schemas of documents', () => {
  it.each(documentedCommands)('%s: stands in docs/reference/schemas as it is generated', (command) => {
    const path = join(repository, 'docs/reference/schemas', `${command}.schema.json`);
    expect(JSON.parse(readFileSync(path, 'utf8')), 'npm run build makes it anew').toEqual(documentJsonSchema(command));
  });

  it('are there for every command but those that print no document', () => {
    expect(visibleNames.filter((name) => !documentedCommands.some((one) => one === name))).toEqual(['daemon', 'help']);
  });
});

describe('the pages', () => {
  it.each(manualPages.map((page) => [page.name, page] as const))(
    '%s(%#) stands in docs/reference as it is generated',
    (_, page) => {
      const path = join(repository, 'docs/reference', `${page.name}.${page.section}.md`);
      expect(readFileSync(path, 'utf8'), 'npm run build makes it anew').toBe(renderMarkdown(page));
    },
  );

  const mandoc = existsSync('/usr/bin/mandoc');
  if (!mandoc) console.log('skipped: mandoc is not installed');
  it.skipIf(!mandoc).each(manualPages.map((page) => [page.name, page] as const))('%s is good man(7)', (_, page) => {
    const roff = renderRoff(page, '1.2.3', '2026-01-31');
    // What mandoc finds wrong is its output.
    expect(execFileSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: roff, encoding: 'utf8' })).toBe('');
    const shown = execFileSync('mandoc', ['-T', 'utf8'], { input: roff, encoding: 'utf8' }).replaceAll(/.\u0008/g, '');
    const words = (text: string) => text.replaceAll(/\s+/g, '');
    for (const { title, blocks } of page.parts) {
      expect(shown).toContain(title.toUpperCase());
      for (const block of blocks) {
        if (typeof block === 'string') expect(words(shown)).toContain(words(plainText(block)));
        else if ('code' in block) for (const line of block.code.split('\n')) expect(shown).toContain(line);
      }
    }
  });
});
