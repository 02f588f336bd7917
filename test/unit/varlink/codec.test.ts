import { describe, expect, it } from 'vitest';
import { CALL_SIZE_MAX, encodeMessage, MessageReader, ProtocolError, parseCall } from '../../../src/varlink/codec.ts';

const read = (chunks: readonly Uint8Array[], reader = new MessageReader()) =>
  chunks.flatMap((chunk) => reader.push(chunk)).map((message) => Buffer.from(message).toString());

describe('MessageReader', () => {
  const stream = Buffer.from('{"a":"ü"}\0{}\0\0{"b":1}\0rest');
  const messages = ['{"a":"ü"}', '{}', '', '{"b":1}'];

  it('cuts at NUL bytes, wherever the pieces are cut', () => {
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const pieces = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
        expect(read(pieces)).toEqual(messages);
      }
    }
    expect(read([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(messages);
  });

  it('takes a message of the largest size, and no byte more, before its end has come', () => {
    const reader = new MessageReader(10);
    expect(read([Buffer.from('0123456789\0abcdefghij\0')], reader)).toEqual(['0123456789', 'abcdefghij']);
    reader.push(Buffer.from('0123456789'));
    expect(() => reader.push(Buffer.from('x'))).toThrow(ProtocolError);
    expect(() => new MessageReader().push(Buffer.alloc(CALL_SIZE_MAX + 1, 'x'))).toThrow('65536 bytes');
  });
});

describe('parseCall', () => {
  const parse = (text: string | Uint8Array) => parseCall(typeof text === 'string' ? Buffer.from(text) : text);

  it('gives what is left out its value', () => {
    expect(parse('{"method":"a.b.C"}')).toEqual({
      method: 'a.b.C',
      parameters: {},
      more: false,
      oneway: false,
      upgrade: false,
    });
    expect(parse('{"method":"C","parameters":{"x":1},"more":true,"oneway":true,"upgrade":true}')).toEqual({
      method: 'C',
      parameters: { x: 1 },
      more: true,
      oneway: true,
      upgrade: true,
    });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"method":'],
    ['two documents', '{"method":"a.B"}{}'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['a list', '["a.B"]'],
    ['null', 'null'],
    ['no method', '{"parameters":{}}'],
    ['a method that is no text', '{"method":1}'],
    ['parameters that are a list', '{"method":"a.B","parameters":[]}'],
    ['parameters that are null', '{"method":"a.B","parameters":null}'],
    ['a flag that is no boolean', '{"method":"a.B","more":1}'],
    ['a flag that is null', '{"method":"a.B","oneway":null}'],
    ['a member that no call has', '{"method":"a.B","continues":true}'],
    ['a member of all objects', '{"method":"a.B","__proto__":{"more":true}}'],
  ])('is given up on: %s', (_, text) => {
    expect(() => parse(text)).toThrow(ProtocolError);
  });
});

it('what is sent has one NUL byte, at its end, and nothing that moves a cursor', () => {
  const text = encodeMessage({ parameters: { text: 'a\0b\u001b[2J\u202e' } });
  expect(text.indexOf('\0')).toBe(text.length - 1);
  expect(text).toBe('{"parameters":{"text":"a\\u0000b\\u001b[2J\\u202e"}}\0');
});
