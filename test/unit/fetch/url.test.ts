import { describe, expect, it } from 'vitest';
import { NetworkError, PolicyError } from '../../../src/errors.ts';
import { displayUrl, redirectTarget, sameOrigin, urlOf, withoutCredentials } from '../../../src/fetch/url.ts';

describe('displayUrl (H67)', () => {
  it.each([
    ['https://user:secret@example.com/a?token=x', 'https://example.com/a'],
    ['http://example.com:8080/', 'http://example.com:8080/'],
  ])('%s: %s', (url, shown) => {
    expect(displayUrl(url)).toBe(shown);
  });
});

describe('withoutCredentials (H67)', () => {
  it.each([
    ['https://user:secret@example.com/a?token=x', 'https://example.com/a?token=x'],
    ['https://user:s@cret@example.com', 'https://example.com'],
    ['http://example.com/a@b', 'http://example.com/a@b'],
    ['http://example.com\\@b/', 'http://example.com\\@b/'],
    ['file:///srv/a@b', 'file:///srv/a@b'],
  ])('%s: %s', (url, plain) => {
    expect(withoutCredentials(url)).toBe(plain);
  });
});

describe('urlOf (M7)', () => {
  it.each([
    ['https://e.com/a/', 'x_1.raw', 'https://e.com/a/x_1.raw'],
    ['https://e.com/a', 'k3s-v1+k3s1.raw', 'https://e.com/a/k3s-v1%2Bk3s1.raw'],
    ['https://e.com/a', '%2e%2e%2fx', 'https://e.com/a/%252e%252e%252fx'],
    ['https://e.com/a', 'dir/x y', 'https://e.com/a/dir/x%20y'],
    ['https://e.com/a', 'x#y?z', 'https://e.com/a/x%23y%3Fz'],
  ])('%s and %s', (base, name, url) => {
    expect(urlOf(base, name)).toBe(url);
  });
});

describe('redirectTarget', () => {
  it.each([
    ['https://a.com/x', 'https://b.com/y', 'https://b.com/y'],
    ['https://a.com/x/y', '../z', 'https://a.com/z'],
    ['http://a.com/x', 'https://a.com/x', 'https://a.com/x'],
    ['http://a.com/x', 'http://b.com/x', 'http://b.com/x'],
  ])('%s to %s', (from, location, target) => {
    expect(redirectTarget(from, location, false)).toBe(target);
  });

  it('refuses https to http (H62), unless allowed', () => {
    expect(() => redirectTarget('https://a.com/x', 'http://a.com/x', false)).toThrow(PolicyError);
    expect(redirectTarget('https://a.com/x', 'http://a.com/x', true)).toBe('http://a.com/x');
  });

  it.each(['file:///etc/shadow', 'ftp://a.com/x', 'data:text/plain,x'])('refuses %s (H63)', (location) => {
    expect(() => redirectTarget('https://a.com/x', location, true)).toThrow(PolicyError);
  });

  it('refuses what is no URL', () => {
    expect(() => redirectTarget('https://a.com/x', 'https://[', true)).toThrow(NetworkError);
  });
});

describe('sameOrigin', () => {
  it.each([
    ['https://a.com/x', 'https://a.com/y', true],
    ['https://a.com/x', 'https://a.com:8443/x', false],
    ['https://a.com/x', 'http://a.com/x', false],
    ['https://a.com/x', 'https://b.com/x', false],
  ])('%s, %s: %s', (a, b, same) => {
    expect(sameOrigin(a, b)).toBe(same);
  });
});
