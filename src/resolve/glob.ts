/** Whether text matches a shell glob of `*`, `?` and `[...]` as a whole, as fnmatch(3) has it; in time glob × text at most. */
export function matchesGlob(glob: string, text: string): boolean {
  const tokens = tokensOf(glob);
  let at = 0;
  let token = 0;
  // Where to go on when what follows the last star did not match: the star takes one character more.
  let star: { readonly token: number; at: number } | undefined;
  while (at < text.length) {
    const wanted = tokens[token];
    if (wanted === 'any') {
      star = { token, at };
      token += 1;
    } else if (wanted?.(text[at] as string)) {
      at += 1;
      token += 1;
    } else if (star) {
      star.at += 1;
      at = star.at;
      token = star.token + 1;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === 'any');
}

type Token = 'any' | ((character: string) => boolean);

function tokensOf(glob: string): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < glob.length; i++) {
    const character = glob[i] as string;
    // A bracket right behind the opening one, or behind its "!", stands for itself.
    const close = character === '[' ? glob.indexOf(']', i + (/[!^]/.test(glob[i + 1] ?? '') ? 3 : 2)) : -1;
    if (character === '*') tokens.push('any');
    else if (character === '?') tokens.push(() => true);
    else if (close > 0) {
      tokens.push(classOf(glob.slice(i + 1, close)));
      i = close;
    } else tokens.push((other) => other === character);
  }
  return tokens;
}

/** The characters between brackets; a range that ends before it begins holds none. */
function classOf(inside: string): (character: string) => boolean {
  const isNegated = /^[!^]/.test(inside);
  const members = isNegated ? inside.slice(1) : inside;
  const ranges: (readonly [string, string])[] = [];
  for (let i = 0; i < members.length; i++) {
    const first = members[i] as string;
    const last = members[i + 1] === '-' ? members[i + 2] : undefined;
    ranges.push([first, last ?? first]);
    if (last !== undefined) i += 2;
  }
  return (character) => ranges.some(([first, last]) => first <= character && character <= last) !== isNegated;
}
