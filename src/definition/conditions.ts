/**
 * Whether conditions hold, by given facts: those of systemd.unit(5), as condition.c of systemd 262 has them. What is
 * malformed, or cannot be told, is undefined, and stays so unless the other conditions decide. Pure.
 */
import { createHmac } from 'node:crypto';
import { matchesGlob } from '../resolve/glob.ts';
import { parseBoolean } from '../syntax.ts';
import type { ReleaseFields } from '../types.ts';
import { leadingOperator, matches, splitAtOperator } from './comparison.ts';
import type { Condition, ConditionType, Suggestion } from './suggestion.ts';
import { allWords, firstWord, WordError } from './words.ts';

/** What conditions are judged by; each fact is asked for when a condition needs it. */
export interface ConditionFacts {
  /** In systemd names: x86-64, arm64. */
  readonly architecture: string;
  readonly osRelease: ReleaseFields;
  hostname(): string;
  /** In hex without dashes; undefined when the machine has none yet. */
  machineId(): string | undefined;
  /** Further ids that `Host` may name: of the boot, of the hardware. */
  otherIds(): readonly string[];
  /** `TAGS=` of machine-info(5). */
  machineTags(): string;
  kernelCommandLine(): Promise<string | undefined>;
  kernelVersion(): string;
  systemdVersion(): Promise<string | undefined>;
  glibcVersion(): string | undefined;
  /** What systemd-detect-virt(1) calls it; `none` on bare metal. */
  virtualization(): Promise<{ readonly id: string; readonly isContainer: boolean } | undefined>;
  hasPrivateUsers(): boolean | undefined;
  hasCredential(name: string): boolean;
  /** Whether a security technology is there, by its name in `ConditionSecurity=`; undefined when nobody can tell. */
  hasSecurity(name: string): Promise<boolean | undefined>;
  isEfi(): Promise<boolean | undefined>;
  /** Strings of /proc/device-tree/compatible; undefined when there is no device tree. */
  deviceTree(): readonly string[] | undefined;
  /** A file of /sys/class/dmi/id; undefined when there is none. */
  smbios(field: string): string | undefined;
}

type Answer = boolean | undefined;

/** Whether a feature or component is suggested here; undefined when it cannot be told. */
export async function isSuggested({ always, conditions }: Suggestion, facts: ConditionFacts): Promise<Answer> {
  if (always !== undefined) return always;
  if (conditions.length === 0) return false;
  const ask = (some: readonly Condition[]) => Promise.all(some.map((condition) => holds(condition, facts)));
  const all = await ask(conditions.filter(({ trigger }) => !trigger));
  const triggers = conditions.filter(({ trigger }) => trigger);
  return and([...all, ...(triggers.length > 0 ? [or(await ask(triggers))] : [])]);
}

/** Whether one condition holds; undefined when it is malformed, or cannot be told. */
export async function holds({ type, negate, parameter }: Condition, facts: ConditionFacts): Promise<Answer> {
  const answer = await Promise.resolve()
    .then(() => tests[type](parameter, facts))
    .catch((error: unknown) => {
      if (error instanceof WordError) return undefined;
      throw error;
    });
  return answer === undefined ? undefined : answer !== negate;
}

function and(answers: readonly Answer[]): Answer {
  if (answers.includes(false)) return false;
  return answers.includes(undefined) ? undefined : true;
}

function or(answers: readonly Answer[]): Answer {
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

type Test = (parameter: string, facts: ConditionFacts) => Answer | Promise<Answer>;

const tests: Readonly<Record<ConditionType, Test>> = {
  Architecture: (name, { architecture }) => name === 'native' || name === architecture,
  Firmware: testFirmware,
  Virtualization: testVirtualization,
  Host: testHost,
  Fraction: testFraction,
  KernelCommandLine: testCommandLine,
  Version: testVersion,
  Credential: (name, facts) => isCredentialName(name) && facts.hasCredential(name),
  Security: (name, facts) => (SECURITY.has(name) ? facts.hasSecurity(name) : false),
  OSRelease: testOsRelease,
  MachineTag: (glob, facts) => validTags(facts.machineTags()).some((tag) => matchesGlob(glob, tag)),
};

const SECURITY = new Set([
  ...['selinux', 'smack', 'apparmor', 'audit', 'ima', 'tomoyo'],
  ...['uefi-secureboot', 'tpm2', 'cvm', 'measured-uki', 'measured-os'],
]);

/** A name of systemd.exec(5), `LoadCredential=`. */
function isCredentialName(name: string): boolean {
  return /^[\x20-\x7e]{1,255}$/.test(name) && !/[/:]/.test(name) && name !== '.' && name !== '..';
}

async function testFirmware(parameter: string, facts: ConditionFacts): Promise<Answer> {
  if (parameter === 'uefi') return facts.isEfi();
  if (parameter === 'device-tree') return facts.deviceTree() !== undefined;
  const [, call, argument = ''] = /^(device-tree-compatible|smbios-field)\((.*)\)$/s.exec(parameter) ?? [];
  if (call === 'device-tree-compatible') return facts.deviceTree()?.includes(argument) === true;
  if (call === 'smbios-field') return testSmbios(argument, facts);
  return parameter.startsWith('smbios-field(') ? undefined : false;
}

function testSmbios(expression: string, facts: ConditionFacts): Answer {
  const [field, comparison] = splitAtOperator(expression);
  const operator = leadingOperator(comparison);
  const expected = operator && firstWord(operator.rest, { unquote: true });
  const name = field.trim();
  if (!operator || !expected || expected.rest !== '' || !/^[^/]+$/.test(name) || /^\.\.?$/.test(name)) return undefined;
  const actual = facts.smbios(name);
  return actual !== undefined && operator.holds(actual.trimEnd(), expected.word);
}

async function testVirtualization(parameter: string, facts: ConditionFacts): Promise<Answer> {
  if (parameter === 'private-users') return facts.hasPrivateUsers();
  const found = await facts.virtualization();
  if (!found) return undefined;
  const isVirtual = found.id !== 'none';
  const wanted = parseBoolean(parameter);
  if (wanted !== undefined) return wanted === isVirtual;
  if (parameter === 'vm') return isVirtual && !found.isContainer;
  if (parameter === 'container') return isVirtual && found.isContainer;
  return isVirtual && parameter === found.id;
}

function testHost(parameter: string, facts: ConditionFacts): Answer {
  const id = parameter.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(id) && [facts.machineId(), ...facts.otherIds()].includes(id)) return true;
  return matchesGlob(parameter.toLowerCase(), facts.hostname().toLowerCase());
}

