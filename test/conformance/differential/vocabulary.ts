/** The words that scenarios are made of: versions, patterns, names that are in the way. */
import type { Dimension } from './supported.ts';

/** Versions whose order, or whose very name, is easily got wrong. */
export const versionPools: readonly (readonly string[])[] = [
  ['1', '2', '3', '4', '5', '6'],
  ['1.9', '1.10', '1.11', '1.2', '2.0', '10.0'],
  ['1.0', '1', '1.0.0', '1.1', '1.0.1', '0.9'],
  ['1.0', '1.00', '1.000', '1.01', '2.0', '2.00'],
  ['1.2.0-rc1', '1.2.0', '1.2.0~rc1', '1.2.0~rc2', '1.2.1', '1.2.0-1'],
  ['1+b1', '1+b2', '1', '1_0', '1.0', '2+b1'],
  ['v1.9', 'v1.10', '1.9', '2', 'v2', '1.10'],
  ['20240101', '20240201', '2024-01-01', '2024-02-01', '1.11', '20231231'],
  ['2024.1', '2024.10', '2024.9', '2025.0', '2024.1^git1', '2024.1~pre'],
];

/** How the files of a transfer are called; `N` stands for the name of the transfer. */
export interface Naming {
  readonly weight: number;
  readonly needs: readonly Dimension[];
  readonly source: readonly string[];
  /** Empty: as the source. */
  readonly target: readonly string[];
  /** Whether files and archives are published compressed. */
  readonly gzip?: boolean;
  /** What is published; files where nothing is said. */
  readonly form?: 'tar' | 'directory';
}

export const namings: readonly Naming[] = [
  { weight: 8, needs: [], source: ['N_@v.raw'], target: ['N_@v.raw'] },
  { weight: 4, needs: [], source: ['N_@v.raw'], target: [] },
  { weight: 2, needs: [], source: ['N-@v.img'], target: ['N_@v.raw'] },
  { weight: 2, needs: [], source: ['N_@v'], target: [] },
  { weight: 2, needs: ['two patterns'], source: ['N_@v.raw', 'N-@v.img'], target: ['N_@v.raw'] },
  { weight: 2, needs: ['two patterns'], source: ['N_@v', 'N_@v.raw'], target: [] },
  { weight: 2, needs: ['two patterns'], source: ['N_@v.raw'], target: ['N_@v.raw', 'N-@v.img'] },
  { weight: 2, needs: ['two patterns', 'subdirectories'], source: ['sub/N_@v.raw', 'N_@v.raw'], target: ['N_@v.raw'] },
  { weight: 2, needs: ['subdirectories'], source: ['sub/N_@v.raw'], target: ['N_@v.raw'] },
  { weight: 2, needs: ['subdirectories'], source: ['N/@v/image.raw'], target: ['N_@v.raw'] },
  { weight: 2, needs: ['any directory'], source: ['**/N_@v.raw'], target: ['N_@v.raw'] },
  { weight: 1, needs: ['any directory'], source: ['**/N_@v.raw'], target: [] },
  { weight: 2, needs: ['target subdirectories'], source: ['N_@v.raw'], target: ['N/@v.raw'] },
  { weight: 1, needs: ['target subdirectories'], source: ['N_@v.raw'], target: ['@v/N.raw'] },
  { weight: 1, needs: ['target subdirectories', 'subdirectories'], source: ['sub/N_@v.raw'], target: [] },
  { weight: 2, needs: ['mode in the name'], source: ['N_@v_@m.raw'], target: ['N_@v.raw'] },
  { weight: 1, needs: ['mode in the name'], source: ['N_@v_@m.raw'], target: [] },
  { weight: 2, needs: ['time in the name'], source: ['N_@v_@t.raw'], target: ['N_@v.raw'] },
  { weight: 2, needs: ['hash in the name'], source: ['N_@v_@h.raw'], target: ['N_@v.raw'] },
  { weight: 1, needs: ['hash in the name'], source: ['N_@v_@h.raw'], target: [] },
  {
    weight: 2,
    needs: ['tries in the name'],
    source: ['N_@v.raw'],
    target: ['N_@v+@l-@d.raw', 'N_@v+@l.raw', 'N_@v.raw'],
  },
  { weight: 1, needs: ['tries in the name'], source: ['N_@v.raw'], target: ['N_@v+@l.raw'] },
  { weight: 2, needs: ['compression'], source: ['N_@v.raw.gz'], target: ['N_@v.raw'], gzip: true },
  {
    weight: 1,
    needs: ['compression', 'two patterns'],
    source: ['N_@v.raw.gz', 'N_@v.raw'],
    target: ['N_@v.raw'],
    gzip: true,
  },
  { weight: 1, needs: ['compression'], source: ['N_@v.raw.gz'], target: [], gzip: true },
  { weight: 4, needs: [], form: 'tar', source: ['N_@v.tar'], target: ['N_@v'] },
  { weight: 3, needs: ['compression'], form: 'tar', source: ['N_@v.tar.gz'], target: ['N_@v'], gzip: true },
  { weight: 1, needs: [], form: 'tar', source: ['N_@v.tar'], target: [] },
  { weight: 1, needs: ['mode in the name'], form: 'tar', source: ['N_@v_@m.tar'], target: ['N_@v'] },
  { weight: 1, needs: ['time in the name'], form: 'tar', source: ['N_@v_@t.tar'], target: ['N_@v'] },
  { weight: 1, needs: ['target subdirectories'], form: 'tar', source: ['N_@v.tar'], target: ['N/@v'] },
  { weight: 1, needs: ['tries in the name'], form: 'tar', source: ['N_@v.tar'], target: ['N_@v+@l-@d', 'N_@v'] },
  {
    weight: 1,
    needs: ['compression', 'two patterns'],
    form: 'tar',
    source: ['N_@v.tar.gz', 'N_@v.tar'],
    target: ['N_@v'],
    gzip: true,
  },
  { weight: 4, needs: [], form: 'directory', source: ['N_@v'], target: ['N_@v'] },
  { weight: 2, needs: [], form: 'directory', source: ['N_@v'], target: [] },
  { weight: 1, needs: [], form: 'directory', source: ['N-@v'], target: ['N_@v.d'] },
  { weight: 1, needs: ['subdirectories'], form: 'directory', source: ['sub/N_@v'], target: ['N_@v'] },
  { weight: 1, needs: ['subdirectories'], form: 'directory', source: ['N/@v/image'], target: ['N_@v'] },
  { weight: 1, needs: ['mode in the name'], form: 'directory', source: ['N_@v_@m'], target: ['N_@v'] },
  { weight: 1, needs: ['time in the name'], form: 'directory', source: ['N_@v_@t'], target: ['N_@v'] },
  { weight: 1, needs: ['target subdirectories'], form: 'directory', source: ['N_@v'], target: ['@v/N'] },
];

