/** The boots of this machine, in `/var/lib/extupdate/boots.json`. */
import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { type Boot, Boots } from '../resolve/boots.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

const BOOTS_PATH = '/var/lib/extupdate/boots.json';

const BootsFile = z.looseObject({ format: z.number(), boots: Boots });

/** Oldest first. */
export function readBoots(root: string, mend: boolean): readonly Boot[] {
  return readStateFile(root, BOOTS_PATH, BootsFile, mend)?.boots ?? [];
}

export function writeBoots(root: string, boots: readonly Boot[]): Promise<void> {
  return writeStateFile(root, BOOTS_PATH, { format: 1, boots });
}

/** The id of the present boot; '' for a tree that is not running. */
export function currentBootId(root: string): string {
  if (root !== '') return '';
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
