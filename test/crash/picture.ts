/** What a directory tree holds, as text in which nothing is different each time: two trees are the same if theirs is. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { withoutRandom } from './trace.ts';

/** Moments, process and boot ids in what the program writes down. */
const MOMENT = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g;

/** Lines of `mode path content`, sorted. @param skip paths below the directory that do not count */
export function pictureOf(directory: string, skip: (path: string) => boolean = () => false): string[] {
  const lines: string[] = [];
  const walk = (path: string) => {
    for (const name of readdirSync(join(directory, path)).sort()) {
      const at = path === '' ? name : `${path}/${name}`;
      if (skip(at)) continue;
      const place = join(directory, at);
      const info = lstatSync(place);
      const mode = (info.mode & 0o7777).toString(8);
      if (info.isSymbolicLink()) lines.push(`link ${withoutRandom(at)} ${readlinkSync(place)}`);
      else if (info.isDirectory()) lines.push(`${mode} ${withoutRandom(at)}/`);
      else lines.push(`${mode} ${withoutRandom(at)} ${contentOf(place, at)}`);
      if (info.isDirectory()) walk(at);
    }
  };
  walk('');
  return lines.sort();
}

function contentOf(place: string, path: string): string {
  const bytes = readFileSync(place);
  const known = /\.jsonl?$/.test(path) ? bytes.toString('latin1').replace(MOMENT, 'MOMENT') : bytes;
  return createHash('sha256').update(known).digest('hex').slice(0, 16);
}
