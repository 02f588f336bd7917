/** Lines of text that arrives in pieces. Pure. */

/**
 * Splits text into lines, without their newlines. What is longer than `max` characters is cut off there, so that no
 * input makes this hold more.
 * @returns a function that takes the next piece and gives the lines that it completes
 */
export function lineSplitter(max: number): (piece: string) => string[] {
  let open = '';
  return (piece) => {
    const parts = piece.split('\n');
    const last = parts.pop() ?? '';
    const lines = parts.map((part, index) => (index === 0 ? open + part : part).slice(0, max));
    open = ((parts.length === 0 ? open : '') + last).slice(0, max);
    return lines;
  };
}
