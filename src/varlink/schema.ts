/**
 * Types of a Varlink interface as values: the description that clients read, the check of what they send, and the types
 * of the code that answers all come from them.
 */

interface Plain<T> {
  readonly kind: 'string' | 'bool' | 'int';
  /** Only for the compiler. */
  readonly is?: T;
}

interface List<T extends Type> {
  readonly kind: 'list';
  readonly of: T;
}

interface Nullable<T extends Type> {
  readonly kind: 'nullable';
  readonly of: T;
}

/** A type with a name of its own and fields. */
export interface Struct<F extends Fields = Fields> {
  readonly kind: 'struct';
  readonly name: string;
  readonly doc: string;
  readonly fields: F;
}

/** A type with a name of its own whose values are words. */
export interface Choice<W extends string = string> {
  readonly kind: 'choice';
  readonly name: string;
  readonly doc: string;
  /** With what each means. */
  readonly words: Readonly<Record<W, string>>;
}

export type Type = Plain<unknown> | List<Type> | Nullable<Type> | Struct | Choice;

/** A type, and what it is there for. */
export interface Field<T extends Type = Type> {
  readonly type: T;
  readonly doc: string;
}

export type Fields = Readonly<Record<string, Field>>;

/** What a value of the type is in TypeScript. */
export type ValueOf<T extends Type> =
  T extends Plain<infer P>
    ? P
    : T extends List<infer E>
      ? readonly ValueOf<E>[]
      : T extends Nullable<infer N>
        ? ValueOf<N> | null
        : T extends Struct<infer F>
          ? ValuesOf<F>
          : T extends Choice<infer W>
            ? W
            : never;

type NullableKeys<F extends Fields> = {
  [K in keyof F]: F[K]['type'] extends { readonly kind: 'nullable' } ? K : never;
}[keyof F];

/** An object with the fields; those that may be null may be missing. */
export type ValuesOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, NullableKeys<F>>]: ValueOf<F[K]['type']>;
} & { readonly [K in NullableKeys<F>]?: ValueOf<F[K]['type']> };

/** As {@link ValuesOf}, of the fields of an error, which are plain. */
export type DetailsOf<F> = {
  readonly [K in keyof F]: F[K] extends Field<infer T>
    ? T extends Plain<infer P>
      ? P
      : T extends Nullable<Plain<infer N>>
        ? N | null
        : never
    : never;
};

export interface Method<I extends Fields = Fields, O extends Fields = Fields> {
  readonly doc: string;
  readonly input: I;
  readonly output: O;
}

export interface ErrorDescription<F extends Fields = Fields> {
  readonly doc: string;
  readonly fields: F;
}

export interface Interface {
  /** In reverse-domain form. */
  readonly name: string;
  readonly doc: string;
  readonly methods: Readonly<Record<string, Method>>;
  readonly errors: Readonly<Record<string, ErrorDescription>>;
}

export const string: Plain<string> = { kind: 'string' };
export const bool: Plain<boolean> = { kind: 'bool' };
export const int: Plain<number> = { kind: 'int' };

/** Values of one type, in order: `[]TYPE`. */
export function list<T extends Type>(of: T): List<T> {
  return { kind: 'list', of };
}

/** A value that may be null, or missing: `?TYPE`. */
export function nullable<T extends Type>(of: T): Nullable<T> {
  return { kind: 'nullable', of };
}

/** @param name what clients call the type, once in an interface @param doc a sentence about it */
export function struct<F extends Fields>(name: string, doc: string, fields: F): Struct<F> {
  return { kind: 'struct', name, doc, fields };
}

/** @param words the values, each with what it means */
export function choice<W extends string>(name: string, doc: string, words: Readonly<Record<W, string>>): Choice<W> {
  return { kind: 'choice', name, doc, words };
}

/** @param doc what the field is there for, a sentence that clients read */
export function field<T extends Type>(type: T, doc: string): Field<T> {
  return { type, doc };
}

/** @param input the parameters of a call @param output those of every reply */
export function method<I extends Fields, O extends Fields>(doc: string, input: I, output: O): Method<I, O> {
  return { doc, input, output };
}

/** An error of an interface. @param fields what a client is told with it */
export function failure<F extends Fields>(doc: string, fields: F): ErrorDescription<F> {
  return { doc, fields };
}

/**
 * Compares an object with fields.
 * @returns the name of the first field that is unknown, missing or of another type; undefined when all is well
 */
export function wrongField(fields: Fields, value: Readonly<Record<string, unknown>>): string | undefined {
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  return unknown ?? Object.keys(fields).find((name) => !isOfType(fields[name]?.type ?? string, value[name]));
}

function isOfType(type: Type, value: unknown): boolean {
  switch (type.kind) {
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return Number.isSafeInteger(value);
    case 'list':
      return Array.isArray(value) && value.every((element) => isOfType(type.of, element));
    case 'nullable':
      return value === undefined || value === null || isOfType(type.of, value);
    case 'struct':
      return (
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        wrongField(type.fields, { ...value }) === undefined
      );
    case 'choice':
      return typeof value === 'string' && Object.hasOwn(type.words, value);
  }
}
