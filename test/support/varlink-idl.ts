/**
 * A reader of the Varlink interface definition language that shares nothing with the program's: what a client makes of a
 * description, to compare replies with.
 */

type IdlType =
  | { readonly kind: 'string' | 'bool' | 'int' | 'float' | 'object' }
  | { readonly kind: 'list' | 'maybe' | 'map'; readonly of: IdlType }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, IdlType> }
  | { readonly kind: 'words'; readonly words: readonly string[] };

export interface Idl {
  readonly name: string;
  readonly types: ReadonlyMap<string, IdlType>;
  readonly methods: ReadonlyMap<string, { readonly input: IdlType; readonly output: IdlType }>;
  readonly errors: ReadonlyMap<string, IdlType>;
}

/** @throws Error for whatever the grammar does not have */
export function parseIdl(text: string): Idl {
  const tokens = text.replace(/#[^\n]*/g, '').match(/->|\[\]|\[string\]|[A-Za-z][A-Za-z0-9_.-]*|[():,?]|\S/g) ?? [];
  let at = 0;
  const peek = () => tokens[at] ?? '';
  const take = (wanted?: string | RegExp): string => {
    const token = tokens[at++] ?? '';
    const fits = wanted === undefined || (typeof wanted === 'string' ? token === wanted : wanted.test(token));
    if (!fits) throw new Error(`expected ${wanted}, got "${token}" (token ${at})`);
    return token;
  };
  const body = (): IdlType => {
    take('(');
    const fields = new Map<string, IdlType>();
    const words: string[] = [];
    while (peek() !== ')') {
      const name = take(/^[A-Za-z](_?[A-Za-z0-9])*$/);
      if (fields.has(name) || words.includes(name)) throw new Error(`${name} twice`);
      if (peek() === ':') {
        take();
        fields.set(name, type());
      } else words.push(name);
      if (peek() !== ')') take(',');
    }
    take(')');
    if (fields.size > 0 && words.length > 0) throw new Error('fields and words');
    return words.length > 0 ? { kind: 'words', words } : { kind: 'struct', fields };
  };
  const type = (): IdlType => {
    const token = peek();
    if (token === '(') return body();
    take();
    if (token === '?') return { kind: 'maybe', of: type() };
    if (token === '[]') return { kind: 'list', of: type() };
    if (token === '[string]') return { kind: 'map', of: type() };
    if (['string', 'bool', 'int', 'float', 'object'].includes(token)) return { kind: token as 'string' };
    if (!/^[A-Z][A-Za-z0-9]*$/.test(token)) throw new Error(`"${token}" is no type`);
    return { kind: 'name', name: token };
  };

  const types = new Map<string, IdlType>();
  const methods = new Map<string, { input: IdlType; output: IdlType }>();
  const errors = new Map<string, IdlType>();
  take('interface');
  const name = take(/^[A-Za-z](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)+$/);
  while (at < tokens.length) {
    const keyword = take(/^(type|method|error)$/);
    const member = take(/^[A-Z][A-Za-z0-9]*$/);
    if (types.has(member) || methods.has(member) || errors.has(member)) throw new Error(`${member} twice`);
    if (keyword === 'type') types.set(member, body());
    else if (keyword === 'error') errors.set(member, body());
    else {
      const input = body();
      take('->');
      methods.set(member, { input, output: body() });
    }
  }
  return { name, types, methods, errors };
}

/** What of a value is not as its type has it, each with the path to it; fields that are too many count. */
export function differences(idl: Idl, type: IdlType, value: unknown, path = ''): string[] {
  switch (type.kind) {
    case 'name': {
      const named = idl.types.get(type.name);
      return named ? differences(idl, named, value, path) : [`${path}: no type ${type.name}`];
    }
    case 'maybe':
      return value === null || value === undefined ? [] : differences(idl, type.of, value, path);
    case 'list':
      if (!Array.isArray(value)) return [`${path}: no list`];
      return value.flatMap((one, index) => differences(idl, type.of, one, `${path}[${index}]`));
    case 'map':
      return Object.entries(value as object).flatMap(([key, one]) => differences(idl, type.of, one, `${path}.${key}`));
    case 'words':
      return type.words.includes(value as string) ? [] : [`${path}: "${value}" is none of ${type.words.join(', ')}`];
    case 'struct': {
      if (typeof value !== 'object' || value === null) return [`${path}: no object`];
      const fields = value as Record<string, unknown>;
      const extra = Object.keys(fields).filter((key) => !type.fields.has(key));
      return [
        ...extra.map((key) => `${path}.${key}: not in the description`),
        ...[...type.fields].flatMap(([key, of]) => differences(idl, of, fields[key], `${path}.${key}`)),
      ];
    }
    case 'int':
      return Number.isInteger(value) ? [] : [`${path}: ${value} is no int`];
    default: {
      const wanted = { string: 'string', bool: 'boolean', float: 'number', object: 'object' }[type.kind];
      return typeof value === wanted ? [] : [`${path}: ${value} is no ${type.kind}`];
    }
  }
}
