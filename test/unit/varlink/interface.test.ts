import { describe, expect, it } from 'vitest';
import { renderInterface } from '../../../src/varlink/idl.ts';
import { managerInterface } from '../../../src/varlink/manager-interface.ts';
import {
  bool,
  choice,
  field,
  int,
  list,
  method,
  nullable,
  string,
  struct,
  wrongField,
} from '../../../src/varlink/schema.ts';
import { serviceInterface } from '../../../src/varlink/service-interface.ts';
import { differences, parseIdl } from '../../support/varlink-idl.ts';

describe('renderInterface', () => {
  const Colour = choice('Colour', 'What it looks like.', { red: 'As blood.', blue: 'As the sky.' });
  const Thing = struct('Thing', 'One of them.', {
    name: field(string, 'Its name.'),
    colours: field(list(Colour), 'What it is painted with.'),
  });

  it('writes types before they are used, and a comment above everything', () => {
    const text = renderInterface({
      name: 'org.example.Things',
      doc: 'About things.',
      methods: {
        Find: method('Finds one.', { size: field(nullable(int), 'In metres.') }, { thing: field(Thing, 'It.') }),
        Forget: method('Forgets all.', {}, {}),
      },
      errors: { Lost: { doc: 'It is gone.', fields: { forEver: field(bool, 'Whether for ever.') } } },
    });
    expect(text).toBe(`# About things.
interface org.example.Things

# What it looks like.
type Colour(
  # As blood.
  red,
  # As the sky.
  blue
)

# One of them.
type Thing(
  # Its name.
  name: string,
  # What it is painted with.
  colours: []Colour
)

# Finds one.
method Find(
  # In metres.
  size: ?int
) -> (
  # It.
  thing: Thing
)

# Forgets all.
method Forget() -> ()

# It is gone.
error Lost(
  # Whether for ever.
  forEver: bool
)
`);
  });

  it.each([serviceInterface, managerInterface])('$name can be read, and has every member', (description) => {
    const text = renderInterface(description);
    const idl = parseIdl(text);
    expect(idl.name).toBe(description.name);
    expect([...idl.methods.keys()]).toEqual(Object.keys(description.methods));
    expect([...idl.errors.keys()]).toEqual(Object.keys(description.errors));
    expect(text.split('\n').filter((line) => line.length > 101)).toEqual([]);
    // Every line that declares something has a comment above it.
    const lines = text.split('\n');
    for (const [index, line] of lines.entries()) {
      if (/^(interface|type|method|error| {2}[a-z])/.test(line)) expect(lines[index - 1], line).toMatch(/^ *# /);
    }
  });
});

describe('wrongField', () => {
  const fields = {
    name: field(string, ''),
    count: field(nullable(int), ''),
    kinds: field(nullable(list(choice('Kind', '', { a: '', b: '' }))), ''),
    inner: field(nullable(struct('Inner', '', { flag: field(bool, '') })), ''),
  };

  it.each([
    [{ name: 'x' }, undefined],
    [{ name: 'x', count: 1, kinds: ['a', 'b'], inner: { flag: true } }, undefined],
    [{ name: 'x', count: null, kinds: [], inner: null }, undefined],
    [{}, 'name'],
    [{ name: null }, 'name'],
    [{ name: 'x', other: 1 }, 'other'],
    [{ name: 'x', constructor: 1 }, 'constructor'],
    [JSON.parse('{"name":"x","__proto__":1}'), '__proto__'],
    [{ name: 'x', count: 1.5 }, 'count'],
    [{ name: 'x', count: 2 ** 60 }, 'count'],
    [{ name: 'x', count: '1' }, 'count'],
    [{ name: 'x', kinds: ['c'] }, 'kinds'],
    [{ name: 'x', kinds: ['toString'] }, 'kinds'],
    [{ name: 'x', kinds: 'a' }, 'kinds'],
    [{ name: 'x', kinds: [null] }, 'kinds'],
    [{ name: 'x', inner: { flag: 1 } }, 'inner'],
    [{ name: 'x', inner: { flag: true, more: 1 } }, 'inner'],
    [{ name: 'x', inner: [] }, 'inner'],
  ])('%j: %s', (value, wrong) => {
    expect(wrongField(fields, value as Record<string, unknown>)).toBe(wrong);
  });

  it('agrees with what a client makes of the description', () => {
    const text = renderInterface({
      name: 'org.example.X',
      doc: 'X.',
      methods: { M: method('M.', fields, {}) },
      errors: {},
    });
    const idl = parseIdl(text);
    const input = idl.methods.get('M')?.input;
    expect(input && differences(idl, input, { name: 'x', count: 1, kinds: ['a'], inner: { flag: true } })).toEqual([]);
    expect(input && differences(idl, input, { kinds: ['c'], inner: { flag: 1 }, z: 1 })).toHaveLength(4);
  });
});
