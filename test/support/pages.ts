/** The documentation as a test reads it: commands that are run, and files that are written, as they stand on the page. */

/** What a fenced block is for: its info string says so. */
export type PageBlock =
  /** ```sh: commands, which a reader types on the host. */
  | { readonly kind: 'commands'; readonly line: number; readonly text: string }
  /** ```ini /path: the content of that file. */
  | { readonly kind: 'file'; readonly line: number; readonly path: string; readonly text: string }
  /** ```sh clone: commands in a clone of the repository. */
  | { readonly kind: 'clone'; readonly line: number; readonly text: string }
  /** ```text, ```json: what is only shown. */
  | { readonly kind: 'shown'; readonly line: number; readonly text: string };

/**
 * The fenced blocks of a page, in their order.
 * @throws Error for a file whose path does not stand in the text right above it, for a block that does not say what it is, or that is only indented, and for a fence without an end
 */
export function blocksOf(page: string): PageBlock[] {
  const blocks: PageBlock[] = [];
  let open: { info: string; line: number; lines: string[] } | undefined;
  let above = '';
  page.split('\n').forEach((text, index) => {
    const fence = /^```(.*)$/.exec(text);
    if (!fence && open) open.lines.push(text);
    else if (fence && open) {
      blocks.push(blockOf(open, above));
      open = undefined;
      above = '';
    } else if (fence) open = { info: (fence[1] ?? '').trim(), line: index + 2, lines: [] };
    else if (/^ {4}\S/.test(text))
      throw new Error(`line ${index + 1}: an indented block does not say what it is: ${text}`);
    else above += `${text}\n`;
  });
  if (open) throw new Error(`line ${open.line}: this block has no end`);
  return blocks;
}

function blockOf(
  { info, line, lines }: { info: string; line: number; lines: readonly string[] },
  above: string,
): PageBlock {
  const text = `${lines.join('\n')}\n`;
  const [language = '', word = ''] = info.split(/\s+/);
  if (language === 'sh') return { kind: word === 'clone' ? 'clone' : 'commands', line, text };
  if (language === 'ini' && word.startsWith('/')) {
    // What stands behind the fence is not shown to who reads the page.
    if (!above.trimEnd().split('\n\n').at(-1)?.includes(word)) {
      throw new Error(`line ${line - 1}: the text above does not say that this goes into ${word}`);
    }
    return { kind: 'file', line, path: word, text };
  }
  if (language === 'text' || language === 'json') return { kind: 'shown', line, text };
  throw new Error(`line ${line - 1}: "${info}": expected sh, ini /PATH, text or json`);
}
