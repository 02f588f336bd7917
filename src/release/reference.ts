/**
 * Writes what is generated out of the reference: manual pages and completions into `dist/`, and the manual for readers of
 * the source into `docs/reference/`. Run by the build.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { bashCompletion } from '../reference/completions/bash.ts';
import { fishCompletion } from '../reference/completions/fish.ts';
import { zshCompletion } from '../reference/completions/zsh.ts';
import { documentedCommands, documentJsonSchema } from '../reference/documents.ts';
import { renderMarkdown } from '../reference/manual/markdown.ts';
import { manualPages } from '../reference/manual/pages.ts';
import { renderRoff } from '../reference/manual/roff.ts';

/** Every generated file, by its path in the repository. */
export function referenceFiles(version: string): ReadonlyMap<string, string> {
  return new Map([
    ...manualPages.map((page) => [`dist/man/${page.name}.${page.section}`, renderRoff(page, version, '')] as const),
    ...manualPages.map((page) => [`docs/reference/${page.name}.${page.section}.md`, renderMarkdown(page)] as const),
    ...documentedCommands.map(
      (command) =>
        [
          `docs/reference/schemas/${command}.schema.json`,
          `${JSON.stringify(documentJsonSchema(command), undefined, 2)}\n`,
        ] as const,
    ),
    ['dist/completions/extupdate.bash', bashCompletion()],
    ['dist/completions/_extupdate', zshCompletion()],
    ['dist/completions/extupdate.fish', fishCompletion()],
  ]);
}

for (const [path, text] of referenceFiles(manifest.version)) {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
}
