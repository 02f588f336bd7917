/** Which pager is started, and which is not with the rights of somebody else. */
import { describe, expect, it } from 'vitest';
import { pagersOf } from '../../../src/cli/pager.ts';

const USUAL = [['less'], ['more']];
const LESS = [['less']];

describe('pagersOf', () => {
  it.each<[Record<string, string>, string[][]]>([
    [{}, USUAL],
    [{ PAGER: 'most -s' }, [['most', '-s']]],
    [{ PAGER: 'most', SYSTEMD_PAGER: 'less' }, LESS],
    [{ PAGER: 'most', SYSTEMD_PAGER: '' }, []],
    [{ PAGER: 'cat' }, []],
  ])('with its own rights, and %j: %j', (environment, programs) => {
    expect(pagersOf({ environment, uid: 0, loginUid: 0 })).toEqual({ programs, secure: false });
  });

  const asked = { PAGER: 'most' };
  it.each<[string, Record<string, string>, string[][], boolean]>([
    ['sudo', { SUDO_UID: '1000' }, LESS, true],
    ['sudo, and another is asked for', { SUDO_UID: '1000', ...asked }, LESS, true],
    ['sudo, and none is asked for', { SUDO_UID: '1000', PAGER: '' }, [], true],
    ['pkexec', { PKEXEC_UID: '1000', ...asked }, LESS, true],
    ['a word that is no boolean', { SYSTEMD_PAGERSECURE: 'perhaps', ...asked }, LESS, true],
    ['one that is vouched for', { SUDO_UID: '1000', SYSTEMD_PAGERSECURE: '1', ...asked }, [['most']], true],
    ['a wish for security', { SYSTEMD_PAGERSECURE: 'true' }, LESS, true],
    ['a wish for none', { SUDO_UID: '1000', SYSTEMD_PAGERSECURE: 'no', ...asked }, [['most']], false],
  ])('with %s', (_, environment, programs, secure) => {
    expect(pagersOf({ environment, uid: 0, loginUid: undefined })).toEqual({ programs, secure });
  });

  it.each<[string, number | undefined, boolean]>([
    ['another user', 1000, true],
    ['the same user', 0, false],
    ['nobody', 4_294_967_295, false],
    ['who is not known', undefined, false],
  ])('logged in as %s', (_, loginUid, secure) => {
    expect(pagersOf({ environment: asked, uid: 0, loginUid })).toEqual({
      programs: secure ? LESS : [['most']],
      secure,
    });
  });
});
