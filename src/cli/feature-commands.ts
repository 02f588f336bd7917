/** `features`, `components`, `enable` and `disable`: what there is to switch, and switching it. */
import { isSuggested } from '../definition/conditions.ts';
import { type Definitions, loadDefinitions, renderProblem } from '../definition/load.ts';
import type { KnownComponent, ListedFeature } from '../definition/load-component.ts';
import type { Suggestion } from '../definition/suggestion.ts';
import {
  chooseSwitches,
  knownComponent,
  knownFeature,
  type Switch,
  type SwitchChoice,
  writeSwitches,
} from '../enablement.ts';
import { exitStatus, UsageError } from '../errors.ts';
import { conditionFacts } from '../os/condition-facts.ts';
import { readHost } from '../os/host.ts';
import { programVersion } from '../program.ts';
import { openSystem, type RunOptions } from '../system.ts';
import { apply } from './commands.ts';
import { type ErrorDocument, errorDocument } from './document.ts';
import type { Outcome } from './outcome.ts';

/** A feature as systemd-sysupdate 262 prints it; `suggested` is missing where it cannot be told. */
export interface FeatureDocument {
  readonly id: string;
  readonly description?: string;
  readonly documentation?: readonly string[];
  readonly appStream?: string;
  readonly enabled: boolean;
  readonly suggested?: boolean;
  readonly transfers?: readonly string[];
}

/** A component, for the table: its JSON is only the name. */
export interface ComponentSwitch {
  readonly name: string;
  readonly description?: string;
  readonly documentation: readonly string[];
  readonly enabled: boolean;
  readonly suggested?: boolean;
}

/** What is listed, in the shape of the JSON document and for the table. */
export interface FeatureListing {
  readonly features: readonly (FeatureDocument & { readonly component: string })[];
  readonly errors: readonly ErrorDocument[];
}

export interface ComponentListing {
  /** Whether there is a component without a name, systemd's `sysupdate.d/`. */
  readonly hasDefault: boolean;
  /** All names, those of broken components too. */
  readonly names: readonly string[];
  readonly components: readonly ComponentSwitch[];
  readonly errors: readonly ErrorDocument[];
}

/** The features of the components that were named, or of all. @throws UsageError */
export function listFeatures(run: RunOptions): Promise<FeatureListing> {
  return withDefinitions(run, async (definitions, suggested) => {
    const { known } = definitions;
    const named = run.components.map((name) => withTransfers(knownComponent(listable(definitions), name)));
    const errors = errorsOf(definitions, run.components);
    const all = (named.length > 0 ? named : known).filter(({ name }) => !errors.some((one) => one.component === name));
    const features = await Promise.all(
      all.flatMap(({ name, features: own }) =>
        own.map(async (feature) => ({ component: name, ...(await featureDocument(feature, suggested)) })),
      ),
    );
    return { features, errors };
  });
}

/** One feature. @throws UsageError when there is no such component or feature */
export function showFeature(run: RunOptions, component: string, id: string): Promise<FeatureListing> {
  return withDefinitions(run, async (definitions, suggested) => {
    const errors = errorsOf(definitions, [component]);
    if (errors.length > 0) return { features: [], errors };
    const feature = knownFeature(withTransfers(knownComponent(definitions.known, component)), id);
    return { features: [{ component, ...(await featureDocument(feature, suggested)) }], errors };
  });
}

/** All components, whatever becomes of them. */
export function listComponents(run: RunOptions): Promise<ComponentListing> {
  return withDefinitions(run, async (definitions, suggested) => {
    const errors = errorsOf(definitions, []);
    const named = definitions.known.filter(({ dropIns }) => dropIns.component !== undefined);
    const names = new Set([...named, ...definitions.broken].map(({ name }) => name));
    const hasDefault = named.length < definitions.known.length;
    if (hasDefault) names.delete('default');
    const components = await Promise.all(
      named
        .filter(({ name }) => !errors.some((one) => one.component === name))
        .map(async ({ name, info: { suggestion, ...info } }) => ({
          name,
          ...info,
          ...withSuggested(await suggested(suggestion)),
        })),
    );
    return { hasDefault, names: [...names].sort(), components, errors };
  });
}

/** How `enable` and `disable` go about it. */
export interface SwitchOptions {
  readonly enabled: boolean;
  readonly dryRun: boolean;
  /** Whether `apply` follows, for what was switched. */
  readonly now: boolean;
}

