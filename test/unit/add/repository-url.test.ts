import { describe, expect, it } from 'vitest';
import { lastDirectory, parentUrl, repositoryUrl } from '../../../src/add/repository-url.ts';
import { reportOf } from '../../../src/errors.ts';

describe('the URL of a repository', () => {
  it.each([
    ['https://example.org/ext/app', 'https://example.org/ext/app'],
    ['  https://example.org/ext/app/ ', 'https://example.org/ext/app'],
    ['https://example.org', 'https://example.org'],
    ['https://example.org:8443/', 'https://example.org:8443'],
    ['https://example.org//ext///app//', 'https://example.org/ext/app'],
    ['https://example.org/ext/SHA256SUMS', 'https://example.org/ext'],
    ['https://example.org/ext/SHA256SUMS.sha256.asc', 'https://example.org/ext'],
    ['https://example.org/ext/app-1.2-x86-64.raw', 'https://example.org/ext'],
    ['https://example.org/ext/app_1.raw.zst', 'https://example.org/ext'],
    ['https://example.org/ext/app.conf', 'https://example.org/ext'],
    ['https://example.org/ext/app.transfer', 'https://example.org/ext'],
    ['https://example.org/ext/index.html', 'https://example.org/ext'],
    ['https://example.org/ext/#install', 'https://example.org/ext'],
    ['https://example.org/home:/user:/sysext/mkosi/', 'https://example.org/home:/user:/sysext/mkosi'],
    ['HTTPS://Example.org/Ext', 'https://example.org/Ext'],
    ['https://example.org/a b/', 'https://example.org/a%20b'],
    ['file:///srv/ext/', 'file:///srv/ext'],
    ['file:///srv/a%20b/', 'file:///srv/a%20b'],
  ])('%s', (given, url) => {
    expect(repositoryUrl(given)).toBe(url);
  });

  it.each([
    ['example.org/ext', 'did you mean https://example.org/ext?'],
    ['localhost', 'https://HOST/PATH/'],
    ['/srv/ext', 'a directory of this machine is file:///srv/ext'],
    ['ftp://example.org/ext', 'https://HOST/PATH/'],
    ['https://', 'https://HOST/PATH/'],
    ['https://user:secret@example.org/', 'leave it out here, and name it with Credential= in extupdate.conf'],
    ['https://example.org/?list', 'names of files are appended to the URL'],
    ['', 'https://HOST/PATH/'],
    ['file:///srv/re%ZZ', 'expected file:///DIRECTORY, with %25 for a "%" in its name'],
    ['file:///srv/ext%2f', 'expected file:///DIRECTORY, with %25 for a "%" in its name'],
    ['file:///srv/%ff', 'expected file:///DIRECTORY, with %25 for a "%" in its name'],
    ['file:///', 'expected file:///DIRECTORY, with %25 for a "%" in its name'],
    ['file:///%00', 'expected file:///DIRECTORY, with %25 for a "%" in its name'],
  ])('%s is none', (given, next) => {
    let thrown: unknown;
    try {
      repositoryUrl(given);
    } catch (error) {
      thrown = error;
    }
    expect(reportOf(thrown)).toMatchObject({ exit: 2, next });
    expect(reportOf(thrown).message).not.toContain('secret');
  });

  it.each([
    ['https://example.org/ext/app', 'app', 'https://example.org/ext'],
    ['https://example.org/ext/a%20b/', 'a b', 'https://example.org/ext'],
    ['https://example.org/ext', 'ext', 'https://example.org'],
    ['https://example.org', '', undefined],
    ['https://example.org/%', '%', 'https://example.org'],
  ])('%s: its last directory, and the one above', (url, last, parent) => {
    expect([lastDirectory(url), parentUrl(url)]).toEqual([last, parent]);
  });
});
