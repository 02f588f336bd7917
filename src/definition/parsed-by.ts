import * as z from 'zod/mini';

/** A schema out of a parser that returns undefined for what it does not understand. */
export function parsedBy<T>(parse: (text: string) => T | undefined) {
  return z.pipe(
    z.string().check(z.refine((text) => parse(text) !== undefined)),
    z.transform((text: string) => parse(text) as T),
  );
}
