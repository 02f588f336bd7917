import { describe, expect, it } from 'vitest';
import { mentionsExtensions, unitPattern } from '../../../src/services/unit-files.ts';

describe('unitPattern', () => {
  it.each([
    ['web.service', 'web.service'],
    ['web@.service', 'web@*.service'],
    ['web@1.service', 'web@1.service'],
    ['web.service.d', 'web.service'],
    ['web@.service.d', 'web@*.service'],
    ['web-.service.d', 'web-*.service'],
    ['web-.service', 'web-.service'],
    ['service.d', '*.service'],
    ['a\\x2db.service', 'a\\x2db.service'],
    ['a\\x2db@.service', 'a\\\\x2db@*.service'],
    ['web.socket', undefined],
    ['web.socket.d', undefined],
    ['service', undefined],
    ['multi-user.target.wants', undefined],
  ])('%s: %s', (file, pattern) => {
    expect(unitPattern(file)).toBe(pattern);
  });
});

describe('mentionsExtensions', () => {
  it.each([
    ['[Service]\nExtensionImages=/x.raw\n', true],
    ['[Service]\n  ExtensionDirectories = /x\n', true],
    ['[Service]\n# ExtensionImages=/x.raw\n', false],
    ['[Service]\nExtensionImagePolicy=root=signed\n', false],
    ['', false],
  ])('%j: %s', (content, mentions) => {
    expect(mentionsExtensions(content)).toBe(mentions);
  });
});
