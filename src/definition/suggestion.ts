/** `Suggest=` and `SuggestOn...=` of `.feature` and `.component` files: assignments in, conditions out. Pure. */
import type { SettingReader } from './setting-reader.ts';
import { expandSpecifiers, type SpecifierValues } from './specifiers.ts';

/** What 262 can suggest on: some of the conditions of systemd.unit(5) (sysupdate-config.c, suggest_on_type_table). */
export const conditionTypes = [
  'Architecture',
  'Firmware',
  'Virtualization',
  'Host',
  'Fraction',
  'KernelCommandLine',
  'Version',
  'Credential',
  'Security',
  'OSRelease',
  'MachineTag',
] as const;
export type ConditionType = (typeof conditionTypes)[number];

export interface Condition {
  readonly type: ConditionType;
  /** Begins with `|`: one of these has to hold, if there are any. */
  readonly trigger: boolean;
  /** Begins with `!`. */
  readonly negate: boolean;
  readonly parameter: string;
}

/** Whether something should be enabled here, as far as the definition says. */
export interface Suggestion {
  /** `Suggest=`, which counts before all conditions. */
  readonly always?: boolean;
  readonly conditions: readonly Condition[];
}

/** The settings that {@link readSuggestion} reads. */
export const suggestionSettings: readonly string[] = ['Suggest', ...conditionTypes.map((type) => `SuggestOn${type}`)];

/** Reads the settings of a section; an empty assignment takes back the conditions of that type. */
export function readSuggestion(reader: SettingReader, section: string, values: SpecifierValues): Suggestion {
  const always = reader.advice(section, 'Suggest');
  const conditions = conditionTypes.flatMap((type) =>
    reader.list(section, `SuggestOn${type}`).map(({ value }) => parseCondition(type, value, values)),
  );
  return { conditions, ...(always === undefined ? {} : { always }) };
}

function parseCondition(type: ConditionType, value: string, values: SpecifierValues): Condition {
  const [, trigger = '', negate = '', parameter = ''] = /^(\|?)\s*(!?)\s*(.*)$/s.exec(value) ?? [];
  return { type, trigger: trigger !== '', negate: negate !== '', parameter: expandSpecifiers(parameter, values) };
}
