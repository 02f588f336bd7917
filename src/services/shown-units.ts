/** Reads what `systemctl show` prints: properties in any order, an empty line between units; a unit has a name. */
export function parseShownUnits(text: string): ReadonlyMap<string, string>[] {
  return text
    .split(/\n{2,}/)
    .map((block) => new Map(block.split('\n').map(splitLine)))
    .filter((properties) => properties.get('Id'));
}

function splitLine(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, Math.max(at, 0)), line.slice(at + 1)];
}
