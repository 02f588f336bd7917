/** The description of an interface as clients read it (https://varlink.org/Interface-Definition). */
import type { Choice, Fields, Interface, Struct, Type } from './schema.ts';

type Named = Struct | Choice;

/** Columns of a comment. */
const WIDTH = 100;

/** Writes an interface in the Varlink interface definition language. */
export function renderInterface({ name, doc, methods, errors }: Interface): string {
  const signatures = [
    ...Object.values(methods).flatMap(({ input, output }) => [input, output]),
    ...Object.values(errors).map(({ fields }) => fields),
  ];
  const named = new Map<string, Named>();
  for (const type of signatures.flatMap(typesOf)) collectNamed(type, named);
  const parts = [
    `${comment(doc)}interface ${name}\n`,
    ...[...named.values()].map(renderNamed),
    ...Object.entries(methods).map(
      ([method, { doc: about, input, output }]) =>
        `${comment(about)}method ${method}${renderFields(input)} -> ${renderFields(output)}\n`,
    ),
    ...Object.entries(errors).map(
      ([error, { doc: about, fields }]) => `${comment(about)}error ${error}${renderFields(fields)}\n`,
    ),
  ];
  return parts.join('\n');
}

function typesOf(fields: Fields): Type[] {
  return Object.values(fields).map(({ type }) => type);
}

/** Those that a type is made of come before it. */
function collectNamed(type: Type, named: Map<string, Named>): void {
  switch (type.kind) {
    case 'list':
    case 'nullable':
      collectNamed(type.of, named);
      break;
    case 'struct':
      for (const one of typesOf(type.fields)) collectNamed(one, named);
      named.set(type.name, type);
      break;
    case 'choice':
      named.set(type.name, type);
      break;
    default:
      break;
  }
}

function renderNamed(type: Named): string {
  const body =
    type.kind === 'struct'
      ? renderFields(type.fields)
      : renderLines(Object.entries(type.words).map(([word, doc]) => ({ doc, line: word })));
  return `${comment(type.doc)}type ${type.name}${body}\n`;
}

function renderFields(fields: Fields): string {
  return renderLines(
    Object.entries(fields).map(([name, { type, doc }]) => ({ doc, line: `${name}: ${renderType(type)}` })),
  );
}

function renderLines(lines: readonly { readonly doc: string; readonly line: string }[]): string {
  if (lines.length === 0) return '()';
  return `(\n${lines.map(({ doc, line }) => `${comment(doc, '  ')}  ${line}`).join(',\n')}\n)`;
}

function renderType(type: Type): string {
  switch (type.kind) {
    case 'list':
      return `[]${renderType(type.of)}`;
    case 'nullable':
      return `?${renderType(type.of)}`;
    case 'struct':
    case 'choice':
      return type.name;
    default:
      return type.kind;
  }
}

function comment(text: string, indent = ''): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(`${indent}# ${word}`);
  }
  return `${lines.join('\n')}\n`;
}
