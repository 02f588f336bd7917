/** How text looks on a terminal: headers underlined, errors red, as systemd's tools do; plain everywhere else. */

const SGR = { underlined: [4, 24], red: [31, 39] } as const;
type Style = keyof typeof SGR;

/** A table's header: nothing but words in capitals, two or more, in columns. */
const HEADER = /^[A-Z0-9]+(?: {2,}[A-Z0-9]+)+ *$/gm;

/**
 * Whether a stream shows styles: a terminal that can, unless NO_COLOR is set (https://no-color.org).
 * @param environment such as `process.env`
 */
export function showsStyles(
  { isTTY }: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const { NO_COLOR, TERM } = environment;
  return isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
}

/** Underlines the headers of tables. */
export function styleTables(text: string): string {
  return text.replace(HEADER, (line) => styled('underlined', line));
}

/** Makes an error stand out. */
export function styleError(text: string): string {
  return styled('red', text);
}

function styled(style: Style, text: string): string {
  const [on, off] = SGR[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
