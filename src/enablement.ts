/**
 * `enable` and `disable`: switches of components and features, as drop-ins below `/etc` that systemd-sysupdate reads, and
 * writes, too. Definitions that were shipped are never edited.
 */
import type { KnownComponent, ListedFeature } from './definition/load-component.ts';
import type { Suggestion } from './definition/suggestion.ts';
import { UnknownComponentError, UsageError } from './errors.ts';
import { didYouMean } from './near-names.ts';
import { changeConfigFiles } from './os/config-files.ts';

/** The name that systemd 262 gives the drop-in (sysupdate.c), so that either program takes back what the other did. */
export const DROP_IN = '50-systemd-sysupdate-enabled.conf';

/** Which components, and which of their features. */
export interface SwitchChoice {
  /** Names, all components, or those that are suggested here. */
  readonly components: readonly string[] | 'all' | 'suggested';
  /** Names, all features, or those that are suggested here; undefined for the components themselves. */
  readonly features?: readonly string[] | 'all' | 'suggested' | undefined;
}

/** A component or feature that is switched on or off. */
export interface Switch {
  readonly component: string;
  /** Null for the component itself. */
  readonly feature: string | null;
  readonly enabled: boolean;
  /** The drop-in, as seen inside the root. */
  readonly file: string;
}

/**
 * What a choice comes to.
 * @param isSuggested undefined where it cannot be told, which is skipped
 * @throws UsageError for what does not exist
 */
export async function chooseSwitches(
  known: readonly KnownComponent[],
  choice: SwitchChoice,
  enabled: boolean,
  isSuggested: (what: string, suggestion: Suggestion) => Promise<boolean | undefined>,
): Promise<Switch[]> {
  const components = await chosenComponents(known, choice, isSuggested);
  if (choice.features === undefined) {
    return components.flatMap(({ name, dropIns }) =>
      dropIns.component === undefined
        ? []
        : { component: name, feature: null, enabled, file: `${dropIns.component}/${DROP_IN}` },
    );
  }
  const switches: Switch[] = [];
  for (const component of components) {
    for (const { id } of await chosenFeatures(component, choice, isSuggested)) {
      const file = `${component.dropIns.features}/${id}.feature.d/${DROP_IN}`;
      switches.push({ component: component.name, feature: id, enabled, file });
    }
  }
  requireFeatures(components, choice, switches);
  return switches;
}

async function chosenComponents(
  known: readonly KnownComponent[],
  { components, features }: SwitchChoice,
  isSuggested: (what: string, suggestion: Suggestion) => Promise<boolean | undefined>,
): Promise<KnownComponent[]> {
  if (components === 'all') return [...known];
  if (components === 'suggested') {
    return keepSuggested(known, ({ name, info }) => isSuggested(name, info.suggestion));
  }
  return components.map((name) => {
    const component = knownComponent(known, name);
    if (features === undefined && component.dropIns.component === undefined) {
      throw new UsageError(`${name}: has no switch of its own`, {
        next: `its features have (extupdate features -C ${name}); a mask turns off a transfer`,
      });
    }
    return component;
  });
}

/** @throws UsageError for a component that does not exist */
export function knownComponent(known: readonly KnownComponent[], name: string): KnownComponent {
  const component = known.find((one) => one.name === name);
  if (component) return component;
  throw new UnknownComponentError(
    name,
    known.map((one) => one.name),
  );
}

/** @throws UsageError for a feature that does not exist */
export function knownFeature({ name, features }: KnownComponent, id: string): ListedFeature {
  const feature = features.find((one) => one.id === id);
  if (feature) return feature;
  const near = didYouMean(
    id,
    features.map((one) => one.id),
  );
  throw new UsageError(`${name}: no such feature: ${id}${near}`, { next: knownFeatures(features) });
}

function knownFeatures(features: readonly ListedFeature[]): string {
  return features.length > 0 ? `known: ${features.map(({ id }) => id).join(', ')}` : 'it has no features';
}

async function chosenFeatures(
  component: KnownComponent,
  { components, features }: SwitchChoice,
  isSuggested: (what: string, suggestion: Suggestion) => Promise<boolean | undefined>,
): Promise<ListedFeature[]> {
  if (features === 'suggested') {
    return keepSuggested(component.features, ({ id, suggestion }) =>
      isSuggested(`${component.name}, feature ${id}`, suggestion),
    );
  }
  if (features === 'all' || features === undefined) return [...component.features];
  if (components !== 'all') return features.map((id) => knownFeature(component, id));
  return component.features.filter(({ id }) => features.includes(id));
}

/** Of all components, at least one has to have what was named. */
function requireFeatures(
  components: readonly KnownComponent[],
  { features }: SwitchChoice,
  switches: readonly Switch[],
): void {
  const missing = Array.isArray(features) ? features.find((id) => !switches.some(({ feature }) => feature === id)) : '';
  if (!missing) return;
  throw new UsageError(`no component has the feature ${missing}`, {
    next: knownFeatures(components.flatMap((component) => component.features)),
  });
}

async function keepSuggested<T>(all: readonly T[], ask: (one: T) => Promise<boolean | undefined>): Promise<T[]> {
  const answers = await Promise.all(all.map(ask));
  return all.filter((_, index) => answers[index] === true);
}

/**
 * Writes the drop-ins, below a merged `/etc` too.
 * @throws StorageError
 */
export function writeSwitches(root: string, switches: readonly Switch[]): Promise<void> {
  return changeConfigFiles(
    root,
    switches.map(({ file, ...what }) => ({ file, to: { text: dropInText(what) } })),
  );
}

function dropInText({ feature, enabled }: Pick<Switch, 'feature' | 'enabled'>): string {
  const section = feature === null ? 'Component' : 'Feature';
  return `# Generated via 'extupdate ${enabled ? 'enable' : 'disable'}'\n\n[${section}]\nEnabled=${enabled ? 'yes' : 'no'}\n`;
}
