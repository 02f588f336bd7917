/** Typed values out of the assignments of one definition, and what is wrong with them. */
import { parseBoolean } from '../syntax.ts';
import { isVersion } from '../version/compare.ts';
import { type Pattern, PatternError, parsePattern } from '../version/pattern.ts';
import type { Assignment, Problem } from './ini.ts';
import { expandSpecifiers, type SpecifierValues } from './specifiers.ts';

/** Picks typed values out of assignments and collects what is wrong with them. */
export class SettingReader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  /** Settings whose value was refused, as SECTION.KEY. */
  readonly #reported = new Set<string>();
  readonly #assignments: readonly Assignment[];
  readonly #values: SpecifierValues;

  constructor(file: string, assignments: readonly Assignment[], values: SpecifierValues) {
    this.#file = file;
    this.#assignments = assignments;
    this.#values = values;
  }

  problem(at: Assignment | undefined, message: string, severity: Problem['severity'] = 'error'): void {
    this.problems.push({ file: at?.file ?? this.#file, line: at?.line ?? 1, message, severity });
  }

  /** Says that a required setting is missing, unless something was already said about it. */
  missing(section: string, key: string, allowed: string): void {
    if (this.#reported.has(`${section}.${key}`)) return;
    this.problem(undefined, `${key}=: is missing in [${section}]; allowed: ${allowed}`);
  }

  /** Warns of settings that are not `known`, by section. */
  warnUnknown(knownSettings: Readonly<Record<string, readonly string[]>>): void {
    for (const assignment of this.#assignments) {
      const { section, key } = assignment;
      if (section.startsWith('X-Ext') && section !== 'X-Extupdate') {
        this.problem(assignment, `${key}=: unknown section [${section}], ignoring; is [X-Extupdate] meant?`, 'warning');
        continue;
      }
      if (section.startsWith('X-') || key.startsWith('X-')) continue;
      const known = knownSettings[section];
      if (known === undefined) {
        this.problem(assignment, `${key}=: unknown section [${section}], ignoring`, 'warning');
      } else if (!known.includes(key)) {
        this.problem(
          assignment,
          `${key}=: unknown setting in [${section}], ignoring; known: ${known.join(', ')}`,
          'warning',
        );
      }
    }
  }

  /** All assignments since the last empty one, which resets a list. */
  list(section: string, key: string): Assignment[] {
    const all = this.#assignments.filter((assignment) => assignment.section === section && assignment.key === key);
    return all.slice(all.findLastIndex((assignment) => assignment.value === '') + 1);
  }

  last(section: string, key: string): Assignment | undefined {
    return this.list(section, key).at(-1);
  }

  words(section: string, key: string): string[] {
    return this.list(section, key).flatMap((assignment) => assignment.value.split(/\s+/));
  }

  oneOf<T extends string>(section: string, key: string, allowed: readonly T[]): T | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = allowed.find((word) => word === assignment.value);
    if (value === undefined) this.#invalid(assignment, `"${assignment.value}" is unknown`, allowed.join(', '));
    return value;
  }

  boolean(section: string, key: string): boolean | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = parseBoolean(assignment.value);
    if (value === undefined) this.#invalid(assignment, `"${assignment.value}" is not a boolean`, 'yes, no');
    return value;
  }

  /** A boolean that is only advice: what is none is ignored. */
  advice(section: string, key: string): boolean | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = parseBoolean(assignment.value);
    if (value === undefined) {
      this.problem(
        assignment,
        `${key}=: "${assignment.value}" is not a boolean, ignoring; allowed: yes, no`,
        'warning',
      );
    }
    return value;
  }

  count(section: string, key: string): number | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    if (/^[0-9]{1,9}$/.test(assignment.value)) return Number(assignment.value);
    this.#invalid(assignment, `"${assignment.value}" is not a number`, 'a number of versions, at least 2');
    return undefined;
  }

  mode(section: string, key: string): number | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    if (/^0?[0-7]{1,4}$/.test(assignment.value)) return Number.parseInt(assignment.value, 8);
    this.#invalid(assignment, `"${assignment.value}" is not an access mode`, 'octal digits such as 0644');
    return undefined;
  }

  version(section: string, key: string): string | undefined {
    const assignment = this.last(section, key);
    return assignment && this.#version(assignment);
  }

  versions(section: string, key: string): string[] {
    return this.list(section, key).flatMap((assignment) => this.#version(assignment) ?? []);
  }

  url(section: string, key: string): string | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = expandSpecifiers(assignment.value, this.#values);
    const isUrl = /^(https?:\/\/[^/]|file:\/\/\/)/.test(value) && URL.canParse(value);
    if (isUrl) return value.replace(/\/+$/, '');
    const allowed = 'https://HOST/PATH, http://HOST/PATH, file:///PATH';
    this.#invalid(assignment, `"${value}" is not a URL of the web`, allowed);
    return undefined;
  }

  /** URLs of pages for people; what is none is ignored, since nothing depends on it. */
  links(section: string, key: string): string[] {
    return this.list(section, key).flatMap((assignment) => {
      const value = expandSpecifiers(assignment.value, this.#values);
      if (/^https?:\/\/[\x20-\x7e]+$/.test(value)) return value;
      this.problem(assignment, `${key}=: "${value}" is not a URL of the web, ignoring`, 'warning');
      return [];
    });
  }

  /** An absolute path, or one relative to `base` where there is one. */
  path(section: string, key: string, base?: string): string | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = expandSpecifiers(assignment.value, this.#values);
    const absolute = value.startsWith('/') ? value : base === undefined ? undefined : `${base}/${value}`;
    const parts = absolute?.split('/').filter((part) => part !== '' && part !== '.');
    if (parts && !parts.includes('..') && !/[\0-\x1f]/.test(value)) return `/${parts.join('/')}`;
    const allowed = base === undefined ? 'an absolute path without ".."' : `a path without "..", relative to ${base}`;
    this.#invalid(assignment, `"${value}" is not a usable path`, allowed);
    return undefined;
  }

  patterns(section: string, key: string): Pattern[] {
    const patterns: Pattern[] = [];
    for (const assignment of this.list(section, key)) {
      for (const word of assignment.value.split(/\s+/)) {
        const text = expandSpecifiers(unescapeWord(word), this.#values);
        try {
          patterns.push(parsePattern(text));
        } catch (error) {
          if (!(error instanceof PatternError)) throw error;
          this.#invalid(
            assignment,
            `"${text}" ${error.message}`,
            'literals with @v and the wildcards of sysupdate.d(5)',
          );
        }
      }
    }
    return patterns;
  }

  #version(assignment: Assignment): string | undefined {
    const value = expandSpecifiers(assignment.value, this.#values);
    // A specifier of a field that this OS does not set, such as ProtectVersion=%A: nothing to protect.
    if (value === '') return undefined;
    if (isVersion(value)) return value;
    this.#invalid(assignment, `"${value}" is not a version`, 'letters, digits and . - ~ ^ _ +');
    return undefined;
  }

  #invalid(assignment: Assignment, what: string, allowed: string): void {
    this.#reported.add(`${assignment.section}.${assignment.key}`);
    this.problem(assignment, `${assignment.key}=: ${what}; allowed: ${allowed}`);
  }
}

/** C-style escapes, by which a pattern can hold a space (`\x20`). */
function unescapeWord(word: string): string {
  return word
    .replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\s/g, ' ');
}
