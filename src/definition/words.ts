/** Words as systemd splits them (extract_first_word() of extract-word.c), one at a time. Pure. */

/** What cannot be read as words, such as a quote without an end. */
export class WordError extends Error {}

export interface WordOptions {
  /** Whether quotes hold words together and are dropped. */
  readonly unquote?: boolean;
  /** Whether a quote without an end, and backslashes, are taken as they stand, as on the kernel command line. */
  readonly relax?: boolean;
}

/**
 * The first word of a text, and what comes after it.
 * @returns undefined when there is no word
 * @throws WordError
 */
export function firstWord(text: string, options: WordOptions = {}): { word: string; rest: string } | undefined {
  const { unquote = false, relax = false } = options;
  let at = text.length - text.trimStart().length;
  if (at === text.length) return undefined;
  let word = '';
  let quote = '';
  for (; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\\' && !relax) {
      at += 1;
      if (at === text.length) throw new WordError('ends in a backslash');
      word += text[at];
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word += character;
    } else if (unquote && (character === '"' || character === "'")) {
      quote = character;
    } else if (/\s/.test(character)) {
      break;
    } else {
      word += character;
    }
  }
  if (quote !== '' && !relax) throw new WordError('has a quote without an end');
  return { word, rest: text.slice(at).trimStart() };
}

/** All words of a text. @throws WordError */
export function* allWords(text: string, options: WordOptions = {}): Generator<string> {
  for (let next = firstWord(text, options); next; next = firstWord(next.rest, options)) yield next.word;
}