/** Switches components or features on or off. @throws UsageError, StorageError */
export async function switchCommand(
  run: RunOptions,
  choice: SwitchChoice,
  { enabled, dryRun, now }: SwitchOptions,
): Promise<Outcome> {
  if (run.definitions !== undefined) {
    throw new UsageError('--definitions= goes with no enable or disable: they write below /etc');
  }
  if (now && !enabled && choice.features === undefined) {
    throw new UsageError('--now: of a disabled component nothing is touched', { next: 'leave --now out' });
  }
  const all = { ...run, components: [] };
  const switched = await withDefinitions(all, ({ known }, suggested) =>
    chooseSwitches(known, choice, enabled, async (what, suggestion) => {
      const answer = await suggested(suggestion);
      if (answer === undefined) run.reporter.notice(what, 'whether it is suggested cannot be told, skipping');
      return answer;
    }),
  );
  if (!dryRun) {
    await writeSwitches(run.root, switched);
    noticeOverridden(run, switched);
  }
  const none: Outcome = { components: [], errors: [], left: [], disabled: [], turnedOff: [], switched, dryRun };
  if (!now || dryRun || switched.length === 0) return none;
  const names = [...new Set(switched.map(({ component }) => component))];
  const options = { dryRun: false, now: false, activate: true };
  return { ...(await apply({ ...run, components: names }, new Map(), options)), switched };
}

/** Tells of what was switched in vain: another drop-in has the last word. */
function noticeOverridden(run: RunOptions, switched: readonly Switch[]): void {
  const { specifiers } = readHost({ root: run.root, arch: run.arch });
  const { known } = loadDefinitions({ root: run.root }, specifiers);
  for (const { component, feature, enabled, file } of switched) {
    const found = known.find(({ name }) => name === component);
    const what = feature === null ? found?.info : found?.features.find(({ id }) => id === feature);
    if (what === undefined || what.enabled === enabled) continue;
    const subject = feature === null ? 'it' : `feature ${feature}`;
    const text = `${subject} is ${enabled ? 'disabled' : 'enabled'} all the same: a drop-in that sorts after ${file} says so`;
    run.reporter.notice(component, text);
  }
}

type Suggested = (suggestion: Suggestion) => Promise<boolean | undefined>;

async function withDefinitions<T>(
  run: RunOptions,
  operation: (definitions: Definitions, suggested: Suggested) => Promise<T>,
): Promise<T> {
  // Names are looked up among all that is known, directories without transfers too.
  const system = openSystem({ ...run, components: [], offline: true }, programVersion);
  try {
    for (const warning of system.definitions.warnings) run.reporter.warning('', renderProblem(warning));
    const facts = conditionFacts(run.root, system.host.release);
    return await operation(system.definitions, (suggestion) => isSuggested(suggestion, facts));
  } finally {
    await system.close();
  }
}

async function featureDocument(feature: ListedFeature, suggested: Suggested): Promise<FeatureDocument> {
  const { id, description, documentation, appStream, enabled, transfers } = feature;
  return {
    id,
    ...(description === undefined ? {} : { description }),
    ...(documentation.length > 0 ? { documentation } : {}),
    ...(appStream === undefined ? {} : { appStream }),
    enabled,
    ...withSuggested(await suggested(feature.suggestion)),
    ...(transfers.length > 0 ? { transfers } : {}),
  };
}

function withSuggested(suggested: boolean | undefined): { suggested?: boolean } {
  return suggested === undefined ? {} : { suggested };
}

/** Components that can be named: those that are broken are told as errors. */
function listable({ known, broken }: Definitions): KnownComponent[] {
  const others = broken.filter(({ name }) => !known.some((one) => one.name === name));
  return [...known, ...others.map(({ name }) => ({ ...brokenComponent, name }))];
}

const brokenComponent: KnownComponent = {
  name: '',
  origin: 'extupdate',
  dropIns: { features: '' },
  info: { documentation: [], enabled: true, suggestion: { conditions: [] } },
  features: [],
  hasTransfers: true,
};

/** systemd-sysupdate has no features of a component without a transfer either. @throws UsageError */
function withTransfers(component: KnownComponent): KnownComponent {
  if (component.hasTransfers) return component;
  throw new UsageError(`${component.name}: has no transfer definitions`, {
    next: `put one into ${component.dropIns.features}`,
  });
}

/** Problems of the components that were named, or of all. */
function errorsOf({ broken }: Definitions, names: readonly string[]): ErrorDocument[] {
  return broken
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .map(({ name, problems }) =>
      errorDocument(name, {
        code: 'config',
        exit: exitStatus.config,
        message: problems.map(renderProblem).join('\n'),
      }),
    );
}
