/** From `features`, `components`, `enable` and `disable` and their words to what does it. */
import { ConfigError, UsageError } from '../errors.ts';
import type { RunOptions } from '../system.ts';
import { DOCUMENT_FORMAT } from './document.ts';
import {
  type FeatureListing,
  listComponents,
  listFeatures,
  type SwitchOptions,
  showFeature,
  switchCommand,
} from './feature-commands.ts';
import { type CommonOptions, parseSwitchChoice } from './options.ts';
import { printListing, printOutcome } from './print.ts';
import type { TextOptions } from './render.ts';
import { renderDone } from './render-done.ts';
import { renderComponents, renderFeature, renderFeatures, renderNotYet, renderSwitched } from './render-features.ts';

/** Runs one of the commands, and prints what came of it. @returns the exit status */
export async function featureDispatch(
  command: 'features' | 'components' | 'enable' | 'disable',
  options: CommonOptions,
  words: readonly string[],
  run: (names: readonly string[]) => RunOptions,
  text: TextOptions,
): Promise<number> {
  switch (command) {
    case 'features':
      return features(options, words, run, text);
    case 'components': {
      const listing = await listComponents(run([]));
      const { hasDefault, names, errors } = listing;
      const document = { default: hasDefault, components: names };
      const count = listing.components.length;
      return printListing(
        { document, errors, count },
        options.json,
        () => renderComponents(listing, text),
        options.pager,
      );
    }
    case 'enable':
    case 'disable':
      return switchAll(options, words, run([]), {
        enabled: command === 'enable',
        dryRun: options.dryRun === true,
        now: options.now === true,
      });
  }
}

/** With one `-C`, the words and the shape of systemd-sysupdate; else words name components. */
async function features(
  options: CommonOptions,
  words: readonly string[],
  run: (names: readonly string[]) => RunOptions,
  text: TextOptions,
): Promise<number> {
  const { json, component: chosen = [] } = options;
  const [component] = chosen;
  if (chosen.length !== 1 || component === undefined) {
    const listing = await listFeatures(run(words));
    const document = { format: DOCUMENT_FORMAT, features: listing.features, errors: listing.errors };
    return printListing(counted(listing, document), json, () => renderFeatures(listing, text), options.pager);
  }
  const [id, ...more] = words;
  if (more.length > 0) {
    throw new UsageError('features: expected one feature', { next: 'extupdate features -C COMPONENT [FEATURE]' });
  }
  if (id === undefined) {
    const listing = whole(await listFeatures(run([])));
    const document = { features: listing.features.map((feature) => feature.id) };
    return printListing(counted(listing, document), json, () => renderFeatures(listing, text), options.pager);
  }
  const listing = whole(await showFeature(run([]), component, id));
  const [found] = listing.features;
  const { component: _, ...document } = found ?? { component };
  return printListing(counted(listing, document), json, () => renderFeature(listing));
}

/** A component that cannot be read has nothing in the shape of systemd-sysupdate. @throws ConfigError */
function whole(listing: FeatureListing): FeatureListing {
  const [error] = listing.errors;
  if (error) throw new ConfigError(error.message);
  return listing;
}

function counted({ features, errors }: FeatureListing, document: unknown) {
  return { document, errors, count: features.length };
}

async function switchAll(
  options: CommonOptions,
  words: readonly string[],
  run: RunOptions,
  { enabled, dryRun, now }: SwitchOptions,
): Promise<number> {
  const outcome = await switchCommand(run, parseSwitchChoice(options, words), { enabled, dryRun, now });
  run.reporter.close();
  const { switched = [] } = outcome;
  const isLeft = dryRun || !now;
  return printOutcome(outcome, options.json, () =>
    [renderSwitched(switched, dryRun), isLeft ? (dryRun ? '' : renderNotYet(switched)) : renderDone(outcome)]
      .filter((part) => part !== '')
      .join('\n'),
  );
}
