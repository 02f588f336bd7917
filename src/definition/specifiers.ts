/**
 * Specifiers of sysupdate.d(5): `%a`, `%w` and their like, expanded in `MinVersion=`, `ProtectVersion=`, `Path=`,
 * `MatchPattern=` and `CurrentSymlink=`.
 */

/** Values by specifier letter; an unset os-release field is the empty string, as systemd has it. */
export type SpecifierValues = Readonly<Record<string, string>>;

/** Every specifier that definitions may use, for documentation and tests. `%%` is a literal percent sign. */
export const specifiers = {
  a: 'architecture, in systemd names (x86-64, arm64)',
  A: 'IMAGE_VERSION= of os-release',
  b: 'boot id',
  B: 'BUILD_ID= of os-release',
  H: 'host name',
  l: 'host name up to the first dot',
  m: 'machine id',
  M: 'IMAGE_ID= of os-release',
  o: 'ID= of os-release',
  q: 'pretty host name',
  T: 'directory for temporary files',
  v: 'kernel release',
  V: 'directory for larger temporary files',
  w: 'VERSION_ID= of os-release',
  W: 'VARIANT_ID= of os-release',
} as const;

/** Expands specifiers; an unknown one, or a `%` at the end, is kept as it stands, as systemd does. */
export function expandSpecifiers(text: string, values: SpecifierValues): string {
  return text.replace(/%(.)/gs, (whole, letter: string) => (letter === '%' ? '%' : (values[letter] ?? whole)));
}
