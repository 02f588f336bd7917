/** What systemd and the kernel print: services name their own paths and options in it. */
import fc from 'fast-check';
import { extensionMounts, isSameMounts } from '../../../src/services/extension-mounts.ts';
import { parseServiceUnits } from '../../../src/services/service-units.ts';
import { mentionsExtensions, unitPattern } from '../../../src/services/unit-files.ts';
import { textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds } from '../target.ts';

const mountinfo = textOf(
  [
    '36 35 ',
    '98:0 ',
    '/mnt1 ',
    '/etc ',
    'rw ',
    ' - ',
    'overlay ',
    'systemd-extensions ',
    'lowerdir=/run/systemd/unit-extensions/1/etc',
    '\n',
    ' ',
  ],
  14,
);
const units = textOf(
  [
    'Id=',
    'web.service',
    '\n',
    '\n\n',
    'MainPID=',
    '12',
    '-1',
    'x',
    'ActiveState=active',
    'CanReload=yes',
    'ExtensionImages=',
    'ExtensionDirectories=',
    '-/a:b',
    ' /c.raw:root:ro',
    '"/d e',
    '"',
    '\\',
    '+/f',
  ],
  14,
);

export const systemOutput: FuzzTarget = {
  name: 'system-output',
  properties: [
    holds(
      'mounts',
      3000,
      fc.property(mountinfo, (text) => {
        const mounts = extensionMounts(text);
        ensure(isSameMounts(mounts, mounts.toReversed()), 'the order matters');
      }),
    ),
    holds(
      'services',
      4000,
      fc.property(units, (text) => {
        for (const { name, extensions } of parseServiceUnits(text)) {
          ensure(name !== '' && extensions.every(({ paths }) => paths.every((path) => path.startsWith('/'))), text);
        }
        mentionsExtensions(text);
      }),
    ),
    holds(
      'names of unit files',
      2000,
      fc.property(textOf(['web', '@', '-', '.service', '.d', '\\x2d', '*', '[', '/'], 6), (file) => {
        const pattern = unitPattern(file);
        ensure(pattern === undefined || pattern.endsWith('.service'), `${pattern}`);
      }),
    ),
  ],
};
