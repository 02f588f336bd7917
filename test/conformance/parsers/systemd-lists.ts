/** What systemd-sysupdate 262 makes of many definitions and lists: one component each, a process each, one container. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { prepareTree } from '../../support/systemd-host.ts';
import { runInTree, SYSUPDATE, type TreeResult } from '../../support/systemd-tree.ts';
import { definition } from '../../support/world.ts';

/** One list of versions to ask for. */
export interface Question {
  readonly sourceType: 'url-file' | 'regular-file';
  readonly pattern: string;
  /** What is in the source directory, by name. */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
}

/** What was answered: versions, newest first, or why there are none. */
export type SystemdAnswer =
  | { readonly versions: readonly string[]; readonly said: string }
  | { readonly versions: undefined; readonly said: string };

const ASK = `#!/bin/sh
${SYSUPDATE} --component="$1" --json=short list >"/mnt/out/$1.json" 2>"/mnt/out/$1.log" </dev/null
echo $? >"/mnt/out/$1.status"
`;

/** Asks all questions, in this order. */
export function askSystemd(questions: readonly Question[]): Promise<SystemdAnswer[]> {
  return inScratchRoot(async (root, run) => {
    const write = (path: string, content: Uint8Array | string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    };
    write('srv/ask', ASK);
    mkdirSync(join(root, 'out'));
    for (const [number, { sourceType, pattern, files }] of questions.entries()) {
      const source = `/srv/source/${number}`;
      const target = { Type: 'regular-file', Path: '/srv/nowhere', MatchPattern: 'x_@v' };
      const Source = {
        Type: sourceType,
        Path: `${sourceType === 'url-file' ? 'file://' : ''}${source}`,
        MatchPattern: pattern,
      };
      write(
        `usr/lib/sysupdate.c${number}.d/x.transfer`,
        definition({ Transfer: { Verify: 'no' }, Source, Target: target }),
      );
      mkdirSync(join(root, source), { recursive: true });
      for (const [name, content] of Object.entries(files)) write(join(source, name), content);
    }
    const script = `seq 0 ${questions.length - 1} | sed s/^/c/ | xargs -P 2 -n 1 sh /srv/ask`;
    const result = await run(script);
    if (result.status !== 0) throw new Error(`asking ended with ${result.status}: ${result.stderr}`);
    return questions.map((_, number) => readAnswer(join(root, 'out', `c${number}`)));
  });
}

function readAnswer(place: string): SystemdAnswer {
  const said = readFileSync(`${place}.log`, 'utf8');
  if (readFileSync(`${place}.status`, 'utf8').trim() !== '0') return { versions: undefined, said };
  const { all } = JSON.parse(readFileSync(`${place}.json`, 'utf8')) as { all: string[] };
  return { versions: all, said };
}

/** Runs a shell script beside systemd 262. */
export function runInForky(script: string): Promise<TreeResult> {
  return inScratchRoot((_, run) => run(script));
}

async function inScratchRoot<T>(
  work: (root: string, run: (script: string) => Promise<TreeResult>) => Promise<T>,
): Promise<T> {
  const tree = await prepareTree('forky');
  // Nothing of it is worth a disk.
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'extupdate-parsers-'));
  try {
    return await work(root, (script) => runInTree(tree, root, script));
  } finally {
    rmSync(root, { recursive: true });
  }
}
