/** A manual page as data. Its text has the markup of Markdown: `literal`, *replaceable*. */

export interface ManualPage {
  /** As man(1) is asked for it, such as `extupdate.conf`. */
  readonly name: string;
  readonly section: 5 | 8;
  /** One line, after the name. */
  readonly summary: string;
  readonly parts: readonly ManualPart[];
}

export interface ManualPart {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** A paragraph, what is to be typed, or terms with what they mean. */
export type Block =
  | string
  | { readonly code: string }
  | { readonly heading: string }
  | { readonly items: readonly Item[] };

export interface Item {
  /** All of them mean the same. */
  readonly terms: readonly string[];
  readonly text: readonly Block[];
}

/** A stretch of text, and how it is to look. */
export interface Span {
  readonly style: 'plain' | 'literal' | 'replaceable';
  readonly text: string;
}

/** Takes the markup out of a text. */
export function spansOf(text: string): Span[] {
  return text
    .split(/(`[^`]+`|\*[^*`]+\*)/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part.length > 2 && part.startsWith('`')) return { style: 'literal', text: part.slice(1, -1) };
      if (part.length > 2 && part.startsWith('*')) return { style: 'replaceable', text: part.slice(1, -1) };
      return { style: 'plain', text: part };
    });
}

/** A text without its markup. */
export function plainText(text: string): string {
  return spansOf(text)
    .map((span) => span.text)
    .join('');
}
