/**
 * Texts in a comment: the source of a function that does nothing, which JavaScript keeps as it stands. The first line has
 * the index, the rest are the texts, one after the other. Pure.
 */

/** What would end the comment, and what stands there instead. */
const END = '*/';
const ESCAPED = '*%/';

/** Where a text begins, behind the line of the index, and its length; both escaped. */
type Index = Readonly<Record<string, readonly [at: number, length: number]>>;

/**
 * The source of a function that carries texts.
 * @throws Error for a text that would not come out as it went in, or is not ASCII
 */
export function carry(functionName: string, texts: ReadonlyMap<string, string>): string {
  const index: Record<string, readonly [number, number]> = {};
  let body = '';
  for (const [name, text] of texts) {
    const odd = /[^\0-\x7f]/.exec(text);
    // Node reads a file that has anything else in it several times slower.
    if (odd) throw new Error(`${name}: ${JSON.stringify(odd[0])} is not ASCII; write it as an escape sequence`);
    const escaped = text.replaceAll(END, ESCAPED);
    index[name] = [body.length, escaped.length];
    // A line of its own: what ends in a star must not meet a slash.
    body += `${escaped}\n`;
  }
  const source = `function ${functionName}(){/*${JSON.stringify(index)}\n${body}*/}`;
  for (const [name, text] of texts) {
    if (textOfPart(source, name) !== text)
      throw new Error(`${name}: has "${ESCAPED}" in it, which stands for "${END}"`);
  }
  return source;
}

/** The names of the texts that a function carries. @param source as {@link carry} made it */
export function partNames(source: string): string[] {
  return Object.keys(indexOf(source));
}

/** @throws Error when there is none of that name */
export function textOfPart(source: string, name: string): string {
  const place = indexOf(source)[name];
  if (!place) throw new Error(`there is no part "${name}" in this program`);
  const [at, length] = place;
  const start = source.indexOf('\n') + 1 + at;
  return source
    .slice(start, start + length)
    .split(ESCAPED)
    .join(END);
}

function indexOf(source: string): Index {
  return JSON.parse(source.slice(source.indexOf('/*') + 2, source.indexOf('\n'))) as Index;
}