/** Names of transfers: one is the beginning of the others. */
export const transferNames = ['app', 'app_extra', 'app-data'] as const;

/** Names in a target directory that nobody's pattern is meant to match; `N` and `V` are a transfer and a version. */
export const foreignNames = [
  '.#N_V.raw',
  '.#other',
  '.hidden',
  '.N_V.raw',
  'README',
  'N_V.raw.bak',
  'N_.raw',
  'N_V.raw.sha256',
  'xN_V.raw',
  'N_V!.raw',
  'N_V',
  'other_V.raw',
  '.sysupdate.other',
];

/** Such names of directories. */
export const foreignTreeNames = ['.#N_V', '.hidden', '.N_V', 'N_V.bak', 'N_', 'xN_V', 'N_V.raw', 'other_V'];

/** Names beside the files of a source. */
export const besideNames = ['N_V.raw.sig', 'N_V.manifest', 'xN_V.raw', 'N_.raw', 'N_V!.raw', 'N.raw', 'other_V.raw'];

export const modes = ['644', '600', '755', '444'];

/** The first of the times that names tell, in milliseconds since 1970. */
export const firstNamedTime = 1_600_000_000_000;
/** How many there are, a second apart. */
const TIMES = 1000;

/** A time for a name, in microseconds since 1970. */
export function namedTime(nth: number): string {
  return String((firstNamedTime + (nth % TIMES) * 1000) * 1000);
}

/** Whether a time can only come from a name. */
export function isNamedTime(milliseconds: number | undefined): boolean {
  return milliseconds !== undefined && milliseconds >= firstNamedTime && milliseconds < firstNamedTime + TIMES * 1000;
}
