/** Texts in a comment come out as they went in. */
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { carry, partNames, textOfPart } from '../../src/carried-parts.ts';

/** What a program that has the function in it finds there. */
function carriedBy(source: string): string {
  return new Script(`${source}\nf.toString()`).runInNewContext() as string;
}

describe('carry', () => {
  it.each([
    ['what would end the comment', 'const any = /\\s*/y; "**/x"; `*/`; /* */'],
    ['what looks like an escape already', '/\\/\\*[^*]*\\*\\//.test("*\\/")'],
    ['what begins comments', '// a\n/* b /* c\n<!-- d'],
    ['ends with a star', 'a *'],
    ['begins with a slash', '/x/g'],
    ['control characters and line ends', '\0\u001f\r\n\t`\r`'],
    ['nothing', ''],
  ])('%s', (_, text) => {
    const texts = new Map([
      ['star', 'before *'],
      ['one', text],
      ['slash', '/ after'],
    ]);
    const found = carriedBy(carry('f', texts));
    expect(partNames(found)).toEqual(['star', 'one', 'slash']);
    for (const [name, content] of texts) expect(textOfPart(found, name)).toBe(content);
  });

  it('refuses what would come out as something else', () => {
    expect(() => carry('f', new Map([['one', 'a*%/b']]))).toThrow('one: has "*%/" in it');
  });

  it('refuses what is not ASCII', () => {
    expect(() => carry('f', new Map([['one', '/[%‰]/']]))).toThrow('one: "‰" is not ASCII');
  });

  it('says which part there is not', () => {
    expect(() => textOfPart(carry('f', new Map()), 'two')).toThrow('there is no part "two"');
  });
});
