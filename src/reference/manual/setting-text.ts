/** Settings as the manual tells them, and how a list of them becomes a part of a page. */
import type { Block, Item } from './page.ts';

export interface SettingText {
  /** As it is written, such as `MaxImageSize=`; with its value where that has words of its own. */
  readonly name: string;
  /** What its value is, such as *SIZE*; none where `name` has it. */
  readonly value?: string;
  /** What counts where nothing is said. */
  readonly standard?: string;
  readonly text: readonly string[];
}

/** The settings as terms: name, what it does, default. */
export function settingItems(settings: readonly SettingText[]): { readonly items: readonly Item[] } {
  return {
    items: settings.map(({ name, value, standard, text }) => ({
      terms: [`\`${name}=\`${value ?? ''}`],
      text: [...text, ...(standard === undefined ? [] : [`Default: ${standard}.`])] satisfies Block[],
    })),
  };
}
