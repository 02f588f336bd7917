/** os-release(5) and extension-release files: shell-like assignments. */
import type { ReleaseFields } from '../types.ts';

/** Reads the assignments; the last of a key wins, lines that are none are skipped, as systemd does. */
export function parseRelease(text: string): ReleaseFields {
  const fields: Record<string, string> = {};
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) fields[match[1]] = unquote(match[2]);
  }
  return fields;
}

/** Quotes of a shell word: nothing is special within '', a backslash escapes within "" and outside. */
function unquote(text: string): string {
  let value = '';
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (quote === "'") {
      if (character === quote) quote = '';
      else value += character;
    } else if (character === '\\') {
      i += 1;
      value += text[i] ?? '';
    } else if (character === quote) {
      quote = '';
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
    } else {
      value += character;
    }
  }
  return value;
}
