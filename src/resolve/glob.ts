/** Whether text matches a shell glob of `*`, `?` and `[...]` as a whole, as fnmatch(3) has it. */
export function matchesGlob(glob: string, text: string): boolean {
  let pattern = '';
  for (let i = 0; i < glob.length; i++) {
    const character = glob[i] as string;
    const close = character === '[' ? glob.indexOf(']', i + 2) : -1;
    if (character === '*') pattern += '.*';
    else if (character === '?') pattern += '.';
    else if (close > 0) {
      const inside = glob
        .slice(i + 1, close)
        .replace(/[\\^]/g, '\\$&')
        .replace(/^!/, '^');
      pattern += `[${inside}]`;
      i = close;
    } else pattern += character.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${pattern}$`, 's').test(text);
}