/** `[TAG] PERCENT`: whether this machine is among so many, by a hash of its id and the tag. */
function testFraction(parameter: string, facts: ConditionFacts): Answer {
  const words = [...allWords(parameter)];
  const tag = words.length === 2 ? words[0] : '';
  const share = words.length > 2 ? undefined : parsePermyriad(words.at(-1) ?? '');
  if (share === undefined) return undefined;
  if (share === 0 || share === 10_000) return share > 0;
  const machineId = facts.machineId();
  if (machineId === undefined) return undefined;
  const hash = createHmac('sha256', Buffer.from(machineId, 'hex')).update(`systemd-fraction-${tag}`).digest();
  return hash.readUInt32LE() < Math.floor((share * 0xffff_ffff + 5000) / 10_000);
}

/** Parts of ten thousand: `25%`, `2.5%`, `25‰`, `25‱`. */
function parsePermyriad(text: string): number | undefined {
  const match = /^\+?([0-9]{1,5})(?:\.([0-9]{1,2}))?([%\u2030\u2031])$/.exec(text);
  const [, whole, decimals = '', unit = ''] = match ?? [];
  const digits = { '%': 2, '‰': 1, '‱': 0 }[unit];
  if (digits === undefined || decimals.length > digits) return undefined;
  const value = Number(`${whole}${decimals.padEnd(digits, '0')}`);
  return value <= 10_000 ? value : undefined;
}

async function testCommandLine(parameter: string, facts: ConditionFacts): Promise<Answer> {
  const line = await facts.kernelCommandLine();
  if (line === undefined) return undefined;
  const words = [...allWords(line, { unquote: true, relax: true })];
  return parameter.includes('=')
    ? words.includes(parameter)
    : words.some((word) => word === parameter || word.startsWith(`${parameter}=`));
}

async function testVersion(parameter: string, facts: ConditionFacts): Promise<Answer> {
  if (parameter === '') return true;
  const subject = /^[^!<=>$\s]*/.exec(parameter)?.[0] ?? '';
  const rest = parameter.slice(subject.length);
  if (subject === 'systemd') {
    const version = await facts.systemdVersion();
    return version === undefined ? undefined : compareAll(rest, version);
  }
  if (subject === 'glibc') {
    const version = facts.glibcVersion();
    return version === undefined ? false : compareAll(rest, version);
  }
  return compareAll(subject === 'kernel' ? rest : parameter, facts.kernelVersion());
}

/** Whether a version passes all comparisons, each a word; a text without an operator is a glob. */
function compareAll(comparisons: string, version: string): Answer {
  let rest = comparisons;
  for (let isFirst = true; ; isFirst = false) {
    const next = firstWord(rest, { unquote: true });
    if (!next) return true;
    rest = next.rest;
    const text = next.word.trim();
    const operator = leadingOperator(text) ?? { holds: matches, rest: text };
    let expected = operator.rest.trimStart();
    if (expected === '') {
      // Only in the first comparison may there be a space after the operator; quotes are then part of the word.
      const value = isFirst ? firstWord(rest) : undefined;
      if (!value) return undefined;
      ({ word: expected, rest } = value);
    }
    if (!operator.holds(version, expected)) return false;
  }
}

function testOsRelease(parameter: string, { osRelease }: ConditionFacts): Answer {
  for (const word of allWords(parameter, { unquote: true })) {
    const [key, comparison] = splitAtOperator(word);
    const operator = leadingOperator(comparison);
    if (!operator || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) || !/^\S/.test(operator.rest)) return undefined;
    if (!operator.holds(osRelease[key] ?? '', operator.rest)) return false;
  }
  return true;
}

/** A word or `key=value`; of the values of a key the first one in byte order counts (machine_tags_from_string()). */
function validTags(tags: string): string[] {
  const valid = tags
    .split(':')
    .filter((tag) => /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(=[A-Za-z0-9.=-]*)?$/.test(tag));
  const keys = new Set<string>();
  return valid.sort().filter((tag) => {
    const [key = '', ...value] = tag.split('=');
    const isRepeated = value.length > 0 && keys.has(key);
    keys.add(value.length > 0 ? key : '');
    return !isRepeated;
  });
}
