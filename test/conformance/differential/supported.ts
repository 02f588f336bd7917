/**
 * The dimensions that scenarios vary in. One that extupdate cannot do yet is switched off here, and nowhere else.
 */
export const supported = {
  'source url-file': true,
  'source regular-file': true,
  'source url-tar': true,
  'source tar': true,
  'source directory': true,
  'several transfers': true,
  'two patterns': true,
  subdirectories: true,
  'any directory': true,
  'target subdirectories': true,
  'mode in the name': true,
  'time in the name': true,
  'hash in the name': true,
  'tries in the name': true,
  compression: true,
  'incomplete releases': true,
  'damaged installations': true,
  'foreign files': true,
  'features that are switched': true,
  'definitions that change': true,
  'current symlink': true,
  'republished versions': true,
  'turning back': false,
  'versions that are equal': true,
} as const satisfies Readonly<Record<string, boolean>>;

export type Dimension = keyof typeof supported;
