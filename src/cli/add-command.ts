/** `add`: shows the definition that it makes, asks, writes it. */
import { type Draft, draftDefinition, placeFor } from '../add/draft.ts';
import { findOffering } from '../add/find-offering.ts';
import { requireNothingLeftBehind } from '../add/left-behind.ts';
import { repositoryUrl } from '../add/repository-url.ts';
import { parseSignedBy, readTrusting, signersOf } from '../add/trust.ts';
import { rootOfDefinitions } from '../definition/candidates.ts';
import { defaultExtensionSettings } from '../definition/extension-settings.ts';
import { loadDefinitions, renderProblem } from '../definition/load.ts';
import { ConfigError, exitStatus, UsageError } from '../errors.ts';
import { changeConfigFiles } from '../os/config-files.ts';
import { requireWritable } from '../os/require-writable.ts';
import type { RunOptions, System } from '../system.ts';
import type { Ask } from './ask.ts';
import { apply } from './commands.ts';
import { type Found, type Outcome, withSystem } from './outcome.ts';

/** What the command line says. */
export interface AddOptions {
  readonly name: string;
  readonly url: string;
  readonly signedBy: readonly string[];
  /** Whether a definition that `add` has written before is replaced. */
  readonly force: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  /** Whether `apply` follows. */
  readonly now: boolean;
}

/** A definition in the JSON document. */
export interface AddedDocument {
  readonly component: string;
  readonly file: string;
  readonly definition: string;
  readonly source: string;
  /** `signature`: the list is verified; `server`: it is taken as it comes. */
  readonly trust: 'signature' | 'server';
  /** Fingerprints of the keys whose signatures counted. */
  readonly signedBy: readonly string[];
  readonly kind: 'sysext' | 'confext';
  /** Versions in the list that are for this machine. */
  readonly versions: number;
  readonly written: boolean;
}

/** How it talks to a person. */
export interface Conversation {
  /** Prints what is asked about; undefined where one document is all that is printed. */
  readonly show?: (text: string) => void;
  readonly ask?: Ask | undefined;
}

/** Adds a component. @throws UsageError, and what reading a repository throws */
export async function addCommand(run: RunOptions, options: AddOptions, talk: Conversation): Promise<Outcome> {
  const outcome = await withSystem({ ...run, components: [] }, (system) => add(system, options, talk));
  // What is wrong with other components is none of this command's business.
  const own = { ...outcome, errors: outcome.errors.filter(({ component }) => component === options.name) };
  const isDone = own.added?.written === true && own.errors.length === 0;
  if (!options.now || !isDone) return { ...own, left: [], disabled: [], turnedOff: [] };
  const applied = await apply({ ...run, components: [options.name] }, new Map(), {
    dryRun: false,
    now: true,
    activate: true,
  });
  return { ...applied, ...(own.added ? { added: own.added } : {}) };
}

async function add(system: System, options: AddOptions, { show, ask }: Conversation): Promise<Found> {
  const { name, yes, dryRun } = options;
  const { reporter, verify } = system.options;
  const file = placeFor(system, name, options.force);
  const root = rootOfDefinitions(system.options);
  if (!dryRun) requireWritable(root, file);
  const url = repositoryUrl(options.url);
  const signedBy = parseSignedBy(options.signedBy);
  const question = ask && ((why: string) => ask(`${why}\nTrust the server alone, and write Verify=no?`, false));
  const { verified, found } = await readTrusting({ verify, signedBy, ask: question }, (isVerified) =>
    findOffering(system, url, name, {
      component: name,
      settings: { ...defaultExtensionSettings, signedBy },
      verify: isVerified,
    }),
  );
  const draft = await draftDefinition(system, { name, file }, found, { verify: verified, signedBy });
  if (options.force) await requireNothingLeftBehind(system, draft.definition);
  const signers = verified ? await signersOf(system, found.url, name) : [];
  const { renderDraft } = await import('./render-add.ts');
  reporter.close();
  show?.(renderDraft(draft, signers));
  if (verified && system.options.keyrings.length > 0) {
    reporter.notice(name, 'the key is that of --keyring=: later runs need it in /etc/systemd/import-pubring.pgp, too');
  }
  const outcome = { resolutions: [draft.resolution], errors: [] };
  const document = (written: boolean) => ({ added: documentOf(draft, signers, verified, written) });
  if (dryRun) return { ...outcome, ...document(false), dryRun };
  if (!yes && !ask) {
    const report = {
      code: 'usage',
      exit: exitStatus.usage,
      message: `${name}: not written, for there is no terminal to ask on`,
      next: '--yes writes it, --dry-run only shows it',
    };
    return { ...outcome, ...document(false), errors: [{ component: name, ...report }] };
  }
  // What fits nothing may have been meant for another OS, or for later.
  if (!yes && !(await ask?.('Write it?', draft.unfit === undefined))) return { ...outcome, ...document(false) };
  await changeConfigFiles(root, [{ file, to: { text: draft.text } }]);
  requireGood(system, name);
  return { ...outcome, ...document(true) };
}

/** Drop-ins that are there already, and switches, have a say in the new definition. @throws ConfigError, UsageError */
function requireGood({ options: { root, definitions, reporter }, host }: System, name: string): void {
  const place = { root, ...(definitions === undefined ? {} : { definitions }) };
  const { broken, disabled } = loadDefinitions(place, host.specifiers);
  const problems = broken.find((one) => one.name === name)?.problems ?? [];
  if (problems.length > 0) throw new ConfigError(problems.map(renderProblem).join('\n'));
  if (disabled.includes(name)) {
    reporter.notice(name, `it is disabled, by a drop-in that was there already; "extupdate enable ${name}" enables it`);
  }
}

function documentOf(draft: Draft, signers: readonly string[], verified: boolean, written: boolean): AddedDocument {
  return {
    component: draft.component,
    file: draft.file,
    definition: draft.text,
    source: draft.url,
    trust: verified ? 'signature' : 'server',
    signedBy: signers,
    kind: draft.inner.kind,
    versions: draft.versions,
    written,
  };
}

/** @throws UsageError unless there are a name and a URL */
export function addWords(words: readonly string[]): { readonly name: string; readonly url: string } {
  const [name, url, ...more] = words;
  if (name === undefined || url === undefined || more.length > 0) {
    throw new UsageError('add: expected a name and a URL', { next: 'extupdate add NAME URL' });
  }
  if (/^[a-z]+:\/\//i.test(name) && !/^[a-z]+:\/\//i.test(url)) {
    throw new UsageError(`add: the name comes first`, { next: `extupdate add ${url} ${name}` });
  }
  return { name, url };
}
