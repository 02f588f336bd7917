/** What clients send, also those that nobody has invited: messages, calls, parameters, and names of instances. */
import fc from 'fast-check';
import { MessageReader, ProtocolError, parseCall } from '../../../src/varlink/codec.ts';
import { managerInterface } from '../../../src/varlink/manager-interface.ts';
import { peerUid } from '../../../src/varlink/peer.ts';
import { wrongField } from '../../../src/varlink/schema.ts';
import { parseUnits, problemOf } from '../../../src/varlink/unit-states.ts';
import { textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds, unlessRefused } from '../target.ts';

const message = textOf(
  [
    '{',
    '}',
    '"method"',
    ':',
    '"io.extupdate.Manager.Why"',
    ',',
    '"parameters"',
    '{}',
    'null',
    '[',
    ']',
    '"more"',
  ].concat(['true', '"oneway"', '"__proto__"', '"component"', '"app"', '1e999', '\ud800', ' ', '\\u0000']),
  16,
);
const parameters = fc.dictionary(
  fc.constantFrom('component', 'components', '__proto__', 'constructor', 'x'),
  fc.oneof(
    fc.constant(null),
    fc.constant(undefined),
    fc.string(),
    fc.array(fc.oneof(fc.string(), fc.integer())),
    fc.object(),
  ),
);

export const varlink: FuzzTarget = {
  name: 'varlink',
  properties: [
    holds(
      'framing',
      1000,
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 6 }), (bytes, cuts) => {
        const reader = new MessageReader(256);
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const found = places.slice(1).flatMap((end, index) => reader.push(bytes.subarray(places[index], end)));
        const text = Buffer.from(bytes).toString('latin1').split('\0').slice(0, -1);
        ensure(
          JSON.stringify(found.map((one) => Buffer.from(one).toString('latin1'))) === JSON.stringify(text),
          'cut elsewhere than at NUL',
        );
      }),
    ),
    holds(
      'calls',
      4000,
      fc.property(message, (text) => {
        const call = unlessRefused(() => parseCall(Buffer.from(text)), ProtocolError);
        ensure(!call || (typeof call.method === 'string' && typeof call.more === 'boolean'), text);
      }),
    ),
    holds(
      'parameters',
      2000,
      fc.property(
        parameters,
        fc.constantFrom(...Object.values(managerInterface.methods)),
        ({ ...given }, { input }) => {
          const wrong = wrongField(input, given);
          if (wrong !== undefined) return;
          const { component, components = [] } = given as { component?: unknown; components?: unknown };
          ensure(component == null || typeof component === 'string', 'a component that is no text');
          ensure(
            components === null || (Array.isArray(components) && components.every((one) => typeof one === 'string')),
            'no list',
          );
        },
      ),
    ),
    holds(
      'instances',
      2000,
      fc.property(textOf(['0', '1', '12', '-', '_', ':', 'unknown', '00', ' ', '\n', '.'], 9), (instance) => {
        const uid = peerUid(instance);
        ensure(uid === undefined || (Number.isSafeInteger(uid) && instance.endsWith(`-${uid}`)), instance);
      }),
    ),
    holds(
      'units',
      2000,
      fc.property(
        textOf(
          ['Id=', 'u.service', '\n', '\n\n', 'Job=', '0', '7', 'Result=', 'exit-code', 'ExecMainStatus=', '11', 'x'],
          14,
        ),
        (text) => {
          for (const unit of parseUnits(text)) {
            const { exit = 0 } = problemOf(unit) ?? {};
            ensure(unit.unit !== '' && exit >= 0, text);
          }
        },
      ),
    ),
  ],
};
