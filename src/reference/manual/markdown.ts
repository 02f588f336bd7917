/** A manual page as Markdown, for those who read the source in a browser. */
import type { Block, Item, ManualPage } from './page.ts';

export function renderMarkdown({ name, section, summary, parts }: ManualPage): string {
  const lines = [
    `# ${name}(${section})`,
    '',
    `${summary}.`,
    '',
    ...parts.flatMap(({ title, blocks }) => [`## ${title}`, '', ...blocksOf(blocks)]),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function blocksOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => {
    if (typeof block === 'string') return [block, ''];
    if ('heading' in block) return [`### ${block.heading}`, ''];
    if ('code' in block) return [...block.code.split('\n').map((line) => (line === '' ? '' : `    ${line}`)), ''];
    return [...block.items.flatMap(itemOf), ''];
  });
}

function itemOf({ terms, text }: Item): string[] {
  const [first, ...rest] = text;
  const head = typeof first === 'string' ? `: ${first}` : '';
  const blocks = typeof first === 'string' ? rest : text;
  const more = blocksOf(blocks).map((line) => (line === '' ? '' : `  ${line}`));
  return [`- ${terms.join(', ')}${head}`, ...(more.length > 0 ? ['', ...more] : [])];
}
