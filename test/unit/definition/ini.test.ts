import { describe, expect, it } from 'vitest';
import { parseIni } from '../../../src/definition/ini.ts';

const values = (text: string) =>
  parseIni(text, 'f').assignments.map(({ section, key, value, line }) => `${line} ${section}.${key}=${value}`);

describe('parseIni', () => {
  it.each([
    ['plain', '[A]\nK=v', ['2 A.K=v']],
    ['blanks around', '[A]\n  K =  v  ', ['2 A.K=v']],
    ['comments', '# c\n; c\n[A]\n  # c\nK=v # no comment', ['5 A.K=v # no comment']],
    ['repeats', '[A]\nK=1\nK=\nK=2', ['2 A.K=1', '3 A.K=', '4 A.K=2']],
    ['sections', '[A]\nK=1\n[B]\nK=2\n[A]\nL=3', ['2 A.K=1', '4 B.K=2', '6 A.L=3']],
    ['continuation', '[A]\nK=a\\\n  b\\\n  c\nL=d', ['2 A.K=a   b   c', '5 A.L=d']],
    ['a comment inside a continuation', '[A]\nK=a\\\n# c\nb', ['2 A.K=a b']],
    ['an even number of backslashes', '[A]\nK=a\\\\\nL=b', ['2 A.K=a\\\\', '3 A.L=b']],
    ['CRLF', '[A]\r\nK=v\r\n', ['2 A.K=v']],
    ['a byte order mark', '\ufeff[A]\nK=v', ['2 A.K=v']],
    ['an equals sign in the value', '[A]\nK=a=b', ['2 A.K=a=b']],
    ['a continuation at the end of the file', '[A]\nK=v\\', ['2 A.K=v']],
  ])('%s', (_, text, expected) => {
    expect(parseIni(text, 'f').problems).toEqual([]);
    expect(values(text)).toEqual(expected);
  });

  it.each([
    ['[A\nK=v', 1, 'not a section header'],
    ['[A]\nnonsense', 2, 'not an assignment'],
    ['[A]\n=v', 2, 'not an assignment'],
    ['K=v', 1, 'outside of a section'],
    ['[A]\nK=a\0b', 2, 'NUL'],
  ])('%j has a problem in line %i', (text, line, message) => {
    const { problems } = parseIni(text, 'f');
    expect(problems[0]).toMatchObject({ file: 'f', line, severity: 'error' });
    expect(problems[0]?.message).toContain(message);
  });
});
