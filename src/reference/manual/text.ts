/** A manual page as plain text, for hosts without man(1). */
import { type Block, type Item, type ManualPage, plainText } from './page.ts';

/** @param width columns that lines are wrapped at */
export function renderText({ name, section, summary, parts }: ManualPage, width: number): string {
  const head = `${name}(${section}) - ${plainText(summary)}`;
  const sections = parts.map(
    ({ title, blocks }) => `${title.toUpperCase()}\n${renderBlocks(blocks, { width, indent: 4 })}`,
  );
  return [...wrap(head, width, 0), '', ...sections].join('\n').replace(/\n{3,}/g, '\n\n');
}

interface Layout {
  readonly width: number;
  /** Columns before each line. */
  readonly indent: number;
}

/** Paragraphs and lists, each followed by an empty line. */
export function renderBlocks(blocks: readonly Block[], layout: Layout): string {
  return blocks.map((block) => `${renderBlock(block, layout)}\n`).join('\n');
}

function renderBlock(block: Block, layout: Layout): string {
  const { width, indent } = layout;
  if (typeof block === 'string') return wrap(plainText(block), width, indent).join('\n');
  if ('heading' in block) return ' '.repeat(Math.max(0, indent - 2)) + block.heading;
  if ('code' in block) {
    const prefix = ' '.repeat(indent + 4);
    return block.code
      .split('\n')
      .map((line) => (line === '' ? '' : prefix + line))
      .join('\n');
  }
  return block.items.map((item) => renderItem(item, layout)).join('\n\n');
}

function renderItem({ terms, text }: Item, { width, indent }: Layout): string {
  const names = wrap(terms.map(plainText).join(', '), width, indent);
  return [...names, renderBlocks(text, { width, indent: indent + 4 }).trimEnd()].join('\n');
}

/** Breaks a text at blanks; a word that is longer than a line stands alone. */
function wrap(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  if (line !== '') lines.push(line);
  return lines.map((one) => ' '.repeat(indent) + one);
}
