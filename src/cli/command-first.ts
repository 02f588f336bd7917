/** Options may stand before the command, as with systemd's tools. Pure. */

/**
 * Moves options that stand before the command behind it; `--root DIR`, in two words, cannot be told from a command there.
 * @param argv without the program
 */
export function commandFirst(argv: readonly string[]): string[] {
  const at = argv.findIndex((word) => !word.startsWith('-'));
  const before = argv.slice(0, Math.max(at, 0));
  // Those of the program itself: they end it.
  if (before.length === 0 || before.some((word) => ['--', '-h', '--help', '-V', '--version'].includes(word))) {
    return [...argv];
  }
  const [command = '', ...rest] = argv.slice(at);
  return [command, ...before, ...rest];
}
