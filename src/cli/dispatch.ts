/** From a command and its words to what does it. Each command loads what it needs when it runs. */
import { resolve } from 'node:path';
import { DEFAULT_COMPONENT } from '../definition/candidates.ts';
import { UsageError } from '../errors.ts';
import type { CommandName } from '../reference/commands.ts';
import type { RunOptions } from '../system.ts';
import { type CommonOptions, parseTargets, rootOf } from './options.ts';
import type { Outcome } from './outcome.ts';
import { checkStatus } from './outcome-status.ts';
import { type JsonMode, printOutcome } from './print.ts';

/** How long commands that services call wait for another run, in seconds, unless `--wait=` says otherwise. */
const PATIENCE_SEC = 120;

/** Runs one command, and prints what came of it. @returns the exit status */
export async function dispatch(
  command: Exclude<CommandName, 'daemon' | 'publish'>,
  options: CommonOptions,
  words: readonly string[],
  { reporter, signal, lock }: Pick<RunOptions, 'lock' | 'reporter'> & { readonly signal: AbortSignal },
): Promise<number> {
  const [commands, os, { doneLines }] = await Promise.all([
    import('./commands.ts'),
    import('./os-commands.ts'),
    import('./render-done.ts'),
  ]);
  // Tables take long to load, and what runs at boot has none to print.
  const tables = () => import('./render.ts');
  const osTables = () => import('./render-os.ts');
  const { json } = options as { json: JsonMode };
  const text = { width: process.stdout.isTTY ? process.stdout.columns : undefined, legend: options.legend };
  const { pager } = options;
  const dryRun = options.dryRun === true;
  const run = (names: readonly string[]): RunOptions => ({
    root: rootOf(options),
    ...(options.definitions === undefined ? {} : { definitions: resolve(options.definitions) }),
    components: [...(options.component ?? []), ...names],
    ...(options.verify === undefined ? {} : { verify: options.verify }),
    offline: options.offline === true,
    keyrings: options.keyring ?? [],
    ...(options.arch === undefined ? {} : { arch: options.arch }),
    ...(options.transferSource === undefined ? {} : { transferSource: resolve(options.transferSource) }),
    ...(options.instancesMax === undefined ? {} : { instancesMax: options.instancesMax }),
    refresh: options.refresh,
    ...(options.acceptRepublished ? { acceptRepublished: true } : {}),
    waitSec: options.wait ?? (command === 'prepare' || command === 'bless' ? PATIENCE_SEC : 0),
    ...(lock ? { lock } : {}),
    reporter,
    signal,
  });
  switch (command) {
    case 'list': {
      const [name, version] = words;
      const outcome = onlyVersion(await commands.list(run(name === undefined ? [] : [name]), version), version);
      return await printOutcome(outcome, json, async () => (await tables()).renderVersions(outcome, text), pager);
    }
    case 'check': {
      const outcome = await commands.check(run(words));
      const exit = await printOutcome(outcome, json, async () => (await tables()).renderCheck(outcome, text), pager);
      return options.exitCode ? checkStatus(outcome, exit) : exit;
    }
    case 'check-new': {
      const { checkNew } = await import('./check-new.ts');
      return await checkNew(
        run(words.length + (options.component?.length ?? 0) > 0 ? words : [DEFAULT_COMPONENT]),
        json,
      );
    }
    case 'status': {
      if (options.os) {
        const outcome = await os.statusByOsCommand(run(words));
        return await printOutcome(outcome, json, async () => (await osTables()).renderOses(outcome, text), pager);
      }
      const outcome = await commands.status(run(words));
      return await printOutcome(outcome, json, async () => (await tables()).renderStatus(outcome, text), pager);
    }
    case 'why': {
      const outcome = await commands.list(run(words));
      return await printOutcome(outcome, json, async () => (await tables()).renderWhy(outcome, text), pager);
    }
    case 'gc': {
      const outcome = await commands.gc(run(words), dryRun);
      return await printOutcome(outcome, json, async () => (await tables()).renderKept(outcome, text), pager);
    }
    case 'apply':
    case 'acquire':
    case 'install': {
      const { names, requests } = parseTargets(words);
      const actions = { apply: commands.apply, acquire: commands.acquireCommand, install: commands.install };
      const { now = false, activate = true } = options;
      if (now && !activate) throw new UsageError('--now and --no-activate: only one of them');
      const outcome = await actions[command](run(names), requests, { dryRun, now, activate });
      reporter.close();
      return await printOutcome(outcome, json, () => doneLines(outcome));
    }
    case 'verify': {
      const [{ verifySourcesCommand, verifyInstalledCommand }, { renderSources, renderFiles }] = await Promise.all([
        import('./verify-commands.ts'),
        import('./render-verify.ts'),
      ]);
      const outcome = await (options.installed ? verifyInstalledCommand : verifySourcesCommand)(run(words));
      return await printOutcome(
        outcome,
        json,
        () => (options.installed ? renderFiles : renderSources)(outcome, text),
        pager,
      );
    }
    case 'history': {
      const outcome = await os.historyCommand(run(words));
      return await printOutcome(outcome, json, async () => (await osTables()).renderHistory(outcome, text), pager);
    }
    case 'prepare': {
      const { osRoot, osRelease, uki, bootable = false, check = false } = options;
      const outcome = await os.prepareCommand(run(words), { osRoot, osRelease, uki, bootable, check: check || dryRun });
      reporter.close();
      return await printOutcome(outcome, json, async () => (await osTables()).renderOses(outcome, text), pager);
    }
    case 'hold': {
      const { names, requests } = parseTargets(words);
      const outcome = await os.holdCommand(run(names), requests, dryRun);
      return await printOutcome(outcome, json, () => doneLines(outcome));
    }
    case 'features':
    case 'components':
    case 'enable':
    case 'disable': {
      const { featureDispatch } = await import('./feature-dispatch.ts');
      return await featureDispatch(command, options, words, run, text);
    }
    case 'add':
    case 'remove':
    case 'search':
    case 'doctor': {
      const { firstStepsDispatch } = await import('./first-steps-dispatch.ts');
      return await firstStepsDispatch(command, options, words, run, text);
    }
    case 'rollback':
    case 'unhold':
    case 'reset-floor':
    case 'select':
    case 'bless': {
      const actions = {
        rollback: () => os.rollbackCommand(run(words), words, dryRun),
        unhold: () => os.unholdCommand(run(words), dryRun),
        'reset-floor': () => os.resetFloorCommand(run(words), dryRun),
        select: () => os.selectCommand(run(words), dryRun),
        bless: () => os.blessCommand(run([]), dryRun),
      };
      const outcome = await actions[command]();
      return await printOutcome(outcome, json, () => doneLines(outcome));
    }
  }
}

/** `list NAME VERSION`: that version, exactly. @throws UsageError when there is none */
function onlyVersion(outcome: Outcome, version: string | undefined): Outcome {
  if (version === undefined) return outcome;
  const components = outcome.components.map((component) => ({
    ...component,
    versions: component.versions.filter((candidate) => candidate.version === version),
  }));
  if (outcome.errors.length === 0 && components.every(({ versions }) => versions.length === 0)) {
    const names = outcome.components.map(({ name }) => name).join(', ');
    throw new UsageError(`${names}: there is no version ${version}`, { next: `see "extupdate list ${names}"` });
  }
  return { ...outcome, components };
}
